//! What the integration tests and the demonstration share: certificates, Go programs, a cluster.
//!
//! It is compiled into each of them and knows nothing of what they assert. A fixture that cannot
//! be made panics: there is nothing left to test then.

#![allow(dead_code, reason = "compiled into every test, and each uses its own part")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

pub(crate) mod guest;
pub(crate) mod hostile_api_server;
pub(crate) mod pki;
pub(crate) mod signing_server;
pub(crate) mod wait;
pub(crate) mod world;
