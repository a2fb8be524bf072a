//! What evaluation says about a pod, and why, in the words of the seed.
//!
//! Nothing is formatted before somebody asks: an admitted pod costs no text. What comes from the
//! pod is escaped and cut, because reasons go into logs, Events and status messages.

use std::fmt::{self, Write as _};

use super::explanation::Finding;
use super::signed::denial::SignedDenial;

/// Longest text of a pod in a reason: every valid image reference fits (255 of path, 128 of tag,
/// 71 of digest and a host).
const MAX_QUOTED_CHARS: usize = 512;

/// The decision on one pod.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict<'v> {
    /// The pod may run.
    Allow(Grounds<'v>),
    /// The pod must not run.
    Deny(Grounds<'v>),
}

/// What a decision rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grounds<'v> {
    /// The first rule that matched.
    Rule {
        /// Its `name`.
        name: &'v str,
        /// Its `message`, which denials give instead of the violation.
        message: Option<&'v str>,
        /// The condition that the pod violates, if the rule has conditions.
        violation: Option<Violation<'v>>,
    },
    /// No rule matched.
    DefaultAction,
    /// The first allow rule of the second version that the pod fits.
    Permit {
        /// Its `name`.
        rule: &'v str,
    },
    /// An exception that the pod fits.
    Exception {
        /// Its `name`.
        name: &'v str,
    },
    /// A denial that is only observed.
    Observed {
        /// The rule that observes, `None` if the whole policy does.
        rule: Option<&'v str>,
    },
    /// A deny rule of the second version.
    Objection {
        /// Its `name`.
        rule: &'v str,
        /// Its `message`.
        message: Option<&'v str>,
        /// What does not fit its `unless`, if it has one.
        finding: Option<Box<Finding>>,
    },
    /// No rule of the second version permits the pod.
    Unpermitted {
        /// The allow rule that it fits best, and the first thing that does not.
        nearest: Option<(&'v str, Box<Finding>)>,
    },
    /// The pod is bound to another node.
    ForeignNode {
        /// The pod's.
        node: &'v str,
        /// Ours.
        ours: String,
    },
    /// No rule matched, and a trusted key signed for the pod.
    Signed {
        /// The key.
        key_id: &'v str,
    },
    /// No rule decided, and no trusted key signed for the pod.
    Unsigned {
        /// Why what it carries does not admit it.
        denial: SignedDenial,
        /// The allow rule that it fits best, and the first thing that does not.
        nearest: Option<(&'v str, Box<Finding>)>,
    },
}

/// How a pod violates a rule's conditions. Texts are the pod's unless named otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation<'v> {
    /// The image cannot be told apart from others.
    UnparsableImage(&'v str),
    /// `images.denied`.
    DeniedImage {
        /// The image.
        image: &'v str,
        /// The policy's pattern.
        pattern: &'v str,
    },
    /// `images.deniedRegistries`.
    DeniedRegistry {
        /// The image.
        image: &'v str,
        /// The policy's entry.
        registry: &'v str,
    },
    /// `images.allowedRegistries`.
    OutsideAllowedRegistries(&'v str),
    /// `images.allowed`.
    OutsideAllowedImages(&'v str),
    /// `images.requireDigest`.
    ImageWithoutDigest(&'v str),
    /// `security.denyHostNetwork`.
    HostNetwork,
    /// `security.denyHostPID`.
    HostPid,
    /// `security.denyHostIPC`.
    HostIpc,
    /// `security.denyHostPath`.
    HostPath,
    /// `security.denyPrivileged`.
    Privileged {
        /// The container.
        container: &'v str,
    },
    /// `security.denyRunAsRoot`: the user is 0 or no valid user.
    RunsAsRoot {
        /// The container.
        container: &'v str,
    },
    /// `security.denyRunAsRoot`: nothing says who the user is.
    MayRunAsRoot {
        /// The container.
        container: &'v str,
    },
    /// `security.deniedCapabilities`.
    AddsCapability {
        /// The container.
        container: &'v str,
        /// As the pod has it.
        capability: &'v str,
    },
    /// `security.deniedCapabilities`, by way of `privileged`.
    HasAllCapabilities {
        /// The container.
        container: &'v str,
    },
}

impl<'v> Verdict<'v> {
    /// May the pod run?
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow(_))
    }

    /// What it rests on.
    pub fn grounds(&self) -> &Grounds<'v> {
        match self {
            Self::Allow(grounds) | Self::Deny(grounds) => grounds,
        }
    }

    /// The rule that decided, `None` for the default action.
    pub fn rule(&self) -> Option<&'v str> {
        match self.grounds() {
            Grounds::Rule { name, .. } | Grounds::Exception { name } => Some(name),
            Grounds::Permit { rule } | Grounds::Objection { rule, .. } => Some(rule),
            Grounds::Observed { rule } => *rule,
            Grounds::DefaultAction
            | Grounds::Unpermitted { .. }
            | Grounds::ForeignNode { .. }
            | Grounds::Signed { .. }
            | Grounds::Unsigned { .. } => None,
        }
    }

    /// The reason, formatted when displayed: for those who may read the pod.
    pub fn reason(&self) -> Reason<'_> {
        Reason { verdict: self, shows_values: true }
    }

    /// The reason without values of environment variables: for the node's own records.
    pub fn recorded_reason(&self) -> Reason<'_> {
        Reason { verdict: self, shows_values: false }
    }
}

