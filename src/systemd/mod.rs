//! What systemd gives a service and asks of it: sockets, notifications, the journal, no capabilities.
//!
//! Everything here also works without systemd, where it does less. The only room that touches the
//! process itself; call [`capabilities::drop_all`] and [`listen_fds::inherited`] before any thread.

pub mod capabilities;
pub mod journal;
pub mod listen_fds;
pub mod notify;
