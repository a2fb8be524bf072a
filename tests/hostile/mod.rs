//! The cases of `hostile_api_server.rs` and the world in which each of them runs.

mod case;
mod changes;
mod client;
mod content;
mod delivery;
mod encodings;
mod events;
mod excess;
mod exhaustion;
mod fidelity;
mod frames;
mod http2_client;
mod identity;
mod json_tricks;
mod mirrors;
mod objects;
mod pods;
mod proxy;
mod records;
pub(crate) mod reflector;
mod rejections;
mod reloads;
mod requests;
mod restarts;
mod reviews;
mod services;
mod signed;
mod start;
mod world;

use libtest_mimic::Trial;

/// Every case.
pub(crate) fn trials() -> Vec<Trial> {
    [
        content::trials(),
        json_tricks::trials(),
        excess::trials(),
        frames::trials(),
        events::trials(),
        delivery::trials(),
        identity::trials(),
        mirrors::trials(),
        changes::trials(),
        requests::trials(),
        reloads::trials(),
        restarts::trials(),
        reviews::trials(),
        signed::trials(),
        start::trials(),
        rejections::trials(),
        records::trials(),
        exhaustion::trials(),
        fidelity::trials(),
        objects::trials(),
        services::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