/// Displays in the words of the seed, and in the same manner what the seed could not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'v> {
    verdict: &'v Verdict<'v>,
    shows_values: bool,
}

impl fmt::Display for Reason<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (participle, action) = match self.verdict {
            Verdict::Allow(_) => ("allowed", "allow"),
            Verdict::Deny(_) => ("denied", "deny"),
        };
        match self.verdict.grounds() {
            Grounds::DefaultAction => write!(out, "no matching rules, default action is {action}"),
            Grounds::Permit { rule } => write!(out, "allowed by rule '{rule}': fits its permit"),
            Grounds::Exception { name } => {
                write!(out, "allowed by exception '{name}': fits its permit")
            }
            Grounds::Observed { rule: Some(rule) } => {
                write!(out, "allowed by rule '{rule}': it only observes")
            }
            Grounds::Observed { rule: None } => out.write_str("allowed: the policy only observes"),
            Grounds::Objection { rule, message, finding } => {
                write!(out, "denied by rule '{rule}'")?;
                match (message, finding) {
                    (Some(message), Some(finding)) => write!(out, ": {message} ({finding})"),
                    (Some(message), None) => write!(out, ": {message}"),
                    (None, Some(finding)) => write!(out, ": {finding}"),
                    (None, None) => out.write_str(": matched all criteria"),
                }
            }
            Grounds::Unpermitted { nearest: None } => {
                out.write_str("no rule permits it, and none is about it")
            }
            Grounds::Unpermitted { nearest: Some((rule, finding)) } => {
                write!(out, "no rule permits it; closest is rule '{rule}': {finding}")
            }
            Grounds::ForeignNode { node, ours } => {
                write!(out, "pod is bound to node '{}', this is '{}'", Quoted(node), Quoted(ours))
            }
            Grounds::Signed { key_id: _ } => out.write_str("pod matches signed policy"),
            Grounds::Unsigned { denial, nearest } => {
                match self.shows_values {
                    true => denial.fmt(out)?,
                    false => denial.without_values().fmt(out)?,
                }
                match nearest {
                    Some((rule, finding)) => {
                        write!(out, "; the closest rule is '{rule}': {finding}")
                    }
                    None => Ok(()),
                }
            }
            Grounds::Rule { name, message, violation } => {
                write!(out, "{participle} by rule '{name}': ")?;
                match (self.verdict.is_allow(), message, violation) {
                    (false, Some(message), _) => out.write_str(message),
                    (_, _, Some(violation)) => violation.fmt(out),
                    (_, _, None) => out.write_str("matched all criteria"),
                }
            }
        }
    }
}

