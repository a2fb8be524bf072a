//! Names that must be unique within a pod, and the fault that says where they are not.
//!
//! Sorted once, then searched: a hostile pod may have tens of thousands of volumes and mounts.

use crate::kube_wire::json::ValueFault;

pub(super) fn fault(path: impl Into<String>, problem: impl Into<String>) -> ValueFault {
    ValueFault { path: path.into(), problem: problem.into() }
}

pub(super) fn missing(path: impl Into<String>) -> ValueFault {
    fault(path, "is missing")
}

/// Unique names.
#[derive(Debug)]
pub(super) struct Names<'a> {
    sorted: Vec<&'a str>,
}

impl<'a> Names<'a> {
    /// `None` when two are equal.
    pub(super) fn unique(names: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut sorted: Vec<_> = names.collect();
        sorted.sort_unstable();
        sorted.is_sorted_by(|one, next| one < next).then_some(Self { sorted })
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.sorted.binary_search(&name).is_ok()
    }
}
