//! What a container runs and is told: 26, 34 to 42, 61.

use serde_json::json;

use super::super::sample::{DIGEST, patch, permit, permitting, refusal};
use super::{denied, entry, tried};

#[test]
fn t26_an_ephemeral_container_needs_an_entry_of_its_own() {
    let image = format!("ghcr.io/acme/app@{DIGEST}");
    let debug = json!({ "ephemeralContainers": [{ "name": "debug", "image": image,
        "command": ["/app"], "args": ["--serve"] }] });
    let expected = "spec.ephemeralContainers[0]: found the ephemeral \"debug\"";
    denied(debug.clone(), json!({}), expected);
    let entry = json!({ "kinds": ["container", "ephemeral"] });
    tried((json!({}), entry), debug, json!({}), "");
}

#[test]
fn t34_keys_that_are_unknown_or_empty_do_not_load() {
    for (entry, expected) in [
        (json!({ "commmand": ["/app"] }), "did you mean `command`?"),
        (json!({ "env": [] }), "env (line "),
        (json!({ "mounts": [] }), "is empty, so it checks nothing"),
        (json!({ "images": { "repositories": [] } }), "is empty, so it checks nothing"),
        (json!({ "images": null }), "is missing; list the images that may run"),
        (json!({ "command": "/app" }), "is a string; it must be a list"),
        (json!({ "env": [{ "name": "A" }] }), "write either `value` or `from`"),
        (
            json!({ "env": [{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }] }),
            "lists \"A\" a second time",
        ),
    ] {
        let message = refusal(&permitting(permit(json!({}), entry)));
        assert!(message.contains(expected), "{message}");
        assert!(message.starts_with("rules[0].permit.containers[0]"), "{message}");
    }
}

#[test]
fn t35_a_regex_matches_the_whole_text_in_linear_time() {
    let rule = json!({ "args": [{ "regex": "a|b" }] });
    for (text, expected) in [
        ("a", ""),
        ("b", ""),
        ("ab", "args: found [\"ab\"], expected [all of it to match `a|b`]"),
        ("xb", "args: found"),
        ("a\nb", "args: found"),
        ("b\n", "args: found"),
    ] {
        entry(rule.clone(), json!({ "args": [text] }), expected);
    }
    let long = format!("{}!", "a".repeat(100_000));
    entry(json!({ "args": [{ "regex": "(a+)+" }] }), json!({ "args": [long] }), "args: found");
}

#[test]
fn t36_extra_environment_is_denied_and_no_name_stands_twice() {
    for name in ["LD_PRELOAD", "PATH", "BASH_ENV"] {
        let env = json!({ "env": [{ "name": name, "value": "/evil" }] });
        let expected = format!("spec.containers[0].env[0]: found the variable \"{name}\"");
        denied(json!({}), env, &expected);
    }
    let rule = json!({ "env": [{ "name": "A", "value": "1" }] });
    entry(rule.clone(), json!({ "env": [{ "name": "A", "value": "1" }] }), "");
    let twice = json!({ "env": [{ "name": "A", "value": "1" }, { "name": "A", "value": "1" }] });
    entry(rule.clone(), twice, "env[1].name: found \"A\", expected each variable once");
    entry(rule.clone(), json!({}), "env: found nothing, expected the variable \"A\"");
    let secret = json!({ "env": [{ "name": "A", "value": "hunter2" }] });
    entry(rule, secret, "env[0].value: found another value (not shown), expected the value");
}

#[test]
fn t37_each_source_of_a_value_needs_its_own_permit() {
    for (source, of) in [
        (json!({ "configMapKeyRef": { "name": "c", "key": "k" } }), "configMapKeyRef"),
        (json!({ "secretKeyRef": { "name": "c", "key": "k" } }), "secretKeyRef"),
        (json!({ "fieldRef": { "fieldPath": "status.podIP" } }), "fieldRef"),
        (json!({ "resourceFieldRef": { "resource": "limits.cpu" } }), "resourceFieldRef"),
    ] {
        let container = json!({ "env": [{ "name": "A", "valueFrom": source }] });
        denied(json!({}), container.clone(), "env[0]: found the variable \"A\"");
        let value = json!({ "env": [{ "name": "A", "value": { "any": true } }] });
        entry(value, container.clone(), "env[0].valueFrom: found a source");
        entry(json!({ "env": [{ "name": "A", "from": source }] }), container.clone(), "");
        let file = json!({ "volumeName": "v", "path": "p", "key": "K" });
        let other = json!({ "env": [{ "name": "A", "from": { "fileKeyRef": file } }] });
        let expected = format!("env[0].valueFrom.{of}: found a {of}, expected a fileKeyRef");
        entry(other, container, &expected);
    }
    let rule = json!({ "env": [{ "name": "A", "from": { "secretKeyRef": { "name": "s", "key": "k" } } }] });
    let other = json!({ "secretKeyRef": { "name": "other", "key": "k" } });
    let container = json!({ "env": [{ "name": "A", "valueFrom": other }] });
    entry(rule, container, "secretKeyRef.name: found \"other\", expected \"s\"");
}

