//! Whose signatures count: public keys of files that the operator trusts as much as the policy.
//!
//! Reading a key is strict, for a key that can never verify anything would deny every pod only once
//! the first one comes. A certificate counts within its validity alone, looked at when the key is
//! loaded and again at each decision. Files and PEM are the caller's; this room gets what was in them.

mod certificate;
mod key;
mod refusal;
#[cfg(test)]
mod tests;

use crate::policy::load::hex_sha256;

pub use certificate::Standing;
pub use key::TrustedKey;
pub use refusal::KeyRefusal;

/// More files than any rotation needs; a bad signature is tried against every one.
const MAX_KEYS: usize = 16;

/// At least one key.
#[derive(Clone, Debug)]
pub struct TrustedKeys {
    keys: Vec<TrustedKey>,
}

/// Why no key vouches for a text, in the seed's words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureFault {
    /// The key is one on an elliptic curve.
    #[error("ECDSA signature verification failed")]
    Ecdsa,
    /// The key is an RSA key.
    #[error("crypto/rsa: verification error")]
    Rsa,
    /// The signature is good, the certificate no longer or not yet.
    #[error("the certificate of key {id} {}", .standing.told())]
    Lapsed {
        /// Of the key that made the signature.
        id: String,
        /// How it stands now.
        standing: Standing,
    },
}

impl TrustedKeys {
    /// Takes keys in the order in which they were named.
    ///
    /// # Errors
    /// None of them counts now, there are none or too many.
    pub fn new(keys: Vec<TrustedKey>, now: i64) -> Result<Self, KeyRefusal> {
        if keys.len() > MAX_KEYS {
            return Err(KeyRefusal::TooMany { limit: MAX_KEYS });
        }
        if keys.iter().any(|key| key.standing(now).is_current()) {
            return Ok(Self { keys });
        }
        match keys.first() {
            Some(first) => Err(KeyRefusal::Lapsed(first.standing(now))),
            None => Err(KeyRefusal::None),
        }
    }

    /// The keys, in the order in which they were named.
    pub fn iter(&self) -> impl Iterator<Item = &TrustedKey> {
        self.keys.iter()
    }

    /// Tells sets of keys apart: SHA-256 over the keys and their validities, in order.
    pub fn digest(&self) -> String {
        let fingerprints: String = self.keys.iter().map(TrustedKey::fingerprint).collect();
        hex_sha256(fingerprints.as_bytes())
    }

    /// Did one of the keys make this signature over this text?
    pub fn vouch_for(&self, text: &[u8], signature: &[u8], now: i64) -> bool {
        self.verify(text, signature, now).is_ok()
    }

    /// The key that made this signature over this text and counts now. One key may be here twice: in
    /// the certificate that ends and in the one that follows it.
    pub(in crate::policy) fn verify(
        &self,
        text: &[u8],
        signature: &[u8],
        now: i64,
    ) -> Result<&TrustedKey, SignatureFault> {
        let mut fault = None;
        for key in &self.keys {
            let found = match (key.verifies(text, signature), key.standing(now)) {
                (true, standing) if standing.is_current() => return Ok(key),
                (true, standing) => SignatureFault::Lapsed { id: key.id().to_owned(), standing },
                (false, _) if fault.is_none() => key.failed(),
                (false, _) => continue,
            };
            fault = Some(found);
        }
        Err(fault.unwrap_or(SignatureFault::Ecdsa))
    }
}
