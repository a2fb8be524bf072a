//! A guard in front of the kubelet's own API: what its port serves is decided here, call by call.
//!
//! The kubelet asks the API server who may exec into a pod, so against a hostile one its port has no
//! lock at all. This room is that lock: it knows every path of the kubelet's API, refuses all others,
//! asks its [`judge::Judge`] about each call, and relays what is granted over a connection of its own.
//! It knows no policy and no role. The life of a call: `call` (what is asked), `judge` (may it), `running`
//! (which pods run), `guard` (record and answer), `kubelet` (the other side), `stream` (bytes both ways),
//! `spdy` (which ports).
//!
//! Invariants: nothing unknown is relayed, the request that the kubelet sees was written here, and no
//! connection to the kubelet carries two calls.

mod answer;
pub mod attacked;
pub mod call;
pub mod guard;
pub mod judge;
pub mod kubelet;
pub mod limits;
mod path;
pub mod ports;
pub mod running;
mod spdy;
mod stream;
mod upgrade;

#[cfg(test)]
mod tests;