#[test]
fn t37_whole_objects_as_environment_need_a_permit() {
    for (kind, reference) in [("configMap", "configMapRef"), ("secret", "secretRef")] {
        let from = json!({ "envFrom": [{ reference: { "name": "c" } }] });
        let expected = format!("envFrom[0]: found the {kind} \"c\"");
        denied(json!({}), from.clone(), &expected);
        entry(json!({ "envFrom": [{ kind: ["c"] }] }), from.clone(), "");
        entry(json!({ "envFrom": [{ kind: ["other"] }] }), from, &expected);
        let missing = json!({ "envFrom": [{ reference: { "name": "c", "optional": true } }] });
        let expected_of = format!("envFrom[0]: found the {kind} \"c\", which may be missing");
        entry(json!({ "envFrom": [{ kind: ["c"] }] }), missing.clone(), &expected_of);
        entry(json!({ "envFrom": [{ kind: ["c"], "optional": true }] }), missing, "");
        let none = format!("envFrom: found nothing, expected the {kind} \"c\"");
        entry(json!({ "envFrom": [{ kind: ["c"] }] }), json!({}), &none);
        entry(json!({ "envFrom": [{ kind: ["c"], "optional": true }] }), json!({}), "");
        let prefixed = json!({ "envFrom": [{ reference: { "name": "c" }, "prefix": "LD_" }] });
        entry(json!({ "envFrom": [{ kind: ["c"] }] }), prefixed, &expected);
    }
}

#[test]
fn t38_only_pinned_variables_are_expanded() {
    let args = json!({ "args": ["$(A)"] });
    let expected = "args[0]: found $(A), expected to expand only variables whose value";
    entry(args.clone(), args.clone(), expected);
    let with = |rule: serde_json::Value, env: serde_json::Value, expected: &str| {
        entry(
            json!({ "args": ["$(A)"], "env": [rule] }),
            json!({ "args": ["$(A)"], "env": env }),
            expected,
        );
    };
    let pod = json!([{ "name": "A", "value": "1" }]);
    with(json!({ "name": "A", "value": "1" }), pod.clone(), "");
    with(json!({ "name": "A", "value": { "oneOf": ["1", "2"] } }), pod.clone(), "");
    with(json!({ "name": "A", "value": { "any": true } }), pod.clone(), expected);
    // Not defined by the container itself: it could come from a Service or a ConfigMap.
    with(json!({ "name": "A", "value": "1", "optional": true }), json!([]), expected);
    let source = json!({ "fieldRef": { "fieldPath": "status.podIP" } });
    let pod = json!([{ "name": "A", "valueFrom": source }]);
    with(json!({ "name": "A", "from": source }), pod.clone(), expected);
    with(json!({ "name": "A", "from": source, "expandable": true }), pod, "");
}

#[test]
fn t38_a_value_expands_only_what_stands_in_front_of_it() {
    let rules = json!({ "env": [{ "name": "A", "value": "1" }, { "name": "B", "value": "$(A)" }] });
    let (a, b) = (json!({ "name": "A", "value": "1" }), json!({ "name": "B", "value": "$(A)" }));
    entry(rules.clone(), json!({ "env": [a, b] }), "");
    entry(rules, json!({ "env": [b, a] }), "env[0].value: found $(A)");
}

