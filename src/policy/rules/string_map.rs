//! `labels` and `annotations`: keys that a pod must have with exactly these values.
//!
//! An absent key never equals anything, not even "" (to the seed it did).

use crate::kube_wire::pod::StringMap;
use crate::policy::error::PolicyError;
use crate::policy::located::Located;

/// Entries which must all be there.
#[derive(Clone, Debug)]
pub(super) struct RequiredEntries(Vec<(String, String)>);

impl RequiredEntries {
    /// Reads the map.
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let mut entries = Vec::new();
        for (key, value) in at.members()? {
            if key.is_empty() {
                return Err(value.refuse("has an empty key, which no pod has; name one"));
            }
            entries.push((key, value.string()?));
        }
        if entries.is_empty() {
            return Err(at.refuse("is empty, so it checks nothing; fill it or remove the key"));
        }
        Ok(Self(entries))
    }

    /// Does the pod have them all?
    pub(super) fn are_in(&self, map: &StringMap<'_>) -> bool {
        self.0.iter().all(|(key, value)| map.lookup(key) == Some(value))
    }

    /// The entries that the pod does not have.
    pub(super) fn missing_in<'r>(
        &'r self,
        map: &StringMap<'_>,
    ) -> impl Iterator<Item = (&'r str, &'r str)> {
        let entries = self.0.iter().filter(|(key, value)| map.lookup(key) != Some(value));
        entries.map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_must_be_there_with_its_value() {
        let at = Located::document(r#"{"a": "1", "b": ""}"#).unwrap();
        let required = RequiredEntries::read(&at).unwrap();
        for (map, expected) in [
            (&[("a", "1"), ("b", "")][..], true),
            (&[("a", "1"), ("b", ""), ("c", "x")][..], true),
            (&[("a", "1")][..], false),
            (&[("a", "1"), ("b", "x")][..], false),
            (&[("A", "1"), ("b", "")][..], false),
            (&[][..], false),
        ] {
            assert_eq!(required.are_in(&map.iter().copied().collect()), expected, "{map:?}");
        }
    }
}
