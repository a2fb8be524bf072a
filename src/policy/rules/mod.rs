//! What one rule can ask about a pod, one file per block of `match`.
//!
//! Each file holds both how its block is read and what it means. Blocks are of two kinds: the
//! scope says which pods a rule is about, conditions say what such a pod must not do.

mod explain;
pub(super) mod images;
pub(super) mod namespaces;
pub(super) mod rule;
pub(super) mod scope;
pub(super) mod security;
pub(super) mod string_map;
