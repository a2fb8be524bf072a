//! The parsers of this role as bytes from outside meet them: for `fuzz/properties.rs`, which sees the
//! public API alone.

use super::access_review;

/// The answer to a kubelet that asks whom its own API serves, where the one caller that is served showed
/// a certificate of this SHA-256; `None` where nobody is served.
pub fn access_review(guard: Option<&[u8; 32]>, content_type: &str, body: &[u8]) -> Vec<u8> {
    access_review::answer_with(guard, content_type, body)
}
