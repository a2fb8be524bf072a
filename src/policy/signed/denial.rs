//! Why a signature does not admit a pod, in the seed's words where the seed has any.
//!
//! The seed's reasons show values of environment variables. Whoever reads a pod's status can read its
//! spec, so they stay there; the node's own records and Events get `SignedDenial::without_values`.

use std::fmt;

use super::seed_match::Mismatch;
use super::trust::SignatureFault;
use crate::policy::verdict::Quoted;

/// Why a pod is not admitted by what it carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedDenial {
    /// The annotation of this name is missing.
    NoPolicy(&'static str),
    /// The annotation of this name is missing.
    NoSignature(&'static str),
    /// More text than the annotations of an honest pod hold.
    TooLarge {
        /// Most bytes that are looked at.
        limit: usize,
    },
    /// The policy is no base64.
    PolicyEncoding,
    /// The policy does not say what a policy must.
    PolicyJson(String),
    /// The signature is no base64.
    SignatureEncoding,
    /// No trusted key made the signature.
    Signature(SignatureFault),
    /// The local policy takes no signed policies of this format.
    Format(&'static str),
    /// The local policy revokes this text.
    Revoked,
    /// The policy is for something else, or for another time.
    Bound(String),
    /// A containers field that the seed looks at.
    Mismatch(Mismatch),
    /// A container that was signed is not in the pod.
    Missing(String),
    /// A field that the seed does not look at: where, what was found, what is permitted.
    Unpermitted(String),
}

/// A denial as the node's own records show it.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) struct WithoutValues<'d>(&'d SignedDenial);

impl SignedDenial {
    /// Does the pod carry no policy at all?
    pub(in crate::policy) fn is_absence(&self) -> bool {
        matches!(self, Self::NoPolicy(_))
    }

    /// For logs, which others than the pod's readers read.
    pub(in crate::policy) fn without_values(&self) -> WithoutValues<'_> {
        WithoutValues(self)
    }

    fn write(&self, out: &mut fmt::Formatter<'_>, shows_values: bool) -> fmt::Result {
        match self {
            Self::NoPolicy(key) => {
                write!(out, "pod policy required but not found (missing annotation: {key})")
            }
            Self::NoSignature(key) => {
                write!(out, "pod signature required but not found (missing annotation: {key})")
            }
            Self::TooLarge { limit } => {
                write!(out, "invalid policy encoding: longer than {limit} bytes")
            }
            Self::PolicyEncoding => out.write_str("invalid policy encoding: must be base64"),
            Self::PolicyJson(problem) => write!(out, "invalid policy JSON: {problem}"),
            Self::SignatureEncoding => out.write_str("invalid signature encoding: must be base64"),
            Self::Signature(fault) => write!(out, "policy signature verification failed: {fault}"),
            Self::Format(key) => {
                write!(out, "signed policies in annotation {key} are not accepted on this node")
            }
            Self::Revoked => out.write_str("the signed policy is revoked on this node"),
            Self::Bound(problem) => write!(out, "signed policy does not apply: {problem}"),
            Self::Mismatch(mismatch) => {
                out.write_str("pod does not match policy: ")?;
                mismatch.write(out, shows_values)
            }
            Self::Missing(name) => {
                let name = Quoted(name);
                write!(
                    out,
                    "pod does not match policy: container '{name}' required by policy but not found in pod"
                )
            }
            Self::Unpermitted(finding) => write!(out, "pod does not match policy: {finding}"),
        }
    }
}

impl fmt::Display for SignedDenial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(out, true)
    }
}

impl fmt::Display for WithoutValues<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(out, false)
    }
}
