//! One pod as it came from upstream: sound, or known to be at fault.

use super::json::{Value, ValueFault};
use super::pod::Pod;
use super::pod_schema::POD;
use super::pod_view::Room;
use super::resource::{Item, PODS};
use super::salvage::{SalvagedIdentity, salvage_identity};
use super::schema::{self, Checked};

/// A pod that was read in full, or why it was not.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, on the stack; a box is an allocation a pod"
)]
pub enum ReceivedPod<'a> {
    /// Fits the schema, and every name fits its grammar.
    Sound(SoundPod<'a>),
    /// Must not reach anyone.
    Faulty(FaultyPod<'a>),
}

/// A pod that may be decided on.
#[derive(Debug)]
pub struct SoundPod<'a> {
    /// For writing.
    pub checked: Checked<'a>,
    /// For deciding.
    pub pod: Pod<'a>,
    /// For what a policy reads besides.
    pub room: Room,
}

/// A pod with a fault inside.
#[derive(Debug)]
pub struct FaultyPod<'a> {
    /// Who it says it is, if that is well-formed and unambiguous.
    pub identity: Option<SalvagedIdentity<'a>>,
    /// What is wrong.
    pub fault: ValueFault,
}

impl<'a> ReceivedPod<'a> {
    /// Reads an item of a list or an event.
    pub fn from_item(item: Item<'a>) -> Self {
        Self::read(item.value, item.flaw)
    }

    /// The same; unknown fields at these paths are left out instead of refused.
    pub fn from_item_leaving_out(item: Item<'a>, left_out: &[String]) -> Self {
        let Item { value, flaw } = item;
        Self::read_leaving_out(value, flaw, left_out)
    }

    /// Reads a parsed value; `flaw` is what the parser found wrong inside.
    pub fn read(value: Value<'a>, flaw: Option<ValueFault>) -> Self {
        Self::read_leaving_out(value, flaw, &[])
    }

    fn read_leaving_out(value: Value<'a>, flaw: Option<ValueFault>, left_out: &[String]) -> Self {
        let sound = match flaw {
            Some(fault) => Err(fault),
            None => schema::check_leaving_out(value, &POD, left_out).and_then(|checked| {
                let pod = Pod::read(&checked)?;
                Ok(SoundPod { checked, pod, room: Room::default() })
            }),
        };
        sound.map_or_else(
            |fault| Self::Faulty(FaultyPod { identity: salvage_identity(value, &PODS), fault }),
            Self::Sound,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kube_wire::document::read_whole;
    use crate::kube_wire::json::{Limits, Tape};

    const LIMITS: Limits = Limits { depth: 64, nodes: 10_000 };

    /// The pod as it would be sent, or its fault after a `!`.
    fn read(spec: &str, container: &str, left_out: &[&str]) -> String {
        let pod = format!(
            r#"{{"metadata":{{"name":"p","namespace":"n","uid":"0fcb5d1e-4ad9-4a06-8f7e-5c9a3d8e1f00"}},"spec":{{"containers":[{{"name":"a","image":"i"}},{{"name":"b","image":"i"{container}}}],"nodeName":"n"{spec}}}}}"#
        );
        let left_out: Vec<String> = left_out.iter().map(|path| (*path).to_owned()).collect();
        let mut tape = Tape::default();
        let flaw = read_whole(pod.as_bytes(), &mut tape, LIMITS).unwrap();
        let item = Item { value: tape.root(pod.as_bytes()), flaw };
        match ReceivedPod::from_item_leaving_out(item, &left_out) {
            ReceivedPod::Sound(sound) => {
                let mut out = Vec::new();
                sound.checked.write(&mut out, &mut Vec::new());
                String::from_utf8(out).unwrap()
            }
            ReceivedPod::Faulty(faulty) => format!("!{}", faulty.fault),
        }
    }

    #[test]
    fn an_unknown_field_is_refused_unless_its_exact_path_is_listed_and_is_never_sent() {
        let plain = read("", "", &[]);
        let newer = r#","newer":{"runs":["x"]}"#;
        assert_eq!(read(newer, "", &[]), "!spec.newer: unknown field of PodSpec");
        assert_eq!(read(newer, "", &["spec.newer"]), plain);
        assert_eq!(read("", newer, &["spec.containers[*].newer"]), plain);
        for (spec, container, listed) in [
            (newer, "", "spec.containers[*].newer"),
            ("", newer, "spec.newer"),
            ("", newer, "spec.containers[0].newer"),
            ("", newer, "spec.containers[1].newer"),
            (newer, "", "newer"),
            (newer, "", "spec.newer.runs"),
            // What Go could take for a known field, or for the same twice, is never unknown.
            (r#","hostpid":true"#, "", "spec.hostpid"),
            (r#","newer":1,"newer":2"#, "", "spec.newer"),
            (r#","newer":1,"Newer":2"#, "", "spec.newer"),
        ] {
            let found = read(spec, container, &[listed]);
            assert!(found.starts_with('!'), "{spec} {container} {listed}: {found}");
        }
        assert_eq!(read(r#","hostIP":1"#, "", &["spec.hostIP"]), plain);
    }
}