#[test]
fn t39_arguments_directory_and_terminal_are_pinned() {
    denied(json!({}), json!({ "args": ["--serve", "--debug"] }), "args: found [\"--serve\", ");
    denied(json!({}), json!({ "args": null }), "args: found [], expected [\"--serve\"]");
    denied(json!({}), json!({ "command": ["/bin/sh"] }), "command: found [\"/bin/sh\"]");
    denied(json!({}), json!({ "command": null }), "command: found []");
    for (field, value) in
        [("workingDir", json!("/tmp")), ("stdin", json!(true)), ("tty", json!(true))]
    {
        let expected = format!("spec.containers[0].{field}: found");
        denied(json!({}), json!({ field: value }), &expected);
        entry(json!({ field: value }), json!({ field: value }), "");
    }
    let path = json!({ "terminationMessagePath": "/etc/passwd" });
    denied(json!({}), path.clone(), "terminationMessagePath: found \"/etc/passwd\"");
    entry(path.clone(), path, "");
    denied(json!({}), json!({ "terminationMessagePath": "/dev/termination-log" }), "");
}

#[test]
fn t40_hooks_must_be_listed() {
    for (hook, kind) in [
        (json!({ "exec": { "command": ["/evil"] } }), "exec"),
        (json!({ "httpGet": { "port": 80, "host": "10.0.0.1" } }), "httpGet"),
        (json!({ "tcpSocket": { "port": 80 } }), "tcpSocket"),
        (json!({ "sleep": { "seconds": 5 } }), "sleep"),
    ] {
        for name in ["postStart", "preStop"] {
            let container = json!({ "lifecycle": { name: hook } });
            let expected = format!("spec.containers[0].lifecycle.{name}: found {kind}");
            denied(json!({}), container, &expected);
        }
    }
    let rule = json!({ "lifecycle": { "preStop": { "exec": ["/stop"] }, "stopSignal": "SIGINT" } });
    let stop = |command: &str| {
        json!({ "lifecycle": { "preStop": { "exec": { "command": [command] } },
        "stopSignal": "SIGINT" } })
    };
    entry(rule.clone(), stop("/stop"), "");
    entry(rule, stop("/evil"), "preStop.exec.command: found [\"/evil\"], expected [\"/stop\"]");
    let signal = json!({ "lifecycle": { "stopSignal": "SIGKILL" } });
    denied(json!({}), signal, "lifecycle.stopSignal: found \"SIGKILL\"");
    let sleep = json!({ "lifecycle": { "preStop": { "sleep": { "seconds": 5 } } } });
    entry(json!({ "lifecycle": { "preStop": { "sleep": true } } }), sleep, "");
}

#[test]
fn t41_probes_must_be_listed_and_stay_at_the_pod() {
    for name in ["liveness", "readiness", "startup"] {
        let field = format!("{name}Probe");
        let exec = json!({ field.clone(): { "exec": { "command": ["/evil"] } } });
        let expected = format!("spec.containers[0].{field}: found exec");
        denied(json!({}), exec.clone(), &expected);
        entry(json!({ "probes": { name: { "exec": ["/evil"] } } }), exec, "");
        let rule =
            json!({ "probes": { name: { "httpGet": { "port": 8080, "path": "/healthz" } } } });
        let get = |more: serde_json::Value| {
            let base = json!({ "port": 8080, "path": "/healthz" });
            json!({ field.clone(): { "httpGet": patch(base, more) } })
        };
        entry(rule.clone(), get(json!({})), "");
        entry(rule.clone(), get(json!({ "host": "169.254.169.254" })), "httpGet.host: found");
        entry(rule.clone(), get(json!({ "port": 22 })), "httpGet.port: found 22, expected 8080");
        // What the name stands for is another field's choice.
        entry(rule.clone(), get(json!({ "port": "http" })), "httpGet.port: found \"http\"");
        let any = json!({ "probes": { name: { "httpGet": { "port": { "any": true },
            "path": "/healthz" } } } });
        entry(any, get(json!({ "port": "http" })), "");
        entry(rule.clone(), get(json!({ "path": "/admin" })), "httpGet.path: found \"/admin\"");
        let bare = json!({ "probes": { name: { "httpGet": { "port": 8080 } } } });
        entry(bare.clone(), get(json!({ "path": "/" })), "");
        entry(bare, get(json!({})), "httpGet.path: found \"/healthz\", expected nothing");
        let header = json!({ "httpHeaders": [{ "name": "Authorization", "value": "Basic x" }] });
        entry(
            rule,
            get(header),
            "httpHeaders[0]: found the header \"Authorization\" (value not shown)",
        );
        let rule = json!({ "probes": { name: { "tcpSocket": { "port": "http" } } } });
        let tcp = |port: serde_json::Value, host: serde_json::Value| {
            let socket = patch(json!({ "port": port }), json!({ "host": host }));
            json!({ field.clone(): { "tcpSocket": socket } })
        };
        entry(rule.clone(), tcp(json!("http"), json!(null)), "");
        let port = "tcpSocket.port: found 22, expected \"http\"";
        entry(rule.clone(), tcp(json!(22), json!(null)), port);
        let host = "tcpSocket.host: found \"10.0.0.1\"";
        entry(rule, tcp(json!("http"), json!("10.0.0.1")), host);
        let grpc = json!({ field.clone(): { "grpc": { "port": 9 } } });
        let rule = |port: i32| json!({ "probes": { name: { "grpc": { "port": port } } } });
        entry(rule(9), grpc.clone(), "");
        entry(rule(8), grpc, "grpc.port: found 9");
    }
}

