//! Phase 6: what a kubelet gets of an answer that is decided on.
//!
//! [`KubeletBytes`] is the only type that such an answer can be made of, and only this room makes
//! it, from admitted and rebuilt objects. Next in the story: `respond`.

pub(super) mod body;
pub(super) mod docket;
pub(super) mod kubelet_bytes;
pub(super) mod list;
pub(super) mod watch;

pub use body::FilteredBody;
pub use kubelet_bytes::{ItemWriter, KubeletBytes};
