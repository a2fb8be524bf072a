//! What the reader makes of containers, volumes and secrets. That no field is missing is tried in
//! `tests/pod_view_matches_go.rs`.

use super::*;
use crate::kube_wire::json::{Cursor, Limits, Tape};
use crate::kube_wire::received_pod::ReceivedPod;

const LIMITS: Limits = Limits { depth: 64, nodes: 10_000 };

/// Reads a pod with this spec and looks at its view.
fn view<T>(spec: &str, look: impl FnOnce(PodView<'_>) -> T) -> T {
    let document = format!(
        r#"{{"metadata":{{"name":"web","namespace":"shop","labels":{{"app":"web"}},
            "uid":"12345678-90ab-cdef-0123-456789abcdef"}},"spec":{{"nodeName":"n",{spec}}}}}"#
    );
    let mut tape = Tape::default();
    let flaw = Cursor::new(document.as_bytes()).value(&mut tape, LIMITS).expect("JSON");
    match ReceivedPod::read(tape.root(document.as_bytes()), flaw) {
        ReceivedPod::Sound(pod) => look(PodView::of(&pod)),
        ReceivedPod::Faulty(faulty) => panic!("{}: {document}", faulty.fault),
    }
}

const MAIN: &str = r#""containers":[{"name":"main","image":"i"}]"#;

#[test]
fn containers_come_in_order_with_their_kind_and_path() {
    let spec = r#""ephemeralContainers":[{"name":"debug","image":"d","restartPolicy":"Always"}],
        "containers":[{"name":"one","image":"i","restartPolicy":"Always"},{"name":"two","image":"i"}],
        "initContainers":[{"name":"first","image":"i"},{"name":"mesh","image":"i","restartPolicy":"Always"},
            {"name":"last","image":"i","restartPolicy":"Never"}]"#;
    view(spec, |pod| {
        let containers: Vec<_> = pod
            .containers
            .iter()
            .map(|container| (container.path().to_string(), container.kind.name(), container.name))
            .collect();
        let expected = [
            ("spec.initContainers[0]", "init", "first"),
            ("spec.initContainers[1]", "sidecar", "mesh"),
            ("spec.initContainers[2]", "init", "last"),
            ("spec.containers[0]", "container", "one"),
            ("spec.containers[1]", "container", "two"),
            ("spec.ephemeralContainers[0]", "ephemeral", "debug"),
        ]
        .map(|(path, kind, name)| (path.to_owned(), kind, name));
        assert_eq!(containers, expected);
    });
}

#[test]
fn absent_null_and_false_are_three_spellings_of_two_values() {
    for (flag, expected) in
        [("", None), (r#""hostUsers":null,"#, None), (r#""hostUsers":false,"#, Some(false))]
    {
        view(&format!("{flag}{MAIN}"), |pod| assert_eq!(pod.spec.host_users, expected, "{flag}"));
    }
}

#[test]
fn volumes_have_the_source_that_is_given() {
    let spec = r#""volumes":[{"name":"none","emptyDir":null},{"name":"host","hostPath":{"path":"/etc"}},
        {"emptyDir":null,"secret":{"secretName":"s","items":[{"key":"k","path":"p"}]},"name":"key"},
        {"name":"share","nfs":{"server":"x","path":"/"}}],"#;
    view(&format!("{spec}{MAIN}"), |pod| {
        let kinds: Vec<_> =
            pod.spec.volumes.iter().map(|volume| (volume.name, volume.source.kind())).collect();
        assert_eq!(
            kinds,
            [("none", ""), ("host", "hostPath"), ("key", "secret"), ("share", "nfs")]
        );
        let VolumeSource::Secret(secret) = &pod.spec.volumes[2].source else { panic!("{pod:?}") };
        assert_eq!((secret.name, secret.items[0].key), ("s", "k"));
    });
}

#[test]
fn metadata_that_rules_match_on_is_at_hand() {
    view(MAIN, |pod| {
        assert_eq!((pod.identity.namespace, pod.identity.name), ("shop", "web"));
        assert_eq!(pod.labels.lookup("app"), Some("web"));
    });
}

#[test]
fn values_of_the_environment_stay_out_of_debug_texts() {
    let spec =
        r#""containers":[{"name":"main","image":"i","env":[{"name":"TOKEN","value":"hunter2"}]}]"#;
    view(spec, |pod| {
        assert_eq!(pod.containers[0].env[0].value, "hunter2");
        let debug = format!("{pod:?}");
        assert!(debug.contains("TOKEN") && !debug.contains("hunter2"), "{debug}");
    });
}
