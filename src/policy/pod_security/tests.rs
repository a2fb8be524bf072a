//! Where violations are and what they say. That they are the right ones is held against the Go
//! module in `tests/pod_security_matches_go.rs`.

use serde_json::{Value, json};

use super::*;
use crate::kube_wire::json::{Cursor, Limits, Tape};
use crate::kube_wire::received_pod::ReceivedPod;

const LIMITS: Limits = Limits { depth: 64, nodes: 10_000 };

/// What a standard says about a pod: the check's id and the violation's text.
fn violations(level: Level, version: Version, pod: &Value) -> Vec<(&'static str, String)> {
    let text = pod.to_string();
    let mut tape = Tape::default();
    let flaw = Cursor::new(text.as_bytes()).value(&mut tape, LIMITS).expect("JSON");
    let sound = match ReceivedPod::read(tape.root(text.as_bytes()), flaw) {
        ReceivedPod::Sound(sound) => sound,
        ReceivedPod::Faulty(faulty) => panic!("{}: {text}", faulty.fault),
    };
    let view = PodView::of(&sound);
    let standard = PodSecurityStandard { level, version };
    let all = standard.violations(&view);
    assert_eq!(standard.first_violation(&view), all.first().copied());
    all.iter().map(|violation| (violation.check.id(), violation.to_string())).collect()
}

/// Allowed by every standard.
fn hardened() -> Value {
    let container = |name: &str| {
        json!({"name": name, "image": "x", "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
        }})
    };
    json!({
        "metadata": {"namespace": "a", "name": "b", "uid": "12345678-90ab-cdef-0123-456789abcdef"},
        "spec": {
            "nodeName": "n",
            "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
            "initContainers": [container("init")],
            "containers": [container("first"), container("app")],
            "ephemeralContainers": [container("debug")],
        },
    })
}

/// The hardened pod with one value replaced.
fn pod_with(pointer: &str, value: Value) -> Value {
    let mut pod = hardened();
    let mut here = &mut pod;
    for segment in pointer.split('/') {
        here = match segment.parse::<usize>() {
            Ok(index) => &mut here[index],
            Err(_) => &mut here[segment.replace('!', "/")],
        };
    }
    *here = value;
    pod
}

/// The beginning of what the newest version of a level says about a pod with one value replaced.
fn assert_found(level: Level, pointer: &str, value: Value, expected: &[(&str, &str)]) {
    let found = violations(level, Version::LATEST, &pod_with(pointer, value));
    let told: Vec<_> = found
        .iter()
        .map(|(id, text)| (*id, text.split(", allowed is ").next().unwrap_or_default()))
        .collect();
    assert_eq!(told, expected, "{pointer}");
}

const APP: &str = "spec/containers/1";

