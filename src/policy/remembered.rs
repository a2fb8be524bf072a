//! A permission that is remembered, so that a pod that is shown again need not be decided on again.
//!
//! Only what rests on the pod's view and the document alone is worth that: neither an expression, which
//! sees the whole pod, nor an exception, which ends, nor a signature, which counts, nor what is only
//! observed, which is told each time.

use std::sync::{Arc, Weak};

use super::decision::Decision;
use super::v2::Access;
use super::{Document, Policy};
use crate::kube_wire::spec_pin::ViewPin;

/// A permission that every pod with the same view gets from the same policy.
#[derive(Clone, Debug)]
pub struct Lasting {
    /// Which of the rules gave it.
    pub(super) rule: usize,
    /// What that rule's permit holds, and no permit of another document. It does not keep the policy's
    /// memory, but for the address, which nothing else gets meanwhile.
    access: Weak<Access>,
}

impl PartialEq for Lasting {
    fn eq(&self, other: &Self) -> bool {
        self.rule == other.rule && self.access.ptr_eq(&other.access)
    }
}

impl Eq for Lasting {}

/// It, and whom it was given to.
#[derive(Clone, Debug)]
pub struct Remembered {
    permission: Lasting,
    view: ViewPin,
}

impl Lasting {
    /// Of the rule in this place, whose permit holds this.
    pub(super) fn new(rule: usize, access: &Arc<Access>) -> Self {
        Self { rule, access: Arc::downgrade(access) }
    }

    /// Did the permit that holds this give it?
    pub(super) fn was_given_with(&self, access: &Arc<Access>) -> bool {
        std::ptr::eq(self.access.as_ptr(), Arc::as_ptr(access))
    }

    /// To be remembered of the pod that it was given to.
    pub fn with_view(self, view: ViewPin) -> Remembered {
        Remembered { permission: self, view }
    }
}

impl Policy {
    /// What was decided before about a pod with this view; `None` if nothing was, or by another policy.
    pub fn recall(&self, remembered: &Remembered, view: &ViewPin) -> Option<Decision<'_>> {
        if remembered.view != *view {
            return None;
        }
        match &self.document {
            Document::V1(_) => None,
            Document::V2(policy) => policy.recall(&remembered.permission),
        }
    }
}
