//! The seed's quirks, closed: each test is named after what no longer goes wrong.
//!
//! `docs/reference/policy.md` lists these tests by name; whole policies meet whole pods here.

use super::sample_pods::{
    DIGEST, container, harmless_pod, pod_with_container, pod_with_image, verdict, volume,
};
use super::{Policy, PolicyError, Verdict};
use crate::kube_wire::pod::{ContainerKind, Pod, PodSecurity};

/// A policy with one rule that denies what `matching` says and allows the rest.
fn denying(matching: &str) -> Result<Policy, PolicyError> {
    one_rule("deny", matching)
}

fn one_rule(action: &str, matching: &str) -> Result<Policy, PolicyError> {
    let default = if action == "deny" { "allow" } else { "deny" };
    let text = format!(
        r#"{{"name":"p","defaultAction":"{default}","rules":[
            {{"name":"r","action":"{action}","match":{matching}}}]}}"#
    );
    Policy::parse(text.as_bytes()).map(|loaded| loaded.policy)
}

fn reason(matching: &str, pod: &Pod<'_>) -> String {
    verdict(&denying(matching).unwrap(), pod).reason().to_string()
}

#[track_caller]
fn assert_denied(matching: &str, pod: &Pod<'_>, violation: &str) {
    let expected = format!("denied by rule 'r': {violation}");
    assert_eq!(reason(matching, pod), expected, "{matching}");
}

#[track_caller]
fn assert_untouched(matching: &str, pod: &Pod<'_>) {
    assert_eq!(reason(matching, pod), "no matching rules, default action is allow", "{matching}");
}

#[track_caller]
fn assert_refused(action: &str, matching: &str, parts: &[&str]) {
    let message = one_rule(action, matching).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
}

