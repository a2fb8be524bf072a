//! Phase 6: what a kubelet gets of an answer about pods.
//!
//! [`KubeletBytes`] is the only type that an answer about pods can be made of, and only this room makes
//! it, from decided pods and rebuilt objects. Next in the story: `respond`.

pub(super) mod body;
pub(super) mod kubelet_bytes;
pub(super) mod list;
pub(super) mod watch;

pub use body::FilteredBody;
pub use kubelet_bytes::{KubeletBytes, PodWriter};
