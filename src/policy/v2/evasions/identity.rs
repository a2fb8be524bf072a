//! Whose image and whose name: 55, 58, 60, and the node's own.

use serde_json::{Value, json};

use super::super::sample::{DIGEST, HERE, decide, permit, permitting, pod, refusal};
use super::{denied, entry, whole};
use crate::policy::Circumstances;

fn images(rule: Value, image: &str, expected: &str) {
    let cleared =
        json!({ "images": super::super::sample::patch(json!({ "repositories": null }), rule) });
    entry(cleared, json!({ "image": image }), expected);
}

#[test]
fn t55_a_runtime_class_must_be_listed_and_then_must_be_there() {
    let kata = json!({ "runtimeClassName": "kata" });
    denied(kata.clone(), json!({}), "spec.runtimeClassName: found \"kata\", expected nothing");
    let rule = json!({ "runtimeClasses": ["kata"] });
    whole(rule.clone(), kata, "");
    whole(rule.clone(), json!({}), "runtimeClassName: found nothing, expected \"kata\"");
    whole(rule, json!({ "runtimeClassName": "runc" }), "runtimeClassName: found \"runc\"");
}

#[test]
fn t58_a_digest_is_asked_for_and_tags_have_to_be_permitted() {
    let repositories = json!({ "repositories": ["ghcr.io/acme/*"] });
    let pinned = format!("ghcr.io/acme/app@{DIGEST}");
    images(repositories.clone(), &pinned, "");
    images(repositories.clone(), &format!("ghcr.io/acme/app:1.0@{DIGEST}"), "");
    images(
        repositories.clone(),
        "ghcr.io/acme/app:1.0",
        "image: found \"ghcr.io/acme/app:1.0\", expected a digest",
    );
    images(repositories.clone(), "ghcr.io/acme/app", "expected a digest");
    let tags = json!({ "repositories": ["ghcr.io/acme/*"], "requireDigest": false });
    images(tags, "ghcr.io/acme/app:1.0", "");
    let reference = json!({ "references": [pinned] });
    images(reference.clone(), &format!("GHCR.io/acme/app:2@{DIGEST}"), "");
    let other = DIGEST.replace("0123", "3210");
    images(reference, &format!("ghcr.io/acme/app@{other}"), "image: found");
    let digests = json!({ "digests": [DIGEST] });
    images(digests.clone(), &format!("anywhere.example/x@{DIGEST}"), "");
    images(digests, &format!("ghcr.io/acme/app@{other}"), "expected one of the listed digests");
}