#[test]
fn an_unknown_key_refuses_to_load_and_suggests_the_right_one() {
    assert_refused(
        "deny",
        r#"{"security":{"denyPriviledged":true}}"#,
        &["rules[0].match.security.denyPriviledged (line 2)", "did you mean `denyPrivileged`?"],
    );
    assert_refused("deny", r#"{"Namespaces":["a"]}"#, &["did you mean `namespaces`?"]);
    assert_refused("deny", r#"{"zzz":1}"#, &["unknown key; known here: namespaces,"]);
}

#[test]
fn a_wrong_type_refuses_to_load() {
    for (matching, wanted) in [
        (r#"{"security":{"denyHostNetwork":"true"}}"#, "is a string; it must be true or false"),
        (r#"{"security":{"denyHostNetwork":null}}"#, "is null; it must be true or false"),
        (r#"{"security":[]}"#, "is a list; it must be an object"),
        (r#"{"namespaces":"a"}"#, "is a string; it must be a list"),
        (r#"{"namespaces":[1]}"#, "is a number; it must be a string"),
        (r#"{"labels":{"a":true}}"#, "is a boolean; it must be a string"),
        (r#"{"images":null}"#, "is null; it must be an object"),
        (r#"[]"#, "is a list; it must be an object"),
    ] {
        assert_refused("deny", matching, &[wanted, "rules[0].match"]);
    }
}

#[test]
fn a_duplicate_key_refuses_to_load_at_every_level() {
    for matching in [
        r#"{"namespaces":["a"],"namespaces":["b"]}"#,
        r#"{"security":{"denyHostPID":true,"denyHostPID":false}}"#,
        r#"{"security":{"denyHostPID":true,"denyHost\u0050ID":false}}"#,
        r#"{"labels":{"a":"1","a":"2"}}"#,
        r#"{"annotations":{"a":"1","a":"1"}}"#,
    ] {
        assert_refused("deny", matching, &["key appears twice"]);
    }
    let text = br#"{"defaultAction":"deny","defaultAction":"allow"}"#;
    assert!(Policy::parse(text).unwrap_err().to_string().contains("key appears twice"));
}

#[test]
fn a_bad_namespace_regex_refuses_to_load() {
    assert_refused(
        "deny",
        r#"{"namespaceRegex":"("}"#,
        &["rules[0].match.namespaceRegex", "is no usable regular expression"],
    );
}

#[test]
fn a_namespace_regex_searches_and_warns_when_it_is_not_anchored() {
    let text = br#"{"name":"p","defaultAction":"allow","rules":[
        {"name":"r","action":"deny","match":{"namespaceRegex":"faul"}}]}"#;
    let loaded = Policy::parse(text).unwrap();
    let warning = loaded.warnings.first().unwrap().to_string();
    assert!(
        warning.starts_with("rules[0].match.namespaceRegex (line 2): is not anchored"),
        "{warning}"
    );
    assert!(!verdict(&loaded.policy, &harmless_pod()).is_allow());
}

#[test]
fn an_image_that_matches_no_allowed_pattern_is_a_violation() {
    let matching = r#"{"images":{"allowed":["nginx*","ghcr.io/org/*"]}}"#;
    assert_untouched(matching, &pod_with_image("docker.io/library/nginx:1"));
    assert_untouched(matching, &pod_with_image("ghcr.io/org/app"));
    for image in ["busybox", "nginx.evil.io/x", "ghcr.io/organised/app"] {
        let violation = format!("image '{image}' matches no allowed pattern");
        assert_denied(matching, &pod_with_image(image), &violation);
    }
}

#[test]
fn images_and_security_in_one_rule_both_count() {
    let matching = r#"{"images":{"requireDigest":true},"security":{"denyPrivileged":true}}"#;
    let pinned = format!("nginx@{DIGEST}");
    let mut pod = pod_with_image(&pinned);
    assert_untouched(matching, &pod);
    pod.containers[0].privileged = true;
    assert_denied(matching, &pod, "container 'app' is privileged");
    let unpinned = pod_with_image("nginx");
    assert_denied(matching, &unpinned, "image 'nginx' does not have a digest");
}

#[test]
fn an_allow_rule_with_conditions_refuses_to_load() {
    for matching in [
        r#"{"images":{"allowedRegistries":["gcr.io"]}}"#,
        r#"{"security":{"denyPrivileged":true}}"#,
        r#"{"namespaces":["a"],"security":{"denyPrivileged":false}}"#,
    ] {
        assert_refused("allow", matching, &["describes violations", "write a deny rule"]);
    }
}

#[test]
fn init_and_ephemeral_containers_and_image_volumes_count() {
    for kind in [ContainerKind::Init, ContainerKind::Ordinary, ContainerKind::Ephemeral] {
        let mut pod = harmless_pod();
        let mut second = container("evil.io/x");
        (second.kind, second.name, second.privileged) = (kind, "second", true);
        pod.containers.push(second);
        let privileged = "container 'second' is privileged";
        assert_denied(r#"{"security":{"denyPrivileged":true}}"#, &pod, privileged);
        let from = "image 'evil.io/x' from denied registry 'evil.io'";
        assert_denied(r#"{"images":{"deniedRegistries":["evil.io"]}}"#, &pod, from);
    }
    let mut pod = harmless_pod();
    pod.volumes.push(volume(false, Some("evil.io/x")));
    let outside = "image 'evil.io/x' not from allowed registries";
    assert_denied(r#"{"images":{"allowedRegistries":["docker.io"]}}"#, &pod, outside);
}

#[test]
fn capabilities_are_compared_without_prefix_and_case() {
    let matching = r#"{"security":{"deniedCapabilities":["CAP_sys_admin"]}}"#;
    for added in ["SYS_ADMIN", "CAP_SYS_ADMIN", "sys_admin", "cap_Sys_Admin"] {
        let pod = pod_with_container(|container| container.added_capabilities = vec![added]);
        let violation = format!("container 'app' adds denied capability '{added}'");
        assert_denied(matching, &pod, &violation);
    }
    let pod = pod_with_container(|container| container.added_capabilities = vec!["NET_RAW"]);
    assert_untouched(matching, &pod);
}

#[test]
fn adding_all_capabilities_violates_any_list() {
    for list in [r#"["NET_RAW"]"#, r#"["ALL"]"#] {
        let matching = format!(r#"{{"security":{{"deniedCapabilities":{list}}}}}"#);
        let pod = pod_with_container(|container| container.added_capabilities = vec!["ALL"]);
        assert_denied(&matching, &pod, "container 'app' adds denied capability 'ALL'");
        let pod = pod_with_container(|container| container.privileged = true);
        let violation = "container 'app' adds denied capability 'ALL' (it is privileged)";
        assert_denied(&matching, &pod, violation);
    }
    let matching = r#"{"security":{"deniedCapabilities":["ALL"]}}"#;
    let pod = pod_with_container(|container| container.added_capabilities = vec!["NET_RAW"]);
    assert_untouched(matching, &pod);
}

#[test]
fn a_denied_capability_that_does_not_exist_refuses_to_load() {
    assert_refused(
        "deny",
        r#"{"security":{"deniedCapabilities":["SYS_ADMN"]}}"#,
        &["deniedCapabilities[0]", "is no Linux capability; did you mean `SYS_ADMIN`?"],
    );
}

#[test]
fn a_registry_matches_whole_components_only() {
    for entry in ["mcr.microsoft.com", "mcr.microsoft.com/"] {
        let matching = format!(r#"{{"images":{{"allowedRegistries":["{entry}"]}}}}"#);
        assert_untouched(&matching, &pod_with_image("mcr.microsoft.com/dotnet/sdk:8"));
        for image in ["mcr.microsoft.com.evil.io/dotnet", "mcr.microsoft.com:5000/dotnet", "dotnet"]
        {
            let violation = format!("image '{image}' not from allowed registries");
            assert_denied(&matching, &pod_with_image(image), &violation);
        }
    }
}

#[test]
fn a_digest_is_parsed_and_not_searched_for() {
    let matching = r#"{"images":{"requireDigest":true}}"#;
    assert_untouched(matching, &pod_with_image(&format!("nginx:1@{DIGEST}")));
    let without = "image 'nginx:1' does not have a digest";
    assert_denied(matching, &pod_with_image("nginx:1"), without);
    for image in ["nginx@sha256:", "nginx@sha256:0123", "nginx@sha512:00", "a@sha256:b/c"] {
        let violation = format!("image '{image}' is not a valid image reference");
        assert_denied(matching, &pod_with_image(image), &violation);
    }
}

#[test]
fn an_image_that_does_not_parse_violates_every_images_condition() {
    for condition in [
        r#""allowed":["*"]"#,
        r#""denied":["busybox"]"#,
        r#""requireDigest":true"#,
        r#""allowedRegistries":["docker.io"]"#,
        r#""deniedRegistries":["evil.io"]"#,
    ] {
        let matching = format!(r#"{{"images":{{{condition}}}}}"#);
        for image in ["", "Nginx", "https://docker.io/nginx"] {
            let violation = format!("image '{image}' is not a valid image reference");
            assert_denied(&matching, &pod_with_image(image), &violation);
        }
    }
}

#[test]
fn short_image_names_are_normalised() {
    let registries = r#"{"images":{"allowedRegistries":["docker.io/library/"]}}"#;
    for image in ["nginx", "nginx:1", "library/nginx", "docker.io/nginx", "index.docker.io/nginx"] {
        assert_untouched(registries, &pod_with_image(image));
        let denied = r#"{"images":{"denied":["docker.io/library/nginx*"]}}"#;
        let violation =
            format!("image '{image}' matches denied pattern 'docker.io/library/nginx*'");
        assert_denied(denied, &pod_with_image(image), &violation);
    }
}

#[test]
fn a_denied_image_is_denied_in_every_spelling() {
    for image in ["nginx", "docker.io/library/nginx:2", "registry-1.docker.io/library/nginx"] {
        let violation = format!("image '{image}' matches denied pattern 'nginx*'");
        assert_denied(r#"{"images":{"denied":["nginx*"]}}"#, &pod_with_image(image), &violation);
    }
}

#[test]
fn the_effective_user_decides_about_root() {
    let matching = r#"{"security":{"denyRunAsRoot":true}}"#;
    let is_root = "container 'app' runs as root";
    let may_be_root = "container 'app' runs as root (neither runAsUser nor runAsNonRoot is set)";
    for (pod_user, pod_non_root, user, non_root, violation) in [
        (None, None, None, None, Some(may_be_root)),
        (None, Some(true), None, None, None),
        (None, None, None, Some(true), None),
        (None, Some(true), None, Some(false), Some(may_be_root)),
        (None, Some(false), None, Some(true), None),
        (Some(0), None, None, None, Some(is_root)),
        (Some(0), None, Some(7), None, None),
        (Some(7), None, Some(0), None, Some(is_root)),
        (Some(7), None, None, None, None),
        (Some(0), Some(true), None, None, Some(is_root)),
        (None, None, Some(-1), None, Some(is_root)),
        (None, None, Some(1 << 32), None, Some(is_root)),
    ] {
        let mut pod = pod_with_container(|container| {
            (container.run_as_user, container.run_as_non_root) = (user, non_root);
        });
        pod.security = PodSecurity { run_as_user: pod_user, run_as_non_root: pod_non_root };
        match violation {
            Some(violation) => assert_denied(matching, &pod, violation),
            None => assert_untouched(matching, &pod),
        }
    }
}

#[test]
fn a_pattern_of_another_shape_refuses_to_load() {
    for pattern in ["a*b", "**", "*a*b*", "a?", "[ab]*", ""] {
        for matching in [
            format!(r#"{{"namespaces":["{pattern}"]}}"#),
            format!(r#"{{"images":{{"allowed":["{pattern}"]}}}}"#),
            format!(r#"{{"images":{{"denied":["{pattern}"]}}}}"#),
        ] {
            assert_refused("deny", &matching, &["[0] (line 2)"]);
        }
    }
}

#[test]
fn an_absent_label_is_not_an_empty_one() {
    for map in ["labels", "annotations"] {
        let matching = format!(r#"{{"{map}":{{"approved":""}}}}"#);
        assert_untouched(&matching, &harmless_pod());
        let entries = [("approved", "")];
        let mut pod = harmless_pod();
        pod.labels = entries.into_iter().collect();
        pod.annotations = entries.into_iter().collect();
        assert_denied(&matching, &pod, "matched all criteria");
    }
}

#[test]
fn an_empty_condition_refuses_to_load() {
    for matching in [
        r#"{"namespaces":[]}"#,
        r#"{"namespaceRegex":""}"#,
        r#"{"labels":{}}"#,
        r#"{"annotations":{}}"#,
        r#"{"images":{}}"#,
        r#"{"images":{"allowed":[]}}"#,
        r#"{"images":{"requireDigest":false}}"#,
        r#"{"images":{"allowedRegistries":[],"requireDigest":true}}"#,
        r#"{"security":{}}"#,
        r#"{"security":{"denyPrivileged":false}}"#,
        r#"{"security":{"deniedCapabilities":[]}}"#,
    ] {
        assert_refused("deny", matching, &["rules[0].match."]);
    }
}

#[test]
fn a_condition_that_is_false_is_none() {
    let matching = r#"{"security":{"denyPrivileged":false,"denyHostPID":true}}"#;
    assert_untouched(matching, &pod_with_container(|container| container.privileged = true));
}

#[test]
fn an_empty_match_means_every_pod_and_warns() {
    assert_denied("{}", &harmless_pod(), "matched all criteria");
    let text = br#"{"name":"p","defaultAction":"allow","rules":[
        {"name":"all","action":"deny","match":{}},
        {"name":"late","action":"allow","match":{"namespaces":["a"]}}]}"#;
    let warnings: Vec<_> =
        Policy::parse(text).unwrap().warnings.iter().map(ToString::to_string).collect();
    assert!(warnings[0].contains("so the rule matches every pod"), "{warnings:?}");
    assert!(warnings[1].contains("is never reached: rule \"all\""), "{warnings:?}");
}

#[test]
fn a_rule_with_some_criterion_or_condition_is_no_catch_all() {
    for (matching, catches_all) in [
        (r#"{"namespaces":["a"]}"#, false),
        (r#"{"namespaces":["a","*"]}"#, true),
        (r#"{"namespaceRegex":"^a$"}"#, false),
        (r#"{"labels":{"a":"b"}}"#, false),
        (r#"{"annotations":{"a":"b"}}"#, false),
        (r#"{"images":{"requireDigest":true}}"#, false),
        (r#"{"security":{"denyHostPID":true}}"#, false),
    ] {
        let first = format!(r#"{{"name":"a","action":"deny","match":{matching}}}"#);
        let second = r#"{"name":"b","action":"deny","match":{"namespaces":["b"]}}"#;
        let text = format!(r#"{{"name":"p","defaultAction":"deny","rules":[{first},{second}]}}"#);
        let warnings = Policy::parse(text.as_bytes()).unwrap().warnings;
        assert_eq!(!warnings.is_empty(), catches_all, "{matching} {warnings:?}");
    }
}

#[test]
fn an_empty_message_gives_way_to_the_violation() {
    let text = br#"{"name":"p","defaultAction":"allow","rules":[{"name":"r","action":"deny",
        "match":{"security":{"denyHostPID":true}},"message":""}]}"#;
    let mut pod = harmless_pod();
    pod.host_pid = true;
    let policy = Policy::parse(text).unwrap().policy;
    let reason = verdict(&policy, &pod).reason().to_string();
    assert_eq!(reason, "denied by rule 'r': pod uses hostPID");
}

#[test]
fn each_pod_level_condition_has_its_reason() {
    type Spoil = fn(&mut Pod<'static>);
    let cases: [(&str, Spoil, &str); 4] = [
        ("denyHostNetwork", |pod| pod.host_network = true, "pod uses hostNetwork"),
        ("denyHostPID", |pod| pod.host_pid = true, "pod uses hostPID"),
        ("denyHostIPC", |pod| pod.host_ipc = true, "pod uses hostIPC"),
        ("denyHostPath", |pod| pod.volumes.push(volume(true, None)), "pod uses hostPath volume"),
    ];
    for (field, change, violation) in cases {
        let matching = format!(r#"{{"security":{{"{field}":true}}}}"#);
        let mut pod = harmless_pod();
        assert_untouched(&matching, &pod);
        change(&mut pod);
        assert_denied(&matching, &pod, violation);
    }
}

#[test]
fn the_first_matching_rule_wins() {
    let text = br#"{"name":"p","defaultAction":"deny","rules":[
        {"name":"first","action":"allow","match":{"namespaces":["def*"]},"message":"m"},
        {"name":"second","action":"deny","match":{},"message":"m"}]}"#;
    let policy = Policy::parse(text).unwrap().policy;
    let mut pod = harmless_pod();
    let decided = verdict(&policy, &pod);
    assert_eq!(decided.rule(), Some("first"));
    assert_eq!(decided.reason().to_string(), "allowed by rule 'first': matched all criteria");
    pod.identity.namespace = "other";
    let decided = verdict(&policy, &pod);
    assert!(matches!(decided, Verdict::Deny(_)));
    assert_eq!(decided.reason().to_string(), "denied by rule 'second': m");
}

#[test]
fn all_criteria_of_a_rule_must_hold() {
    let matching = r#"{"namespaces":["default"],"namespaceRegex":"^d.*$",
        "labels":{"a":"1"},"annotations":{"b":"2"},"security":{"denyHostPID":true}}"#;
    let mut pod = harmless_pod();
    pod.host_pid = true;
    pod.labels = [("a", "1")].into_iter().collect();
    pod.annotations = [("b", "2")].into_iter().collect();
    assert_denied(matching, &pod, "pod uses hostPID");
    let spoil: [fn(&mut Pod<'_>); 4] = [
        |pod| pod.identity.namespace = "default2",
        |pod| pod.labels = [("a", "2")].into_iter().collect(),
        |pod| pod.annotations = [("B", "2")].into_iter().collect(),
        |pod| pod.host_pid = false,
    ];
    for change in spoil {
        let mut spoilt = harmless_pod();
        (spoilt.host_pid, spoilt.labels, spoilt.annotations) =
            (true, pod.labels.clone(), pod.annotations.clone());
        change(&mut spoilt);
        assert_untouched(matching, &spoilt);
    }
}
