//! What systemd gives a service and asks of it: sockets, notifications, the journal, and a
//! measurement of what runs.
//!
//! Everything here also works without systemd, where it does less. Call [`listen_fds::inherited`] before
//! any thread.

pub mod journal;
pub mod listen_fds;
pub mod measurement;
pub mod notify;
pub mod pcr_extend;
