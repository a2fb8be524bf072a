//! Why a file is no key to trust, told to the operator who named it. The caller adds the file.

use super::certificate::Standing;

/// What keys are taken, for messages.
const TAKEN: &str =
    "make an ECDSA key on P-256, P-384 or P-521, or an RSA key of 2048 bits or more";

/// A key that is not taken. No message holds key material.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// A PEM block of another kind comes first.
    #[error(
        "begins with a PEM block {}; give a CERTIFICATE, a PUBLIC KEY or an RSA PUBLIC KEY",
        .0.escape_debug()
    )]
    OtherBlock(String),
    /// A private key was given where its public part is needed.
    #[error(
        "holds a private key, which no node needs; give the public one \
         (openssl pkey -in FILE -pubout) and take this one away"
    )]
    PrivateKey,
    /// The content of the PEM block is not what its label says.
    #[error("the content of the PEM block is no {0}; is the file complete?")]
    NotDer(&'static str),
    /// An algorithm that verifies no pod policy.
    #[error("is {0}, which verifies no pod policy; {TAKEN}")]
    Algorithm(&'static str),
    /// An RSA key of another length than 2048 to 8192 bits.
    #[error("is an RSA key of {bits} bits; {TAKEN} (8192 at most)")]
    RsaLength {
        /// Of its modulus.
        bits: usize,
    },
    /// Well-formed, but no key (a point that is not on the curve, an even modulus).
    #[error("holds numbers that make no key; export it again")]
    NoKey,
    /// The certificate says that it is for something else.
    #[error(
        "the certificate's extended key usage does not include code signing; \
         issue one with codeSigning, or without the extension"
    )]
    Usage,
    /// No key counts at present; this is how the first one stands.
    #[error("the certificate {}; give one that is valid now (is the clock right?)", .0.told())]
    Lapsed(Standing),
    /// More keys than a rotation needs.
    #[error("more than {limit} keys; take away those that sign nothing any more")]
    TooMany {
        /// Most that are taken.
        limit: usize,
    },
    /// No key at all.
    #[error("no key is given; name at least one file")]
    None,
}
