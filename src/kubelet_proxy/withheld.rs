//! Which refusals of objects were told already, so that each is told once until it changes.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use super::limits::OBJECT_REFUSALS_REMEMBERED;
use crate::kube_wire::received_object::ObjectKind;
use crate::kube_wire::watch_event::Tombstone;

/// Refusals by object, both as hashes: a collision costs a line in the log.
#[derive(Debug, Default)]
pub(super) struct Withheld(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    reasons: HashMap<u64, u64>,
    oldest_first: VecDeque<u64>,
}

impl Withheld {
    /// Was this object not refused for this reason when it was last seen?
    pub(super) fn is_news(
        &self,
        kind: ObjectKind,
        object: Option<&Tombstone<'_>>,
        reason: &str,
    ) -> bool {
        let (object, reason) = (key(kind, object), hash(&reason));
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = told.reasons.insert(object, reason);
        if before.is_none() {
            if told.oldest_first.len() >= OBJECT_REFUSALS_REMEMBERED
                && let Some(oldest) = told.oldest_first.pop_front()
            {
                told.reasons.remove(&oldest);
            }
            told.oldest_first.push_back(object);
        }
        before != Some(reason)
    }

    /// The object was let through: its next refusal is news.
    pub(super) fn forget(&self, kind: ObjectKind, object: Option<&Tombstone<'_>>) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.reasons.is_empty() {
            return;
        }
        let object = key(kind, object);
        if told.reasons.remove(&object).is_some() {
            told.oldest_first.retain(|known| *known != object);
        }
    }
}

fn key(kind: ObjectKind, object: Option<&Tombstone<'_>>) -> u64 {
    hash(&(kind.plural(), object.map(|it| (it.namespace, it.name))))
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> Tombstone<'_> {
        Tombstone { namespace: "n", name, uid: None, resource_version: None }
    }

    #[test]
    fn a_refusal_is_told_once_until_it_changes() {
        let withheld = Withheld::default();
        let secret = |name: &str, reason: &str| {
            withheld.is_news(ObjectKind::Secret, Some(&object(name)), reason)
        };
        assert!(secret("a", "x") && !secret("a", "x"));
        assert!(secret("a", "y") && !secret("a", "y"));
        assert!(secret("b", "x"));
        assert!(withheld.is_news(ObjectKind::ConfigMap, Some(&object("a")), "y"));
        withheld.forget(ObjectKind::Secret, Some(&object("a")));
        assert!(secret("a", "y") && !secret("b", "x"));
    }

    #[test]
    fn memory_is_bounded_and_forgetting_costs_a_line() {
        let withheld = Withheld::default();
        for number in 0..=OBJECT_REFUSALS_REMEMBERED {
            let name = number.to_string();
            assert!(withheld.is_news(ObjectKind::Secret, Some(&object(&name)), "x"));
        }
        assert_eq!(withheld.0.lock().unwrap().reasons.len(), OBJECT_REFUSALS_REMEMBERED);
        assert!(withheld.is_news(ObjectKind::Secret, Some(&object("0")), "x"));
    }
}
