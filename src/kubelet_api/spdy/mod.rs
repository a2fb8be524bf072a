//! SPDY/3.1 as a port-forward speaks it, read so far that its ports are known.
//!
//! The ports of a port-forward are not in the request: each stream names one in its header, compressed
//! against everything sent before (`PortHeader` in `k8s.io/api/core/v1`). So what the caller sends is
//! read frame by frame, and what the kubelet gets is **written anew**: readers that differ in a length
//! or in a compressed bit cannot be played against each other. What comes back from the kubelet names
//! no ports and passes as it is. Frames that no port-forward needs end the stream.

mod dictionary;
mod frame;
mod gate;
mod header_block;

pub(super) use gate::{GateFault, PortGate};