#[test]
fn baseline_names_the_field_and_what_is_there() {
    for (pointer, value, expected) in [
        ("spec/hostNetwork", json!(true), ("hostNamespaces", "spec.hostNetwork: found true")),
        ("spec/hostPID", json!(true), ("hostNamespaces", "spec.hostPID: found true")),
        ("spec/hostIPC", json!(true), ("hostNamespaces", "spec.hostIPC: found true")),
        (
            "spec/volumes",
            json!([{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": {"path": "/"}}]),
            ("hostPathVolumes", "spec.volumes[1].hostPath: found an object"),
        ),
        (
            "spec/securityContext/sysctls",
            json!([{"name": "net.ipv4.tcp_rmem", "value": ""}, {"name": "vm.swappiness", "value": ""}]),
            ("sysctls", "spec.securityContext.sysctls[1].name: found \"vm.swappiness\""),
        ),
        (
            "spec/securityContext/windowsOptions",
            json!({"hostProcess": true}),
            ("windowsHostProcess", "spec.securityContext.windowsOptions.hostProcess: found true"),
        ),
        (
            "spec/securityContext/seLinuxOptions",
            json!({"type": "container_t", "user": "u"}),
            ("seLinuxOptions", "spec.securityContext.seLinuxOptions.user: found \"u\""),
        ),
        (
            "spec/securityContext/seccompProfile",
            json!({"type": "Unconfined"}),
            (
                "seccompProfile_baseline",
                "spec.securityContext.seccompProfile.type: found \"Unconfined\"",
            ),
        ),
        (
            "metadata/annotations/container.apparmor.security.beta.kubernetes.io!app",
            json!("unconfined"),
            (
                "appArmorProfile",
                "metadata.annotations[\"container.apparmor.security.beta.kubernetes.io/app\"]: \
                 found \"unconfined\"",
            ),
        ),
    ] {
        assert_found(Level::Baseline, pointer, value, &[expected]);
    }
}

#[test]
fn baseline_names_the_container() {
    for (field, value, expected) in [
        (
            "ports",
            json!([{"containerPort": 1}, {"containerPort": 2, "hostPort": 22}]),
            ("hostPorts", "ports[1].hostPort: found 22"),
        ),
        (
            "readinessProbe",
            json!({"tcpSocket": {"port": 1, "host": "10.0.0.1"}}),
            ("hostProbesAndHostLifecycle", "readinessProbe.tcpSocket.host: found \"10.0.0.1\""),
        ),
        (
            "lifecycle",
            json!({"preStop": {"httpGet": {"port": 1, "host": "h"}}}),
            ("hostProbesAndHostLifecycle", "lifecycle.preStop.httpGet.host: found \"h\""),
        ),
        (
            "securityContext/privileged",
            json!(true),
            ("privileged", "securityContext.privileged: found true"),
        ),
        (
            "securityContext/procMount",
            json!("Unmasked"),
            ("procMount", "securityContext.procMount: found \"Unmasked\""),
        ),
        (
            "securityContext/capabilities/add",
            json!(["CHOWN", "chown"]),
            ("capabilities_baseline", "securityContext.capabilities.add[1]: found \"chown\""),
        ),
        (
            "securityContext/seLinuxOptions",
            json!({"role": "r"}),
            ("seLinuxOptions", "securityContext.seLinuxOptions.role: found \"r\""),
        ),
        (
            "securityContext/appArmorProfile",
            json!({"type": "Unconfined"}),
            ("appArmorProfile", "securityContext.appArmorProfile.type: found \"Unconfined\""),
        ),
    ] {
        for (pointer, path) in [
            ("spec/initContainers/0", "spec.initContainers[0]"),
            (APP, "spec.containers[1]"),
            ("spec/ephemeralContainers/0", "spec.ephemeralContainers[0]"),
        ] {
            let (id, text) = expected;
            let (pointer, text) = (format!("{pointer}/{field}"), format!("{path}.{text}"));
            assert_found(Level::Baseline, &pointer, value.clone(), &[(id, text.as_str())]);
        }
    }
}

#[test]
fn restricted_tells_what_is_missing_from_what_is_wrong() {
    let app = |field: &str| format!("spec.containers[1].securityContext.{field}");
    for (field, value, id, text) in [
        ("allowPrivilegeEscalation", Value::Null, "allowPrivilegeEscalation", "nothing"),
        ("allowPrivilegeEscalation", json!(true), "allowPrivilegeEscalation", "true"),
        ("runAsNonRoot", json!(false), "runAsNonRoot", "false"),
        ("runAsUser", json!(0), "runAsUser", "0"),
        ("procMount", json!(""), "procMount_restricted", "\"\""),
    ] {
        let text = format!("{}: found {text}", app(field));
        let pointer = format!("{APP}/securityContext/{field}");
        assert_found(Level::Restricted, &pointer, value, &[(id, &text)]);
    }
    for (dropped, found) in
        [(json!([]), "nothing"), (json!(["all", "KILL"]), "[\"all\", \"KILL\"]")]
    {
        let text = format!("{}: found {found}", app("capabilities.drop"));
        let pointer = format!("{APP}/securityContext/capabilities/drop");
        assert_found(Level::Restricted, &pointer, dropped, &[("capabilities_restricted", &text)]);
    }
}

#[test]
fn a_pod_that_says_false_is_told_of_beside_each_container_that_does_not_object() {
    let containers = [
        "spec.initContainers[0]",
        "spec.containers[0]",
        "spec.containers[1]",
        "spec.ephemeralContainers[0]",
    ];
    let mut expected = vec!["spec.securityContext.runAsNonRoot: found false".to_owned()];
    expected.extend(
        containers
            .map(|container| format!("{container}.securityContext.runAsNonRoot: found nothing")),
    );
    let expected: Vec<_> = expected.iter().map(|text| ("runAsNonRoot", text.as_str())).collect();
    let pointer = "spec/securityContext/runAsNonRoot";
    assert_found(Level::Restricted, pointer, json!(false), &expected);
}

#[test]
fn a_pod_that_is_unconfined_is_no_profile_to_inherit() {
    let pod = pod_with("spec/securityContext/seccompProfile", json!({"type": "Unconfined"}));
    let found = violations(Level::Restricted, Version::LATEST, &pod);
    assert_eq!(found.len(), 5, "the pod and each container: {found:?}");
}

/// Is the pod with one value replaced allowed?
fn allows(level: Level, pointer: &str, value: Value) -> bool {
    violations(level, Version::LATEST, &pod_with(pointer, value)).is_empty()
}

#[test]
fn what_is_allowed_is_spelt_in_one_way() {
    const SECURITY: &str = "spec/containers/1/securityContext";
    const ANNOTATION: &str =
        "metadata/annotations/container.apparmor.security.beta.kubernetes.io!app";
    let in_container = |field: &str| format!("{SECURITY}/{field}");
    let profile = |name: &str| json!({"type": name});
    for (pointer, allowed, forbidden) in [
        (
            ANNOTATION.to_owned(),
            vec![json!(""), json!("runtime/default"), json!("localhost/p")],
            vec![json!("localhost"), json!("RuntimeDefault"), json!("unconfined")],
        ),
        (
            in_container("seccompProfile"),
            vec![Value::Null, profile("RuntimeDefault"), profile("Localhost")],
            vec![json!({}), profile(""), profile("Unconfined"), profile("runtimedefault")],
        ),
        (
            in_container("appArmorProfile"),
            vec![Value::Null, profile("RuntimeDefault"), profile("Localhost")],
            vec![json!({}), profile("Unconfined"), profile("runtime/default")],
        ),
        (
            in_container("capabilities/add"),
            vec![json!([]), json!(["CHOWN", "SYS_CHROOT"])],
            vec![json!(["ALL"]), json!(["NET_RAW"]), json!(["CAP_CHOWN"]), json!([""])],
        ),
        (
            in_container("seLinuxOptions"),
            vec![json!({}), json!({"level": "s0"}), profile("container_engine_t")],
            vec![profile("spc_t"), profile("Container_t")],
        ),
        (
            in_container("procMount"),
            vec![Value::Null, json!("Default")],
            vec![json!(""), json!("default"), json!("Unmasked")],
        ),
        (
            "spec/securityContext/sysctls".to_owned(),
            vec![json!([]), json!([{"name": "net.ipv4.tcp_wmem", "value": "1"}])],
            vec![
                json!([{"name": "net/ipv4/tcp_wmem", "value": "1"}]),
                json!([{"name": "net.ipv4.tcp_notsent_lowat", "value": "1"}]),
            ],
        ),
        (
            format!("{APP}/ports"),
            vec![json!([{"containerPort": 1, "hostPort": 0}])],
            vec![json!([{"hostPort": 65536}]), json!([{"hostPort": -1}])],
        ),
    ] {
        for value in allowed {
            assert!(allows(Level::Baseline, &pointer, value.clone()), "{pointer} {value}");
        }
        for value in forbidden {
            assert!(!allows(Level::Baseline, &pointer, value.clone()), "{pointer} {value}");
        }
    }
}

#[test]
fn restricted_takes_no_other_spelling() {
    for (pointer, value, expected) in [
        ("spec/containers/1/securityContext/capabilities/add", json!(["NET_BIND_SERVICE"]), true),
        ("spec/containers/1/securityContext/capabilities/add", json!(["CHOWN"]), false),
        ("spec/containers/1/securityContext/capabilities/drop", json!(["KILL", "ALL"]), true),
        ("spec/containers/1/securityContext/capabilities/drop", json!(["CAP_ALL"]), false),
        ("spec/securityContext/runAsUser", json!(0), false),
        ("spec/securityContext/runAsUser", json!(-1), true),
    ] {
        let shown = value.to_string();
        assert_eq!(allows(Level::Restricted, pointer, value), expected, "{pointer} {shown}");
    }
}

#[test]
fn only_what_is_called_windows_is_windows_and_only_false_is_a_user_namespace() {
    let bare = |field: &str, value: Value| {
        let mut pod = hardened();
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            for container in pod["spec"][list].as_array_mut().expect("a list") {
                container["securityContext"] = json!({});
            }
        }
        pod["spec"]["securityContext"] = json!({"runAsNonRoot": true});
        pod["spec"][field] = value;
        violations(Level::Restricted, Version::LATEST, &pod).is_empty()
    };
    assert!(bare("os", json!({"name": "windows"})));
    assert!(!bare("os", json!({"name": "Windows"})) && !bare("os", json!({"name": "linux"})));

    for (host_users, expected) in [(json!(false), true), (json!(true), false), (Value::Null, false)]
    {
        let mut pod = pod_with("spec/securityContext/runAsUser", json!(0));
        pod["spec"]["hostUsers"] = host_users;
        let is_allowed = violations(Level::Restricted, Version::LATEST, &pod).is_empty();
        assert_eq!(is_allowed, expected, "{pod}");
    }
}

#[test]
fn every_probe_and_hook_is_asked_for_a_host() {
    let http = json!({"httpGet": {"port": 1, "host": "h"}});
    let tcp = json!({"tcpSocket": {"port": 1, "host": "h"}});
    for field in [
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "lifecycle/postStart",
        "lifecycle/preStop",
    ] {
        for (kind, value) in [("httpGet", &http), ("tcpSocket", &tcp)] {
            let pointer = format!("{APP}/{field}");
            let path = format!("spec.containers[1].{}.{kind}.host", field.replace('/', "."));
            let text = format!("{path}: found \"h\"");
            let expected = [("hostProbesAndHostLifecycle", text.as_str())];
            assert_found(Level::Baseline, &pointer, value.clone(), &expected);
        }
    }
}

#[test]
fn a_volume_without_source_is_restricted_too() {
    for (source, text) in [
        (json!({"name": "v"}), "spec.volumes[0]: found nothing"),
        (json!({"name": "v", "nfs": {}}), "spec.volumes[0].nfs: found an object"),
    ] {
        let expected = ("restrictedVolumes", text);
        assert_found(Level::Baseline, "spec/volumes", json!([source]), &[]);
        assert_found(Level::Restricted, "spec/volumes", json!([source]), &[expected]);
    }
}

#[test]
fn versions_differ_where_the_standards_changed() {
    let asks = |level, pod: &Value| {
        Version::ALL.map(|version| !violations(level, version, pod).is_empty())
    };
    let probed = pod_with(
        &format!("{APP}/livenessProbe"),
        json!({"httpGet": {"port": 1, "host": "169.254.169.254"}}),
    );
    assert_eq!(asks(Level::Baseline, &probed), [false, true, true, true]);

    let in_user_namespace = |pointer: &str, value| {
        let mut pod = pod_with(pointer, value);
        pod["spec"]["hostUsers"] = json!(false);
        pod
    };
    let unmasked =
        in_user_namespace(&format!("{APP}/securityContext/procMount"), json!("Unmasked"));
    assert_eq!(asks(Level::Baseline, &unmasked), [true, true, false, false]);
    assert_eq!(asks(Level::Restricted, &unmasked), [true; 4]);
    for (field, value) in [("runAsUser", json!(0)), ("runAsNonRoot", json!(false))] {
        let pod = in_user_namespace(&format!("spec/securityContext/{field}"), value);
        assert_eq!(asks(Level::Restricted, &pod), [true, true, false, false], "{field}");
    }
}

#[test]
fn privileged_forbids_nothing_and_restricted_all_that_baseline_does() {
    let mut pod = pod_with(&format!("{APP}/securityContext"), json!({"privileged": true}));
    pod["spec"]["hostPID"] = json!(true);
    for version in Version::ALL {
        assert_eq!(violations(Level::Privileged, version, &pod), []);
        let restricted = violations(Level::Restricted, version, &pod);
        for violation in violations(Level::Baseline, version, &pod) {
            assert!(restricted.contains(&violation), "{violation:?}");
        }
        assert!(restricted.len() > 2);
        assert_eq!(violations(Level::Restricted, version, &hardened()), []);
    }
}

#[test]
fn text_of_the_pod_is_escaped_and_long_lists_are_cut() {
    let many: Vec<_> = (0..1000).map(|number| format!("\u{202e}{number}\n")).collect();
    let pod = pod_with(&format!("{APP}/securityContext/capabilities/drop"), json!(many));
    let found = violations(Level::Restricted, Version::LATEST, &pod);
    let [(_, text)] = found.as_slice() else { panic!("{found:?}") };
    assert!(!text.contains(['\n', '\u{202e}']) && text.len() < 1000, "{text:?}");
    assert!(text.contains("…]"), "{text:?}");
    let key = "metadata/annotations/container.apparmor.security.beta.kubernetes.io!a\u{1b}[31m";
    let found = violations(Level::Baseline, Version::LATEST, &pod_with(key, json!("\u{7}")));
    let [(_, text)] = found.as_slice() else { panic!("{found:?}") };
    assert!(!text.contains(char::is_control), "{text:?}");
}

#[test]
fn names_are_those_of_namespace_labels() {
    for level in Level::ALL {
        assert_eq!(Level::named(level.name()), Some(level));
    }
    for version in Version::ALL {
        assert_eq!(Version::named(version.name()), Some(version));
    }
    assert_eq!(Version::named("latest"), Some(Version::V1_36));
    for unknown in ["", "v1.32", "v1.37", "1.36", "Latest"] {
        assert_eq!(Version::named(unknown), None, "{unknown}");
    }
    assert_eq!(Level::named("Baseline"), None);
}

#[test]
fn the_reference_lists_each_check_with_the_level_that_asks_it_first() {
    let reference = include_str!("../../../docs/reference/pod-security.md");
    for check in Check::ALL {
        let asks = |level, version| check.is_part_of(PodSecurityStandard { level, version });
        let level = match asks(Level::Baseline, Version::LATEST) {
            true => Level::Baseline,
            false => Level::Restricted,
        };
        let since = Version::ALL.into_iter().find(|version| asks(level, *version));
        let from = match since {
            None | Some(Version::V1_33) => String::new(),
            Some(later) => format!(", from {}", later.name()),
        };
        let row = format!("\n| `{}` | {}{from} | ", check.id(), level.name());
        assert!(reference.contains(&row), "{row}");
    }
    assert!(reference.contains(&format!("`latest` is `{}`", Version::LATEST.name())));
}

#[test]
fn a_container_may_have_its_own_seccomp_profile_if_it_confines() {
    let profile = format!("{APP}/securityContext/seccompProfile");
    for confines in
        [json!({"type": "RuntimeDefault"}), json!({"type": "Localhost", "localhostProfile": "p"})]
    {
        assert_found(Level::Restricted, &profile, confines, &[]);
    }
    let found = violations(
        Level::Restricted,
        Version::LATEST,
        &pod_with(&profile, json!({"type": "Unconfined"})),
    );
    let ids: Vec<_> = found.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, ["seccompProfile_restricted"]);
}
