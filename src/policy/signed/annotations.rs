//! The annotations that carry a signed policy, and the base64 in them.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::denial::SignedDenial;
use crate::kube_wire::pod::StringMap;

/// Largest text of a policy that is looked at: all annotations of a pod that went through an honest
/// API server have at most this many bytes together (apimachinery `TotalAnnotationSizeLimitB`).
pub(super) const MAX_POLICY_TEXT: usize = 256 * 1024;

/// Where one format of signed policies is found.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) policy: &'static str,
    pub(super) signature: &'static str,
}

/// The seed's format.
pub(super) const SEED: Keys =
    Keys { policy: "kubelet-proxy.io/policy", signature: "kubelet-proxy.io/signature" };

/// Ours, which binds.
pub(super) const BOUND: Keys =
    Keys { policy: "nodeward.dev/policy", signature: "nodeward.dev/signature" };

/// Both annotations of one format, as they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carried<'a> {
    /// The policy's base64 text, which is what is signed.
    pub(super) policy: &'a str,
    /// The signature's base64 text.
    pub(super) signature: &'a str,
}

impl Keys {
    /// Is there anything in this format?
    pub(super) fn are_on(&self, annotations: &StringMap<'_>) -> bool {
        annotations.lookup(self.policy).is_some()
    }

    pub(super) fn find<'a>(
        &self,
        annotations: &StringMap<'a>,
    ) -> Result<Carried<'a>, SignedDenial> {
        let policy = annotations.lookup(self.policy).ok_or(SignedDenial::NoPolicy(self.policy))?;
        let signature =
            annotations.lookup(self.signature).ok_or(SignedDenial::NoSignature(self.signature))?;
        if policy.len() > MAX_POLICY_TEXT {
            return Err(SignedDenial::TooLarge { limit: MAX_POLICY_TEXT });
        }
        Ok(Carried { policy, signature })
    }
}

/// Standard base64 with padding. Line ends are passed over, as Go does: signers who forget
/// `base64 -w0` are served. Bits that no byte uses must be zero. A signature still has several texts,
/// as ECDSA has two signatures for one: nothing may be told apart by the text of one.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text = match text.contains(['\r', '\n']) {
        true => Cow::Owned(text.replace(['\r', '\n'], "")),
        false => Cow::Borrowed(text),
    };
    STANDARD.decode(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_read_as_go_reads_it_but_for_unused_bits() {
        for (text, bytes) in [
            ("aGk=", Some(&b"hi"[..])),
            ("aG\nk=\r\n", Some(b"hi")),
            ("", Some(b"")),
            ("aGl=", None),
            ("aGk", None),
            ("aGk==", None),
            ("aGk= ", None),
            ("a-_=", None),
            ("nodeward.dev/v2 pod policy\naGk=", None),
        ] {
            assert_eq!(decode(text).as_deref(), bytes, "{text:?}");
        }
    }
}
