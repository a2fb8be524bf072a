//! What a container may do to the node: 43, 44, 53, 54, 57.

use serde_json::json;

use super::{denied, entry, tried, whole};

#[test]
fn t43_the_nodes_own_spaces_need_a_permit_each() {
    for field in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "setHostnameAsFQDN"]
    {
        let expected = format!("spec.{field}: found true, expected false");
        denied(json!({ field: true }), json!({}), &expected);
        whole(json!({ field: true }), json!({ field: true }), "");
        whole(json!({ field: false }), json!({ field: true }), &expected);
    }
}

#[test]
fn t43_ports_of_the_node_need_a_permit() {
    let port =
        |host_port: i32| json!({ "ports": [{ "containerPort": 80, "hostPort": host_port }] });
    denied(json!({}), port(0), "");
    denied(json!({}), port(80), "ports[0].hostPort: found 80, expected nothing");
    let rule = json!({ "ports": [{ "hostPort": 80, "protocol": "TCP" }] });
    entry(rule.clone(), port(80), "");
    entry(rule.clone(), port(22), "ports[0].hostPort: found 22");
    let udp = json!({ "ports": [{ "containerPort": 80, "hostPort": 80, "protocol": "UDP" }] });
    entry(rule.clone(), udp, "hostPort: found 80");
    let bound = json!({ "ports": [{ "containerPort": 80, "hostPort": 80, "hostIP": "10.0.0.1" }] });
    entry(rule, bound, "hostPort: found 80");
    let permit = (json!({ "hostNetwork": true }), json!({}));
    tried(permit, json!({ "hostNetwork": true }), port(80), "");
}

#[test]
fn t44_users_of_its_own_relax_nothing_and_are_asked_for() {
    let own = json!({ "hostUsers": false });
    denied(own.clone(), json!({}), "spec.hostUsers: found false, expected true or nothing");
    whole(own.clone(), own.clone(), "");
    whole(own.clone(), json!({}), "spec.hostUsers: found true or nothing, expected false");
    whole(json!({ "hostUsers": "any" }), own.clone(), "");
    whole(json!({ "hostUsers": true }), json!({}), "");
    whole(
        json!({ "hostUsers": true }),
        own.clone(),
        "spec.hostUsers: found false, expected true or nothing",
    );
    let root = json!({ "securityContext": { "runAsUser": 0 } });
    tried((own.clone(), json!({})), own, root, "runAsUser: found 0, expected nothing");
}

#[test]
fn t53_what_weakens_a_container_needs_a_permit() {
    for (field, value, rule) in [
        ("privileged", json!(true), json!({ "privileged": true })),
        ("allowPrivilegeEscalation", json!(true), json!({ "allowPrivilegeEscalation": true })),
        ("procMount", json!("Unmasked"), json!({ "procMount": "Unmasked" })),
        ("runAsUser", json!(0), json!({ "runAsUser": 0 })),
        ("runAsGroup", json!(0), json!({ "runAsGroup": [0, 1] })),
        ("seccompProfile", json!({ "type": "Unconfined" }), json!({ "seccomp": "Unconfined" })),
        ("appArmorProfile", json!({ "type": "Unconfined" }), json!({ "appArmor": ["Unconfined"] })),
        ("seLinuxOptions", json!({ "type": "spc_t" }), json!({ "seLinux": { "type": "spc_t" } })),
        (
            "capabilities",
            json!({ "add": ["NET_ADMIN"] }),
            json!({ "capabilities": { "add": ["net_admin"] } }),
        ),
    ] {
        let container = json!({ "securityContext": { field: value } });
        denied(json!({}), container.clone(), &format!("securityContext.{field}"));
        entry(json!({ "securityContext": rule }), container, "");
    }
}

