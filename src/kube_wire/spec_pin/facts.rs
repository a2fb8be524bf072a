//! The parts of a spec that the API lets change within limits.
//!
//! Read from the value, not from bytes, so that the order of members makes no difference.

use std::borrow::Cow;

use super::tags::{Tag, Tags, append, tag_of};
use crate::kube_wire::json::{Kind, Value};

/// The only resources that can be resized in place (`dropCPUMemoryUpdates`), with the bits that say
/// whether they are limited and requested. From v1.36 on that holds for init containers too.
const RESIZABLE: [(&str, u8, u8); 2] = [("cpu", 1, 2), ("memory", 4, 8)];

/// A key such as `node.kubernetes.io/unreachable`, an operator, an effect and four lengths.
const TYPICAL_TOLERATION_BYTES: usize = 128;

#[derive(Default)]
pub(super) struct Facts<'a> {
    pub(super) active_deadline_seconds: Option<i64>,
    pub(super) termination_grace_period_seconds: Option<i64>,
    pub(super) tolerations: Tags,
    /// One byte for the pod and each container, in the spec's order.
    pub(super) resources: Box<[u8]>,
    /// Everything of the resources that cannot be resized: devices, huge pages, claims.
    pub(super) frozen_resources: Vec<u8>,
    /// Of containers and init containers, in the spec's order.
    pub(super) images: Vec<&'a str>,
    /// Which resource, and how much of it, for all that can be resized.
    pub(super) amounts: Vec<Cow<'a, str>>,
}

impl<'a> Facts<'a> {
    pub(super) fn read(spec: Option<Value<'a>>) -> Self {
        let mut facts = Self::default();
        let (mut pod, mut init, mut ordinary) = (None, None, None);
        for (key, member) in spec.iter().flat_map(Value::entries) {
            match key {
                "activeDeadlineSeconds" => facts.active_deadline_seconds = member.as_i64(),
                "terminationGracePeriodSeconds" => {
                    facts.termination_grace_period_seconds = member.as_i64();
                }
                "tolerations" => {
                    facts.tolerations = Tags::new(member.items().map(read_toleration).collect());
                }
                "resources" => pod = Some(member),
                "initContainers" => init = Some(member),
                "containers" => ordinary = Some(member),
                _ => {}
            }
        }
        let mut resources = vec![facts.note_resources(pod)];
        for container in init.iter().chain(&ordinary).flat_map(Value::items) {
            resources.push(facts.note_resources(container.field("resources")));
            facts.images.push(container.field("image").map(text).unwrap_or_default());
        }
        facts.resources = resources.into_boxed_slice();
        facts
    }

    /// Notes what of the resources is frozen and returns the bits of what can be resized.
    fn note_resources(&mut self, resources: Option<Value<'a>>) -> u8 {
        let mut bits = 0;
        let (mut frozen, mut resizable) = (Vec::new(), Vec::new());
        for (key, member) in resources.iter().flat_map(Value::entries) {
            match key {
                "limits" | "requests" => {
                    let is_limit = key == "limits";
                    for (name, quantity) in member.entries() {
                        match RESIZABLE.iter().find(|(known, ..)| *known == name) {
                            Some((_, limit, request)) => {
                                bits |= if is_limit { limit } else { request };
                                resizable.push([key.into(), name.into(), amount(quantity)]);
                            }
                            None => frozen.push([key.into(), name.into(), amount(quantity)]),
                        }
                    }
                }
                "claims" => frozen.extend(member.items().map(read_claim)),
                _ => {}
            }
        }
        frozen.sort_unstable();
        self.freeze(&frozen);
        resizable.sort_unstable();
        // No amount is empty: where one container ends and the next begins.
        self.amounts.extend(resizable.into_iter().flatten().chain(["".into()]));
        bits
    }

    /// Appends texts with their lengths and the number of entries: two pods never look alike.
    fn freeze(&mut self, entries: &[[Cow<'_, str>; 3]]) {
        self.frozen_resources.extend((entries.len() as u64).to_le_bytes());
        for text in entries.iter().flatten() {
            append(&mut self.frozen_resources, text);
        }
    }
}

/// A quantity as written; the API server writes strings, others may write numbers.
fn amount(quantity: Value<'_>) -> Cow<'_, str> {
    match quantity.kind() {
        Kind::Text(text) | Kind::Number(text) => text.into(),
        Kind::Integer(number) => number.to_string().into(),
        Kind::Null | Kind::Bool(_) | Kind::Array | Kind::Object => "".into(),
    }
}

fn read_claim(claim: Value<'_>) -> [Cow<'_, str>; 3] {
    let (mut name, mut request) = ("", "");
    for (key, member) in claim.entries() {
        match key {
            "name" => name = text(member),
            "request" => request = text(member),
            _ => {}
        }
    }
    ["claims".into(), name.into(), request.into()]
}

/// A toleration but for `tolerationSeconds`, which may change (`validateOnlyAddedTolerations`).
fn read_toleration(toleration: Value<'_>) -> Tag {
    let [mut key, mut operator, mut value, mut effect] = [""; 4];
    for (name, member) in toleration.entries() {
        match name {
            "key" => key = text(member),
            "operator" => operator = text(member),
            "value" => value = text(member),
            "effect" => effect = text(member),
            _ => {}
        }
    }
    let mut member = Vec::with_capacity(TYPICAL_TOLERATION_BYTES);
    for part in [key, operator, value, effect] {
        append(&mut member, part);
    }
    tag_of(&member)
}

fn text(value: Value<'_>) -> &str {
    value.as_str().unwrap_or_default()
}