#[test]
fn t58_an_image_is_compared_by_its_one_full_name() {
    let hub = json!({ "repositories": ["docker.io/library/nginx"] });
    for image in ["nginx", "library/nginx", "docker.io/nginx", "index.docker.io/library/nginx"] {
        images(hub.clone(), &format!("{image}@{DIGEST}"), "");
    }
    for image in [
        "nginx.evil.io/nginx",
        "docker.io/evil/nginx",
        "docker.io.evil.io/library/nginx",
        "docker.io/library/nginx2",
    ] {
        images(hub.clone(), &format!("{image}@{DIGEST}"), "image: found");
    }
    let registry = json!({ "registries": ["ghcr.io/acme"] });
    images(registry.clone(), &format!("ghcr.io/acme/a/b@{DIGEST}"), "");
    images(registry.clone(), &format!("ghcr.io/acmes/a@{DIGEST}"), "image: found");
    images(registry, &format!("ghcr.io.evil.io/acme/a@{DIGEST}"), "image: found");
    let port = json!({ "repositories": ["registry.example:5000/a"] });
    images(port.clone(), &format!("registry.example:5000/a@{DIGEST}"), "");
    images(port, &format!("registry.example/a@{DIGEST}"), "image: found");
    for (rule, expected) in [
        (json!({ "references": ["nginx:1"] }), "has no digest, so no image fits it"),
        (json!({ "references": ["NGINX"] }), "is no image reference"),
        (json!({ "repositories": ["nginx"] }), "does not say which registry"),
        (json!({ "repositories": ["ghcr.io/acme:1"] }), ""),
        (json!({ "repositories": ["ghcr.io/*/app"] }), "is no pattern"),
        (json!({ "digests": ["sha256:0"] }), "is no digest"),
        (json!({ "requireDigest": true }), "names no image"),
    ] {
        if expected.is_empty() {
            continue;
        }
        let rule =
            json!({ "images": super::super::sample::patch(json!({ "repositories": null }), rule) });
        let message = refusal(&permitting(permit(json!({}), rule)));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn t58_pull_secrets_need_a_permit() {
    let secrets = json!({ "imagePullSecrets": [{ "name": "registry" }] });
    denied(secrets.clone(), json!({}), "spec.imagePullSecrets[0]: found \"registry\"");
    whole(json!({ "imagePullSecrets": ["registry"] }), secrets, "");
}

#[test]
fn t60_names_and_environment_of_services_are_pinned() {
    denied(json!({ "enableServiceLinks": true }), json!({}), "spec.enableServiceLinks: found true");
    denied(json!({ "enableServiceLinks": null }), json!({}), "spec.enableServiceLinks: found true");
    whole(json!({ "serviceLinks": true }), json!({ "enableServiceLinks": true }), "");
    for field in ["hostname", "subdomain", "hostnameOverride"] {
        let expected = format!("spec.{field}: found \"evil\", expected nothing");
        denied(json!({ field: "evil" }), json!({}), &expected);
        whole(json!({ field: "evil" }), json!({ field: "evil" }), "");
    }
    let aliases = json!({ "hostAliases": [{ "ip": "10.0.0.1", "hostnames": ["db.internal"] }] });
    denied(aliases.clone(), json!({}), "spec.hostAliases[0]: found names for \"10.0.0.1\"");
    whole(aliases.clone(), aliases.clone(), "");
    let other = json!({ "hostAliases": [{ "ip": "10.0.0.2", "hostnames": ["db.internal"] }] });
    whole(other, aliases, "spec.hostAliases[0]: found");
    let config = json!({ "dnsPolicy": "None", "dnsConfig": { "nameservers": ["10.0.0.53"],
        "searches": ["evil.io"], "options": [{ "name": "ndots", "value": "5" }] } });
    denied(config.clone(), json!({}), "spec.dnsPolicy: found \"None\"");
    let policies = json!({ "dnsPolicies": ["None"] });
    whole(policies, config.clone(), "spec.dnsConfig.nameservers[0]: found \"10.0.0.53\"");
    let permit = json!({ "dnsPolicies": ["None"], "dnsConfig": { "nameservers": ["10.0.0.53"],
        "searches": ["evil.io"], "options": ["ndots:5"] } });
    whole(permit, config, "");
}

#[test]
fn a_service_account_is_the_default_one_unless_listed() {
    denied(json!({ "serviceAccountName": "default" }), json!({}), "");
    let admin = json!({ "serviceAccountName": "admin" });
    denied(admin.clone(), json!({}), "serviceAccountName: found \"admin\", expected \"default\"");
    whole(json!({ "serviceAccounts": ["admin"] }), admin, "");
    let differs = json!({ "serviceAccountName": "default", "serviceAccount": "admin" });
    denied(differs, json!({}), "spec.serviceAccount: found \"admin\", expected \"default\"");
    let token = json!({ "automountServiceAccountToken": true });
    denied(token.clone(), json!({}), "automountServiceAccountToken: found true");
    whole(token.clone(), token, "");
}

#[test]
fn a_pod_bound_to_another_node_is_denied_by_every_document() {
    let everything = permitting(json!({ "unlisted": "permit" }));
    let pod = pod(json!({}), json!({}));
    decide(&everything, &pod, &HERE, |decision| assert!(decision.verdict.is_allow()));
    let elsewhere = Circumstances { node: "node-2", ..HERE };
    decide(&everything, &pod, &elsewhere, |decision| {
        let reason = decision.verdict.reason().to_string();
        assert_eq!(reason, "pod is bound to node 'node-1', this is 'node-2'");
        assert!(!decision.verdict.is_allow());
    });
}