#[test]
fn t53_what_a_rule_demands_must_be_there() {
    for (rule, container, expected) in [
        (json!({ "runAsNonRoot": true }), json!({}), "runAsNonRoot: found nothing, expected true"),
        (
            json!({ "runAsNonRoot": true }),
            json!({ "runAsNonRoot": false }),
            "found false, expected true",
        ),
        (json!({ "runAsNonRoot": true }), json!({ "runAsNonRoot": true }), ""),
        (
            json!({ "runAsUser": { "min": 1 } }),
            json!({}),
            "runAsUser: found nothing, expected 1 to",
        ),
        (json!({ "runAsUser": { "min": 1 } }), json!({ "runAsUser": 7 }), ""),
        (json!({ "allowPrivilegeEscalation": false }), json!({}), "found nothing, expected false"),
        (
            json!({ "allowPrivilegeEscalation": false }),
            json!({ "allowPrivilegeEscalation": false }),
            "",
        ),
        (
            json!({ "readOnlyRootFilesystem": true }),
            json!({}),
            "readOnlyRootFilesystem: found false",
        ),
        (json!({ "readOnlyRootFilesystem": true }), json!({ "readOnlyRootFilesystem": true }), ""),
        (
            json!({ "capabilities": { "drop": ["ALL"] } }),
            json!({}),
            "drop: found [], expected \"ALL\"",
        ),
        (
            json!({ "capabilities": { "drop": ["ALL"] } }),
            json!({ "capabilities": { "drop": ["NET_RAW"] } }),
            "drop: found [\"NET_RAW\"]",
        ),
        (
            json!({ "capabilities": { "drop": ["NET_RAW"] } }),
            json!({ "capabilities": { "drop": ["all"] } }),
            "",
        ),
        (json!({ "seccomp": "RuntimeDefault" }), json!({}), "seccompProfile: found nothing"),
        (
            json!({ "seccomp": "RuntimeDefault" }),
            json!({ "seccompProfile": { "type": "RuntimeDefault" } }),
            "",
        ),
        (json!({ "seccomp": ["RuntimeDefault", "Unset"] }), json!({}), ""),
        (
            json!({ "seccomp": { "localhost": ["audit.json"] } }),
            json!({ "seccompProfile": { "type": "Localhost", "localhostProfile": "audit.json" } }),
            "",
        ),
        (
            json!({ "seccomp": { "localhost": ["audit.json"] } }),
            json!({ "seccompProfile": { "type": "Localhost", "localhostProfile": "evil.json" } }),
            "found \"Localhost\" \"evil.json\", expected Localhost \"audit.json\"",
        ),
    ] {
        entry(
            json!({ "securityContext": rule }),
            json!({ "securityContext": container }),
            expected,
        );
    }
}

#[test]
fn t53_capabilities_have_one_name_in_every_spelling() {
    let rule = json!({ "securityContext": { "capabilities": { "add": ["NET_BIND_SERVICE"] } } });
    for (added, expected) in [
        ("NET_BIND_SERVICE", ""),
        ("net_bind_service", ""),
        ("CAP_NET_BIND_SERVICE", ""),
        ("ALL", "capabilities.add[0]: found \"ALL\""),
        ("all", "capabilities.add[0]: found \"all\""),
        ("SYS_ADMIN", "found \"SYS_ADMIN\", expected one of [\"NET_BIND_SERVICE\"]"),
        ("\u{17f}YS_ADMIN", "capabilities.add[0]: found"),
    ] {
        let container = json!({ "securityContext": { "capabilities": { "add": [added] } } });
        entry(rule.clone(), container, expected);
    }
}

#[test]
fn t53_the_pods_context_is_inherited_and_judged() {
    let pod = |context: serde_json::Value| json!({ "securityContext": context });
    for (field, value) in [
        ("runAsUser", json!(0)),
        ("runAsGroup", json!(0)),
        ("fsGroup", json!(0)),
        ("seccompProfile", json!({ "type": "Unconfined" })),
        ("appArmorProfile", json!({ "type": "Unconfined" })),
        ("seLinuxOptions", json!({ "type": "spc_t" })),
        ("supplementalGroups", json!([0])),
        ("sysctls", json!([{ "name": "kernel.core_pattern", "value": "|/evil" }])),
    ] {
        denied(pod(json!({ field: value })), json!({}), &format!("securityContext.{field}"));
    }
    let user = |rule: i64| json!({ "securityContext": { "runAsUser": rule } });
    whole(user(1000), pod(json!({ "runAsUser": 1000 })), "");
    whole(user(1000), json!({}), "spec.containers[0].securityContext.runAsUser: found nothing");
    let root = json!({ "securityContext": { "runAsUser": 0 } });
    tried(
        (user(1000), json!({})),
        pod(json!({ "runAsUser": 1000 })),
        root.clone(),
        "containers[0]",
    );
    tried((user(1000), user(0)), pod(json!({ "runAsUser": 1000 })), root, "");
    let strict = json!({ "securityContext": { "supplementalGroupsPolicy": "Strict" } });
    whole(strict.clone(), json!({}), "supplementalGroupsPolicy: found \"Merge\"");
    whole(strict.clone(), strict, "");
}

#[test]
fn t53_sysctls_are_listed_in_the_kernels_spelling() {
    let rule = json!({ "securityContext": { "sysctls": [{ "name": "net.core.somaxconn", "value": "1024" }] } });
    for (name, value, expected) in [
        ("net.core.somaxconn", "1024", ""),
        ("net/core/somaxconn", "1024", ""),
        ("net.core.somaxconn", "1", "sysctls[0]: found \"net.core.somaxconn\" = \"1\""),
        ("kernel.panic", "1024", "sysctls[0]: found \"kernel.panic\""),
    ] {
        let pod = json!({ "securityContext": { "sysctls": [{ "name": name, "value": value }] } });
        whole(rule.clone(), pod, expected);
    }
}

