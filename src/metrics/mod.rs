//! What the process says about itself in numbers, and the endpoint that says it.
//!
//! Entry points: [`names`] for what exists, [`registry::Metrics`] for handles that count without a
//! lock, [`admin_server`] for `/metrics` and the health checks. Labels are bounded: no pod, image or
//! namespace is ever one, because the control plane chooses those.

pub mod admin_server;
pub mod connection_counts;
pub mod handles;
pub mod names;
pub mod readiness;
pub mod registry;