#[test]
fn t41_an_open_entry_holds_to_each_probe_and_hook_that_it_lists() {
    let open = |more: serde_json::Value| patch(json!({ "unlisted": "permit" }), more);
    for name in ["liveness", "readiness", "startup"] {
        let rule = open(json!({ "probes": { name: { "grpc": { "port": 9 } } } }));
        let probe = |port: i32| json!({ format!("{name}Probe"): { "grpc": { "port": port } } });
        entry(rule.clone(), probe(9), "");
        entry(rule, probe(8), "grpc.port: found 8");
    }
    for name in ["postStart", "preStop"] {
        let rule = open(json!({ "lifecycle": { name: { "exec": ["/stop"] } } }));
        let hook =
            |command: &str| json!({ "lifecycle": { name: { "exec": { "command": [command] } } } });
        entry(rule.clone(), hook("/stop"), "");
        entry(rule, hook("/evil"), "exec.command: found [\"/evil\"]");
    }
    let rule = open(json!({ "lifecycle": { "stopSignal": "SIGINT" } }));
    entry(rule, json!({ "lifecycle": { "stopSignal": "SIGKILL" } }), "stopSignal: found");
}

fn program(name: &str) -> serde_json::Value {
    let image = format!("ghcr.io/acme/app@{DIGEST}");
    json!({ "name": name, "image": image, "command": ["/app"], "args": ["--serve"] })
}

#[test]
fn t42_init_containers_and_sidecars_meet_the_same_rules() {
    let init = json!({ "initContainers": [program("a")] });
    denied(init, json!({}), "spec.initContainers[0]: found the init \"a\"");
    let sidecar = patch(program("a"), json!({ "restartPolicy": "Always" }));
    let spec = json!({ "initContainers": [sidecar] });
    let entry_of = |kind: &str| (json!({}), json!({ "kinds": ["container", kind] }));
    let expected = "spec.initContainers[0]: found the sidecar \"a\"";
    tried(entry_of("init"), spec.clone(), json!({}), expected);
    tried(entry_of("sidecar"), spec, json!({}), "");
    let evil = patch(program("a"), json!({ "args": ["--evil"] }));
    let spec = json!({ "initContainers": [evil] });
    tried(entry_of("init"), spec, json!({}), "spec.initContainers[0].args");
    let rules = json!({ "restartPolicyRules": [{ "action": "Restart" }] });
    denied(json!({}), rules.clone(), "restartPolicyRules: found true");
    entry(json!({ "restartRules": true }), rules, "");
}

#[test]
fn t42_order_and_number_of_containers_can_be_pinned() {
    let once = |name: &str, kind: &str| {
        json!({ "names": [name], "kinds": [kind], "once": true, "command": ["/app"],
            "args": ["--serve"], "images": { "repositories": ["ghcr.io/acme/*"] } })
    };
    let entries = [once("a", "init"), once("b", "init"), once("*", "container")];
    let permit = json!({ "orderedInit": true, "containers": entries });
    let expected = "found the init \"a\", expected each `once` entry to serve one container";
    for (names, expected) in [(["a", "b"], ""), (["b", "a"], expected)] {
        super::whole(permit.clone(), json!({ "initContainers": names.map(program) }), expected);
    }
    let two = json!({ "containers": [program("app"), program("two")] });
    super::whole(permit, two, "found the container \"two\", expected each `once` entry");
}

