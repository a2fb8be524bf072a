//! Manifests that an operator has from elsewhere.

use nodeward::kube_wire::document::read_whole;
use nodeward::kube_wire::json::Tape;
use nodeward::kube_wire::received_pod::ReceivedPod;
use nodeward::manifest::{self, Setting};

use super::LIMITS;

/// A manifest is read, or refused in one line; as JSON it means what it meant as YAML.
pub(crate) fn manifest(input: &[u8]) {
    let documents = match manifest::read(input) {
        Ok(documents) => documents,
        Err(error) => return assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    };
    for document in &documents {
        if document.value.is_object() {
            let json = document.value.to_string();
            let again = manifest::read(json.as_bytes()).expect("what was read can be written");
            assert_eq!(again.len(), 1);
            assert!(again.iter().all(|it| it.value == document.value), "{json}");
        }
    }
    let (node, namespace) = ("node-1".to_owned(), "default".to_owned());
    match manifest::pods(&documents, &Setting { node, namespace, as_written: false }) {
        Ok(found) => {
            for offered in found.pods {
                let pod = offered.pod.to_string();
                let mut tape = Tape::default();
                if let Ok(flaw) = read_whole(pod.as_bytes(), &mut tape, LIMITS) {
                    let _ = ReceivedPod::read(tape.root(pod.as_bytes()), flaw);
                }
            }
        }
        Err(error) => assert_eq!(error.to_string().lines().count(), 1, "{error}"),
    }
}
