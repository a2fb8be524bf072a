//! Decision records: what was decided on which pod, by which rule of which policy, and how to log it.
//!
//! A record never holds environment values. Everything in it that the control plane chose is
//! escaped and cut to length first, so a pod's name can neither forge a line nor fill a disk.

pub mod call_record;
pub mod escape;
pub mod object_record;
pub mod record;
pub mod redact;
pub mod turns;
