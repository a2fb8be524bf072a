//! `permit` and `unless`: what a pod may be, field by field.
//!
//! An allow-list by nature: what is not listed has to be absent, or harmless. With
//! `"unlisted": "permit"` (as in `unless`) what is not listed may be anything, and what is listed is
//! required. Every struct of the pod's view is taken apart without `..`, so that a new field does not
//! compile until somebody has decided what becomes of it.

mod annotations;
mod api_access;
mod container;
mod containers;
mod csi;
mod dns;
mod env;
mod env_source;
mod expansion;
mod files;
mod hooks_and_probes;
mod host_path;
mod images;
pub(super) mod in_tree;
mod left_open;
mod mounts;
mod pod;
mod pod_fields;
mod pod_security;
mod pod_security_context;
mod ports;
mod profiles;
mod projections;
mod quantity;
mod resources;
mod security;
mod trust;
mod updates;
mod volume_source;
mod volumes;

pub(in crate::policy) use pod::PodPermit;
pub use updates::Updates;

pub(in crate::policy) use super::check::Unlisted;
use crate::policy::error::Warnings;

/// What reading a part of a permit depends on.
#[derive(Debug)]
pub(in crate::policy) struct Reading<'w> {
    /// Of the enclosing entry.
    pub(in crate::policy) unlisted: Unlisted,
    /// Where to put what is odd.
    pub(in crate::policy) warnings: &'w mut Warnings,
}