#[test]
fn t61_each_pod_field_that_a_container_sees_needs_a_permit() {
    let labels = json!({ "fieldRef": { "fieldPath": "metadata.labels['x']" } });
    let container = json!({ "env": [{ "name": "A", "valueFrom": labels }] });
    let rule = |path: &str| json!({ "env": [{ "name": "A", "from": { "fieldRef": { "fieldPath": path } } }] });
    entry(rule("metadata.labels['x']"), container.clone(), "");
    let expected = "fieldRef.fieldPath: found \"metadata.labels['x']\"";
    entry(rule("metadata.name"), container, expected);
    let volume = |path: &str| {
        let items = json!([{ "path": "f", "fieldRef": { "fieldPath": path } }]);
        json!({ "volumes": [{ "name": "d", "downwardAPI": { "items": items } }] })
    };
    let permit = json!({ "volumes": [{ "downwardAPI": { "fields": [{ "field": "metadata.name", "path": "f" }] } }] });
    super::whole(permit.clone(), volume("metadata.name"), "");
    super::whole(
        permit,
        volume("metadata.annotations"),
        "fieldRef: found \"metadata.annotations\"",
    );
    denied(volume("metadata.name"), json!({}), "spec.volumes[0]: found the downwardAPI volume");
}

#[test]
fn t38_the_command_of_a_probe_is_expanded_as_well() {
    let rule = |value: serde_json::Value| {
        json!({ "env": [{ "name": "A", "value": value }],
            "probes": { "liveness": { "exec": ["sh", "-c", { "regex": "test -e [^;]+" }] } } })
    };
    let command = ["sh", "-c", "test -e $(A)"];
    let probed = json!({ "env": [{ "name": "A", "value": "/; reboot" }],
        "livenessProbe": { "exec": { "command": command } } });
    let expected = "livenessProbe.exec.command[2]: found $(A), expected to expand only";
    entry(rule(json!({ "any": true })), probed.clone(), expected);
    entry(rule(json!("/; reboot")), probed, "");
    // Nobody expands the command of a hook.
    let hook = json!({ "preStop": { "exec": { "command": command } } });
    let rule = json!({ "lifecycle": { "preStop": { "exec": command } } });
    entry(rule, json!({ "lifecycle": hook }), "");
}

#[test]
fn t37_a_source_that_may_be_missing_is_no_variable_that_must_be_there() {
    for (kind, key) in [
        ("secretKeyRef", json!({ "name": "s", "key": "k" })),
        ("configMapKeyRef", json!({ "name": "s", "key": "k" })),
        ("fileKeyRef", json!({ "volumeName": "s", "path": "p", "key": "k" })),
    ] {
        let maybe = |optional: bool| {
            let source = patch(json!({ kind: key }), json!({ kind: { "optional": optional } }));
            json!({ "env": [{ "name": "A", "valueFrom": source }], "args": ["$(A)"] })
        };
        let rule = |more: serde_json::Value| {
            let rule = json!({ "name": "A", "from": { kind: key }, "expandable": true });
            json!({ "env": [patch(rule, more)], "args": ["$(A)"] })
        };
        entry(rule(json!({})), maybe(false), "");
        // Whatever a Service or `envFrom` calls so would take its place.
        let expected = "args[0]: found $(A), expected to expand only";
        entry(rule(json!({})), maybe(true), expected);
        entry(rule(json!({ "optional": true })), maybe(true), expected);
        let plain = json!({ "args": ["--serve"] });
        let expected = format!("env[0].valueFrom.{kind}.optional: found true, expected false");
        entry(patch(rule(json!({})), plain.clone()), patch(maybe(true), plain.clone()), &expected);
        let optional = rule(json!({ "optional": true }));
        entry(patch(optional, plain.clone()), patch(maybe(true), plain), "");
    }
}

#[test]
fn t42_an_open_entry_is_about_no_other_kinds_of_containers() {
    let rule = json!({ "unlisted": "permit" });
    let expected = "ephemeralContainers[0]: found the ephemeral \"e\", expected nothing";
    let ephemeral = json!({ "ephemeralContainers": [program("e")] });
    tried((json!({}), rule.clone()), ephemeral, json!({}), expected);
    let expected = "initContainers[0]: found the init \"e\", expected nothing";
    let init = json!({ "initContainers": [program("e")] });
    tried((json!({}), rule), init, json!({}), expected);
}
