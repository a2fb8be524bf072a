//! The record of an object beside pods that was withheld from the kubelet. Never holds content.

use super::escape::escaped;
use super::record::{MAX_NAME_CHARS, MAX_REASON_CHARS, Source};

/// Target of these records.
pub const WITHHELD_TARGET: &str = "nodeward::audit::withheld";

/// Journal message identifier of an object that was withheld.
pub const WITHHELD_MESSAGE_ID: &str = "db1b42b24ecc48a186f6df5b9220b7f5";

/// One refusal. Unchecked text is welcome.
#[derive(Clone, Copy, Debug)]
pub struct ObjectRecord<'a> {
    /// What it is, such as `Secret`.
    pub kind: &'a str,
    /// Its namespace; empty if it has none or none could be read.
    pub namespace: &'a str,
    /// Its name; empty if none could be read.
    pub name: &'a str,
    /// Why, in words for people.
    pub reason: &'a str,
    /// The policy's name.
    pub policy: &'a str,
    /// SHA-256 of the policy file, in hexadecimal.
    pub policy_digest: &'a str,
    /// The node.
    pub node: &'a str,
    /// What the object came in.
    pub source: Source,
    /// Records of other refusals that were left out before this one.
    pub untold: u64,
}

impl ObjectRecord<'_> {
    /// Logs the record.
    pub fn log(&self) {
        tracing::info!(
            target: WITHHELD_TARGET,
            kind = self.kind,
            namespace = escaped(self.namespace, MAX_NAME_CHARS),
            name = escaped(self.name, MAX_NAME_CHARS),
            reason = escaped(self.reason, MAX_REASON_CHARS),
            policy = escaped(self.policy, MAX_NAME_CHARS),
            policy_digest = self.policy_digest,
            node = escaped(self.node, MAX_NAME_CHARS),
            source = self.source.as_str(),
            untold = self.untold,
            "object withheld"
        );
    }
}