#[test]
fn t54_windows_is_denied_whatever_is_permitted() {
    let everything = json!({ "unlisted": "permit", "containers": null });
    whole(everything.clone(), json!({ "os": { "name": "linux" } }), "");
    whole(
        everything.clone(),
        json!({ "os": { "name": "windows" } }),
        "spec.os.name: found \"windows\"",
    );
    let host_process = json!({ "windowsOptions": { "hostProcess": true } });
    let pod = json!({ "securityContext": host_process });
    whole(everything.clone(), pod, "spec.securityContext.windowsOptions: found");
    let container = json!({ "securityContext": host_process });
    tried(
        (everything, json!({})),
        json!({}),
        container,
        "containers[0].securityContext.windowsOptions",
    );
}

#[test]
fn t57_annotations_that_a_node_obeys_need_a_permit() {
    use super::super::sample::{assert_reason, permit, permitting, pod};
    for key in
        ["cdi.k8s.io/gpu", "io.katacontainers.config.runtime.x", "irq.crio.io", "a.nri.io/pod"]
    {
        let mut annotated = pod(json!({}), json!({}));
        annotated["metadata"]["annotations"] = json!({ key: "v", "example.com/note": "n" });
        let strict = permitting(permit(json!({}), json!({})));
        let expected = format!("metadata.annotations[\"{key}\"]: found a value");
        assert_reason(&strict, &annotated, &expected);
        let listed = permitting(permit(json!({ "annotations": [key] }), json!({})));
        assert_reason(&listed, &annotated, "");
        let pinned = json!({ "annotations": [{ "key": key, "value": "other" }] });
        assert_reason(&permitting(permit(pinned, json!({}))), &annotated, &expected);
    }
}

#[test]
fn t53_a_capability_counts_as_dropped_only_if_every_runtime_drops_it() {
    let drops = |names: serde_json::Value| json!({ "securityContext": { "capabilities": { "drop": names } } });
    for dropped in ["ALL", "all"] {
        entry(drops(json!(["ALL"])), drops(json!([dropped])), "");
    }
    // containerd puts `CAP_` in front of whatever is written, and drops nothing.
    for (rule, dropped) in [("ALL", "CAP_ALL"), ("NET_RAW", "CAP_NET_RAW"), ("NET_RAW", "cap_all")]
    {
        let expected = format!("capabilities.drop: found [\"{dropped}\"], expected \"{rule}\"");
        entry(drops(json!([rule])), drops(json!([dropped])), &expected);
    }
    let back = |add: &str| json!({ "securityContext": { "capabilities": { "drop": ["ALL"], "add": [add] } } });
    let rule = |add: &str| json!({ "securityContext": { "capabilities": { "drop": ["NET_RAW"], "add": [add] } } });
    entry(rule("CHOWN"), back("CHOWN"), "");
    entry(rule("ALL"), back("net_raw"), "capabilities.drop: found [\"ALL\"], expected \"NET_RAW\"");
}

#[test]
fn t57_annotations_that_oci_runtimes_obey_need_a_permit() {
    use super::super::sample::{assert_reason, permit, permitting, pod};
    for key in [
        // CVE-2024-3154: a property of the systemd unit, such as a command to run on the node.
        "org.systemd.property.ExecStopPost",
        "dev.gvisor.spec.mount.data.source",
        "nvidia.cdi.k8s.io/gpu",
        "module.wasm.image/variant",
    ] {
        let mut annotated = pod(json!({}), json!({}));
        annotated["metadata"]["annotations"] = json!({ key: "v" });
        let expected = format!("metadata.annotations[\"{key}\"]: found a value");
        assert_reason(&permitting(permit(json!({}), json!({}))), &annotated, &expected);
    }
}

#[test]
fn t53_an_annotation_takes_no_profile_away_from_an_open_rule() {
    use super::super::sample::{document, permit, pod, ruling};
    let open = permit(json!({ "unlisted": "permit" }), json!({ "unlisted": "permit" }));
    let demand = json!({ "securityContext": { "appArmor": ["RuntimeDefault", "Unset"] } });
    for unless in [demand.clone(), json!({ "containers": [demand] })] {
        let document = document(
            json!([{ "name": "a", "action": "allow", "match": {}, "permit": open },
                   { "name": "d", "action": "deny", "match": {}, "unless": unless }]),
            json!({}),
        );
        let profile = json!({ "appArmorProfile": { "type": "RuntimeDefault" } });
        for (value, of_container, fits) in [
            ("unconfined", json!(null), false),
            ("localhost/own", json!(null), false),
            ("runtime/default", json!(null), true),
            // A container's own field comes first.
            ("unconfined", profile.clone(), true),
        ] {
            let mut annotated = pod(
                json!({ "securityContext": profile }),
                json!({ "name": "app", "securityContext": of_container }),
            );
            let key = "container.apparmor.security.beta.kubernetes.io/app";
            annotated["metadata"]["annotations"] = json!({ key: value });
            let (allowed, reason) = ruling(&document, &annotated);
            assert_eq!(allowed, fits, "{value}: {reason}");
        }
    }
}
