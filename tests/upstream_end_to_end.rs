//! The upstream room against real servers on loopback: lanes, rotation, credential plugins.
//!
//! Every server is hyper over rustls or TCP in this process, every certificate is made here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that meets what it does not expect must stop there"
)]

#[path = "upstream_end_to_end/exchange.rs"]
mod exchange;
#[path = "upstream_end_to_end/lanes.rs"]
mod lanes;
#[path = "upstream_end_to_end/plugin.rs"]
mod plugin;
#[path = "upstream_end_to_end/reaching.rs"]
mod reaching;
#[path = "upstream_end_to_end/rotation.rs"]
mod rotation;
#[path = "upstream_end_to_end/server.rs"]
mod server;
#[path = "upstream_end_to_end/site.rs"]
mod site;
