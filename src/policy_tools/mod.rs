//! What operators ask a policy before and after a node does. Pure; the engine is the one that decides.
//!
//! Pods come as JSON values, from manifests or from a cluster, and take the way that they take in the
//! proxy: written as bytes, read strictly, checked against the schema ([`judge`]). On it stand the declared
//! expectations ([`cases`]), the comparison of policies ([`compare`]), the second look at what was recorded
//! ([`recorded`]) and the policy that is made of pods ([`generate`]). What a policy pins of other objects comes from
//! [`content`].

pub mod cases;
pub mod compare;
pub mod content;
pub mod generate;
pub mod judge;
pub mod recorded;