impl fmt::Display for Violation<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((kind, name)) = self.culprit() {
            write!(out, "{kind} '{}' ", Quoted(name))?;
        }
        match *self {
            Self::UnparsableImage(_) => out.write_str("is not a valid image reference"),
            Self::DeniedImage { pattern, .. } => write!(out, "matches denied pattern '{pattern}'"),
            Self::DeniedRegistry { registry, .. } => {
                write!(out, "from denied registry '{registry}'")
            }
            Self::OutsideAllowedRegistries(_) => out.write_str("not from allowed registries"),
            Self::OutsideAllowedImages(_) => out.write_str("matches no allowed pattern"),
            Self::ImageWithoutDigest(_) => out.write_str("does not have a digest"),
            Self::HostNetwork => out.write_str("pod uses hostNetwork"),
            Self::HostPid => out.write_str("pod uses hostPID"),
            Self::HostIpc => out.write_str("pod uses hostIPC"),
            Self::HostPath => out.write_str("pod uses hostPath volume"),
            Self::Privileged { .. } => out.write_str("is privileged"),
            Self::RunsAsRoot { .. } => out.write_str("runs as root"),
            Self::MayRunAsRoot { .. } => {
                out.write_str("runs as root (neither runAsUser nor runAsNonRoot is set)")
            }
            Self::AddsCapability { capability, .. } => {
                write!(out, "adds denied capability '{}'", Quoted(capability))
            }
            Self::HasAllCapabilities { .. } => {
                out.write_str("adds denied capability 'ALL' (it is privileged)")
            }
        }
    }
}

impl<'v> Violation<'v> {
    /// The image or the container at fault, `None` for the pod itself.
    fn culprit(&self) -> Option<(&'static str, &'v str)> {
        match *self {
            Self::UnparsableImage(image)
            | Self::DeniedImage { image, .. }
            | Self::DeniedRegistry { image, .. }
            | Self::OutsideAllowedRegistries(image)
            | Self::OutsideAllowedImages(image)
            | Self::ImageWithoutDigest(image) => Some(("image", image)),
            Self::Privileged { container }
            | Self::RunsAsRoot { container }
            | Self::MayRunAsRoot { container }
            | Self::AddsCapability { container, .. }
            | Self::HasAllCapabilities { container } => Some(("container", container)),
            Self::HostNetwork | Self::HostPid | Self::HostIpc | Self::HostPath => None,
        }
    }
}

/// Text of a pod, without control characters and without end.
pub(super) struct Quoted<'v>(pub(super) &'v str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(MAX_QUOTED_CHARS) {
            // Debug escapes what a terminal or a log viewer would obey, bidirectional marks too.
            match character {
                '\'' | '"' | '\\' => out.write_char(character)?,
                other => write!(out, "{}", other.escape_debug())?,
            }
        }
        characters.next().map_or(Ok(()), |_| out.write_char('…'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(violation: Violation<'_>) -> String {
        let grounds = Grounds::Rule { name: "r", message: None, violation: Some(violation) };
        Verdict::Deny(grounds).reason().to_string()
    }

    #[test]
    fn reasons_are_those_of_the_seed() {
        let (image, container) = ("i", "c");
        for (violation, expected) in [
            (
                Violation::DeniedImage { image, pattern: "p*" },
                "image 'i' matches denied pattern 'p*'",
            ),
            (
                Violation::DeniedRegistry { image, registry: "r" },
                "image 'i' from denied registry 'r'",
            ),
            (Violation::OutsideAllowedRegistries(image), "image 'i' not from allowed registries"),
            (Violation::ImageWithoutDigest(image), "image 'i' does not have a digest"),
            (Violation::HostNetwork, "pod uses hostNetwork"),
            (Violation::HostPid, "pod uses hostPID"),
            (Violation::HostIpc, "pod uses hostIPC"),
            (Violation::HostPath, "pod uses hostPath volume"),
            (Violation::Privileged { container }, "container 'c' is privileged"),
            (Violation::RunsAsRoot { container }, "container 'c' runs as root"),
            (
                Violation::AddsCapability { container, capability: "SYS_ADMIN" },
                "container 'c' adds denied capability 'SYS_ADMIN'",
            ),
        ] {
            assert_eq!(denied(violation), format!("denied by rule 'r': {expected}"));
        }
    }

    #[test]
    fn a_message_speaks_for_a_denial_and_not_for_an_admission() {
        let grounds = Grounds::Rule { name: "r", message: Some("m"), violation: None };
        assert_eq!(Verdict::Deny(grounds.clone()).reason().to_string(), "denied by rule 'r': m");
        let allowed = Verdict::Allow(grounds).reason().to_string();
        assert_eq!(allowed, "allowed by rule 'r': matched all criteria");
    }

    #[test]
    fn text_of_the_pod_is_escaped_and_cut() {
        let hostile = denied(Violation::UnparsableImage("a\n\u{1b}[31m\u{202e}b"));
        assert!(!hostile.contains(['\n', '\u{1b}', '\u{202e}']), "{hostile:?}");
        let long = "x".repeat(100_000);
        assert!(denied(Violation::UnparsableImage(&long)).chars().count() < 600);
    }
}
