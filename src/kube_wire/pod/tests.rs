use super::*;
use crate::kube_wire::json::{Cursor, Limits, Tape, ValueFault};
use crate::kube_wire::pod_schema::POD;
use crate::kube_wire::resource::PODS;
use crate::kube_wire::salvage::salvage_identity;
use crate::kube_wire::schema::check as check_schema;

const UID: &str = "12345678-90ab-cdef-0123-456789abcdef";

const FULL: &str = r#"{
  "kind":"Pod","apiVersion":"v1",
  "metadata":{"name":"web-0","namespace":"shop","uid":"12345678-90ab-cdef-0123-456789abcdef",
    "resourceVersion":"42","labels":{"app":"web"},"annotations":{"A":"1","a":"2"},
    "deletionTimestamp":"2026-11-21T08:00:00Z",
    "ownerReferences":[{"apiVersion":"v1","kind":"Node","name":"n","uid":"x"},
      {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web","uid":"y","controller":true}]},
  "spec":{
    "containers":[{"name":"main","image":"a/b:1",
      "securityContext":{"privileged":true,"runAsUser":0,"capabilities":{"add":["NET_ADMIN","ALL"]}},
      "volumeMounts":[{"name":"data","mountPath":"/data"}],
      "volumeDevices":[{"name":"raw","devicePath":"/dev/raw"}]}],
    "initContainers":[{"name":"init","image":"c","securityContext":{"runAsNonRoot":true}}],
    "ephemeralContainers":[{"name":"debug","image":"d"}],
    "volumes":[{"name":"data","hostPath":{}},{"name":"raw","persistentVolumeClaim":{"claimName":"c"}},
      {"name":"model","image":{"reference":"e/f@sha256:0"}},{"name":"none","emptyDir":null}],
    "nodeName":"n1","hostNetwork":true,"hostPID":true,"hostIPC":true,
    "securityContext":{"runAsUser":7,"runAsNonRoot":false}},
  "status":{"phase":"Running","reason":"Evicted",
    "containerStatuses":[{"name":"main","restartCount":0,"state":{"running":{"startedAt":null}}}]}
}"#;

/// Parses, checks and reads a document.
fn read<T>(document: &str, look: impl FnOnce(Result<Pod<'_>, ValueFault>) -> T) -> T {
    let mut tape = Tape::default();
    let fault = Cursor::new(document.as_bytes()).value(&mut tape, LIMITS).expect("JSON");
    assert_eq!(fault, None, "{document}");
    let checked = check_schema(tape.root(document.as_bytes()), &POD).expect(document);
    look(Pod::read(&checked))
}

const LIMITS: Limits = Limits { depth: 64, nodes: 100_000 };

/// A pod with these metadata, spec and status.
fn pod(metadata: &str, spec: &str, status: &str) -> String {
    format!(
        r#"{{"metadata":{{{metadata}"namespace":"a","name":"b","uid":"{UID}"}},
        "spec":{{{spec}"nodeName":"n1"}},"status":{{{status}}}}}"#
    )
}

const MAIN: &str = r#""containers":[{"name":"main","image":"x"}],"#;

#[test]
fn everything_a_policy_may_ask_about_is_read() {
    read(FULL, |pod| {
        let pod = pod.expect("readable");
        let identity = PodIdentity { namespace: "shop", name: "web-0", uid: UID };
        assert_eq!(pod.identity, identity);
        assert_eq!(pod.resource_version, "42");
        assert_eq!(pod.labels.lookup("app"), Some("web"));
        assert_eq!(pod.annotations.iter().collect::<Vec<_>>(), [("A", "1"), ("a", "2")]);
        let owner = pod.controller.expect("the second owner controls");
        assert_eq!((owner.kind, owner.name, owner.uid), ("ReplicaSet", "web", "y"));
        assert!(pod.is_being_deleted && !pod.is_mirror);
        assert_eq!(pod.node_name, "n1");
        assert!(pod.host_network && pod.host_pid && pod.host_ipc);
        assert_eq!(
            (pod.security.run_as_user, pod.security.run_as_non_root),
            (Some(7), Some(false))
        );
        assert_eq!((pod.phase, pod.status_reason), ("Running", "Evicted"));
        assert!(pod.has_started && pod.is_running);
    });
}

#[test]
fn containers_of_all_three_lists_are_read() {
    read(FULL, |pod| {
        let containers = pod.expect("readable").containers;
        let names: Vec<_> = containers.iter().map(|c| (c.kind, c.name, c.image)).collect();
        let expected = [
            (ContainerKind::Init, "init", "c"),
            (ContainerKind::Ordinary, "main", "a/b:1"),
            (ContainerKind::Ephemeral, "debug", "d"),
        ];
        assert_eq!(names, expected);
        assert_eq!(containers[0].run_as_non_root, Some(true));
        assert_eq!(containers[1].run_as_user, Some(0));
        assert!(containers[1].privileged && !containers[0].privileged);
        assert_eq!(containers[1].added_capabilities, ["NET_ADMIN", "ALL"]);
    });
}

#[test]
fn sources_of_volumes_are_read_even_when_empty() {
    read(FULL, |pod| {
        let volumes = pod.expect("readable").volumes;
        let sources: Vec<_> = volumes.iter().map(|v| (v.name, v.is_host_path, v.image)).collect();
        let expected = [
            ("data", true, None),
            ("raw", false, None),
            ("model", false, Some("e/f@sha256:0")),
            ("none", false, None),
        ];
        assert_eq!(sources, expected);
    });
}

#[test]
fn absent_parts_read_as_go_reads_them() {
    read(&pod("", MAIN, ""), |pod| {
        let pod = pod.expect("readable");
        assert!(!pod.host_network && !pod.has_started && !pod.is_being_deleted);
        assert!(pod.controller.is_none() && pod.volumes.is_empty());
        assert_eq!((pod.resource_version, pod.phase, pod.status_reason), ("", "", ""));
    });
}

#[test]
fn a_mirror_pod_is_known_by_its_annotation() {
    let annotation = r#""annotations":{"kubernetes.io/config.mirror":""},"#;
    read(&pod(annotation, MAIN, ""), |pod| assert!(pod.expect("readable").is_mirror));
}

#[test]
fn the_container_statuses_tell_whether_a_pod_has_started() {
    for (status, has_started, is_running) in [
        (r#"{"state":{"waiting":{}}}"#, false, false),
        (r#"{"state":{"running":{}}}"#, true, true),
        (r#"{"state":{"terminated":{}}}"#, true, false),
        (r#"{"state":{"waiting":{}},"lastState":{"terminated":{}}}"#, true, false),
        (r#"{"restartCount":1}"#, true, false),
        (r#"{"restartCount":0}"#, false, false),
    ] {
        for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
            let status = format!(r#""{list}":[{status}]"#);
            read(&pod("", MAIN, &status), |pod| {
                let pod = pod.expect("readable");
                assert_eq!(
                    (pod.has_started, pod.is_running),
                    (has_started, is_running),
                    "{status}"
                );
            });
        }
    }
}

#[test]
fn what_is_missing_or_clashes_is_a_fault_at_its_path() {
    let spec = |spec: &str| pod("", spec, "");
    let main_with = |members: &str| {
        spec(&format!(
            r#""volumes":[{{"name":"v","emptyDir":{{}}}}],"containers":[{{"name":"main","image":"x",{members}}}],"#
        ))
    };
    for (document, path) in [
        ("{}".to_owned(), "metadata"),
        (r#"{"metadata":{}}"#.to_owned(), "spec"),
        (spec(MAIN).replace(r#""namespace":"a","#, ""), "metadata.namespace"),
        (spec(MAIN).replace(r#""name":"b","#, ""), "metadata.name"),
        (spec(MAIN).replace(&format!(r#","uid":"{UID}""#), ""), "metadata.uid"),
        (spec(MAIN).replace(r#""nodeName":"n1""#, r#""nodeName":null"#), "spec.nodeName"),
        (spec(""), "spec.containers"),
        (spec(r#""containers":[],"#), "spec.containers"),
        (spec(r#""containers":[{"image":"x"}],"#), "spec.containers[0].name"),
        (
            spec(r#""containers":[{"name":"a","image":"x"},{"name":"b"}],"#),
            "spec.containers[1].image",
        ),
        (
            spec(r#""containers":[{"name":"a","image":"x"},{"name":"a","image":"x"}],"#),
            "spec.containers",
        ),
        (
            spec(&format!(r#"{MAIN}"initContainers":[{{"name":"main","image":"x"}}],"#)),
            "spec.containers",
        ),
        (spec(&format!(r#"{MAIN}"volumes":[{{"emptyDir":{{}}}}],"#)), "spec.volumes[0].name"),
        (spec(&format!(r#"{MAIN}"volumes":[{{"name":"a"}},{{"name":"a"}}],"#)), "spec.volumes"),
        (
            spec(&format!(r#"{MAIN}"volumes":[{{"name":"a","emptyDir":{{}},"hostPath":{{}}}}],"#)),
            "spec.volumes[0]",
        ),
        (
            spec(&format!(r#"{MAIN}"volumes":[{{"name":"a","image":{{}}}}],"#)),
            "spec.volumes[0].image.reference",
        ),
        (
            main_with(r#""volumeMounts":[{"name":"v"}]"#),
            "spec.containers[0].volumeMounts[0].mountPath",
        ),
        (
            main_with(r#""volumeMounts":[{"mountPath":"/v"}]"#),
            "spec.containers[0].volumeMounts[0].name",
        ),
        (
            main_with(
                r#""volumeMounts":[{"name":"v","mountPath":"/v"},{"name":"w","mountPath":"/w"}]"#,
            ),
            "spec.containers[0].volumeMounts[1].name",
        ),
        (
            main_with(r#""volumeDevices":[{"name":"w","devicePath":"/w"}]"#),
            "spec.containers[0].volumeDevices[0].name",
        ),
    ] {
        let fault = read(&document, |pod| pod.map(|_| ())).expect_err(&document);
        assert_eq!(fault.path, path, "{document}: {fault:?}");
    }
}

#[test]
fn the_identity_of_a_faulty_pod_is_salvaged_unless_it_is_ambiguous() {
    let whole = Some(("a", "b", Some(UID), Some("7")));
    let metadata = format!(r#""namespace":"a","name":"b","uid":"{UID}","resourceVersion":"7""#);
    for (document, expected) in [
        (format!(r#"{{"metadata":{{{metadata}}},"spec":{{"new":[1e999]}}}}"#), whole),
        (format!(r#"{{"metadata":{{{metadata},"labels":7}},"spec":0,"spec":{{}}}}"#), whole),
        (format!(r#"{{"metadata":{{{metadata},"UID":"x"}}}}"#), Some(("a", "b", None, Some("7")))),
        (format!(r#"{{"metadata":{{{metadata}}},"Metadata":{{}}}}"#), None),
        (format!(r#"{{"metadata":{{{metadata},"name":"c"}}}}"#), None),
        (r#"{"metadata":{"namespace":"a","name":"b"}}"#.to_owned(), Some(("a", "b", None, None))),
        (
            r#"{"metadata":{"namespace":"a","name":"b","uid":"../x"}}"#.to_owned(),
            Some(("a", "b", None, None)),
        ),
        (r#"{"metadata":{"namespace":"..","name":"b"}}"#.to_owned(), None),
        (r#"{"metadata":{"namespace":"a","name":"b/c"}}"#.to_owned(), None),
        (r#"{"metadata":{"namespace":"a"}}"#.to_owned(), None),
        ("[]".to_owned(), None),
    ] {
        let mut tape = Tape::default();
        let _ = Cursor::new(document.as_bytes()).value(&mut tape, LIMITS).expect("JSON");
        let found = salvage_identity(tape.root(document.as_bytes()), &PODS);
        let found = found.map(|pod| (pod.namespace, pod.name, pod.uid, pod.resource_version));
        assert_eq!(found, expected, "{document}");
    }
}

#[test]
fn tens_of_thousands_of_volumes_and_mounts_take_no_quadratic_time() {
    let list = |make: &dyn Fn(usize) -> String| (0..20_000).map(make).collect::<Vec<_>>().join(",");
    let volumes = list(&|index| format!(r#"{{"name":"v{index}"}}"#));
    let mounts = list(&|index| format!(r#"{{"name":"v{index}","mountPath":"/"}}"#));
    let spec = format!(
        r#""volumes":[{volumes}],"containers":[{{"name":"a","image":"x","volumeMounts":[{mounts}]}}],"#
    );
    let mut tape = Tape::default();
    let document = pod("", &spec, "");
    let limits = Limits { depth: 64, nodes: 1_000_000 };
    assert_eq!(Cursor::new(document.as_bytes()).value(&mut tape, limits), Ok(None));
    let checked = check_schema(tape.root(document.as_bytes()), &POD).expect("a pod");
    let started = std::time::SystemTime::now();
    assert!(Pod::read(&checked).is_ok());
    // 4·10⁸ comparisons take seconds even when optimised; this takes some hundredths unoptimised.
    assert!(started.elapsed().expect("a clock that runs forward").as_secs() < 2);
}
