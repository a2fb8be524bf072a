//! `$(NAME)` in commands, arguments, commands of probes, environment values and sub-paths, as a
//! kubelet expands it.
//!
//! A text that was compared with a rule must not become another one afterwards. So only variables
//! are expanded whose value the same entry pins, and that are defined where the kubelet looks
//! first: among the container's own, before those of ConfigMaps, Secrets and Services. One that may
//! be missing is not: another of its name would take its place.

use crate::kube_wire::pod_view::EnvVar;
use crate::policy::v2::check::Check;
use crate::policy::v2::finding::{Fit, Place, finding};

use super::env::EnvRules;
use super::env_source::may_be_missing;

/// The variables that may stand for something in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pinned<'p> {
    /// What the entry says of the environment.
    pub(super) rules: Option<&'p EnvRules>,
    /// The variables that are defined where the text stands.
    pub(super) defined: &'p [EnvVar<'p>],
}

impl<'p> Pinned<'p> {
    /// By these rules, where these variables are defined.
    pub(super) fn new(rules: &'p EnvRules, defined: &'p [EnvVar<'p>]) -> Self {
        Self { rules: Some(rules), defined }
    }

    /// Everything that the text expands must be pinned.
    pub(super) fn check(&self, text: &str, place: &Place<'_>, check: &mut Check<'_>) -> Fit {
        for name in variables(text) {
            check.unless(self.pins(name), || {
                let expected = "to expand only variables whose value the same entry pins";
                finding(place, expected, format!("$({})", crate::policy::verdict::Quoted(name)))
            })?;
        }
        Fit::Continue(())
    }

    fn pins(&self, name: &str) -> bool {
        let is_set = |variable: &EnvVar<'_>| {
            variable.name == name && variable.value_from.and_then(may_be_missing).is_none()
        };
        self.defined.iter().any(is_set) && self.rules.is_some_and(|rules| rules.pin(name))
    }
}

/// The names that `k8s.io/kubernetes/third_party/forked/golang/expansion` would look up.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let (_, behind) = rest.split_once('$')?;
            rest = behind;
            if let Some(open) = behind.strip_prefix('(') {
                // Without an end it is plain text, and what follows is read on.
                let Some((name, after)) = open.split_once(')') else {
                    rest = open;
                    continue;
                };
                rest = after;
                return Some(name);
            }
            // `$$` is a plain `$`; so is one in front of anything else, which is then passed over.
            let mut characters = behind.chars();
            characters.next();
            rest = characters.as_str();
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_that_a_kubelet_looks_up() {
        for (text, expected) in [
            ("plain", &[][..]),
            ("$(A)", &["A"]),
            ("x$(A)y$(B)z", &["A", "B"]),
            ("$$(A)", &[]),
            ("$$$(A)", &["A"]),
            ("$$$$(A)", &[]),
            ("$(A", &[]),
            ("$(A$(B)", &["A$(B"]),
            ("$($(B", &[]),
            ("$A $", &[]),
            ("$é$(A)", &["A"]),
            ("$()", &[""]),
            ("$x(A)$(B)", &["B"]),
            ("${A}$(B)", &["B"]),
        ] {
            assert_eq!(variables(text).collect::<Vec<_>>(), expected, "{text}");
        }
    }
}
