//! The cases of `hostile_api_server.rs` and the world in which each of them runs.

mod case;
mod client;
mod content;
mod encodings;
mod json_tricks;
mod pods;
mod proxy;
pub(crate) mod reflector;
mod world;

use libtest_mimic::Trial;

/// Every case, in the order of the rows.
pub(crate) fn trials() -> Vec<Trial> {
    [content::trials(), json_tricks::trials()].into_iter().flatten().collect()
}
