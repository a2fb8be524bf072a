//! One public key: which algorithm it is for, its name, and what it says of a signature.
//!
//! The seed takes any key that Go can read and lets the unusable ones fail at every pod; here these
//! are refused at load. SHA-256 is the seed's for every curve.

use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P521_SHA256_ASN1, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use x509_parser::asn1_rs::{Oid, Tag};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521,
    OID_PKCS1_RSAENCRYPTION, OID_PKCS1_RSASSAPSS, OID_SIG_ED448, OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
use x509_parser::public_key::RSAPublicKey;

use super::SignatureFault;
use super::certificate::{self, Standing, Validity};
use super::refusal::KeyRefusal;
use crate::policy::load::hex_sha256;

/// Hexadecimal digits of a key's identifier: half of the digest would do to tell any keys apart,
/// a quarter does for those that one operator makes.
const ID_DIGITS: usize = 16;

const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// A public key that can verify pod policies.
#[derive(Clone)]
pub struct TrustedKey {
    id: String,
    fingerprint: String,
    family: Family,
    verifier: Arc<ParsedPublicKey>,
    validity: Option<Validity>,
}

/// What the seed's messages tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Ecdsa,
    Rsa,
}

impl TrustedKey {
    /// Reads the first PEM block of a file: its label and its content.
    ///
    /// # Errors
    /// [`KeyRefusal`]: not a key, or one that verifies nothing.
    pub fn read(label: &str, der: &[u8]) -> Result<Self, KeyRefusal> {
        match label {
            "CERTIFICATE" => {
                let (spki, validity) = certificate::read(der)?;
                Self::of_spki(spki, Some(validity))
            }
            "PUBLIC KEY" => Self::of_spki(der, None),
            "RSA PUBLIC KEY" => Self::of_rsa(der, der, None),
            other if other.ends_with("PRIVATE KEY") => Err(KeyRefusal::PrivateKey),
            other => Err(KeyRefusal::OtherBlock(other.to_owned())),
        }
    }

    /// The first 16 hexadecimal digits of the SHA-256 of its SubjectPublicKeyInfo.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When its certificate ends, seconds since 1970; `None` without a certificate.
    pub fn not_after(&self) -> Option<i64> {
        self.validity.map(|validity| validity.not_after)
    }

    /// Does it count at this time?
    pub fn standing(&self, now: i64) -> Standing {
        self.validity.map_or(Standing::Current, |validity| validity.standing(now))
    }

    pub(super) fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        self.verifier.verify_sig(text, signature).is_ok()
    }

    pub(super) fn failed(&self) -> SignatureFault {
        match self.family {
            Family::Ecdsa => SignatureFault::Ecdsa,
            Family::Rsa => SignatureFault::Rsa,
        }
    }

    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// As if it had come in a certificate of this validity.
    #[cfg(test)]
    pub(super) fn set_validity(&mut self, not_before: i64, not_after: i64) {
        self.validity = Some(Validity { not_before, not_after });
    }

    fn of_spki(der: &[u8], validity: Option<Validity>) -> Result<Self, KeyRefusal> {
        let Ok(([], info)) = SubjectPublicKeyInfo::from_der(der) else {
            return Err(KeyRefusal::NotDer("public key"));
        };
        let algorithm = &info.algorithm;
        if algorithm.algorithm == OID_PKCS1_RSAENCRYPTION {
            return Self::of_rsa(&info.subject_public_key.data, der, validity);
        }
        if algorithm.algorithm != OID_KEY_TYPE_EC_PUBLIC_KEY {
            return Err(KeyRefusal::Algorithm(foreign(&algorithm.algorithm)));
        }
        // Parameters spelt out in place of a curve's name have been a way to forge signatures.
        let named = algorithm.parameters.as_ref().filter(|it| it.tag() == Tag::Oid);
        let curve = named.and_then(|it| Oid::try_from(it).ok());
        let curve = curve.ok_or(KeyRefusal::Algorithm("on a curve without a name"))?;
        let verifies: &'static dyn VerificationAlgorithm = if curve == OID_EC_P256 {
            &ECDSA_P256_SHA256_ASN1
        } else if curve == OID_NIST_EC_P384 {
            &ECDSA_P384_SHA256_ASN1
        } else if curve == OID_NIST_EC_P521 {
            &ECDSA_P521_SHA256_ASN1
        } else {
            return Err(KeyRefusal::Algorithm("on another curve (P-224, for instance)"));
        };
        Self::new(Family::Ecdsa, verifies, der, validity)
    }

    /// `numbers` is the RSAPublicKey of RFC 8017; `der` is that or what it stands in.
    fn of_rsa(numbers: &[u8], der: &[u8], validity: Option<Validity>) -> Result<Self, KeyRefusal> {
        let Ok(([], key)) = RSAPublicKey::from_der(numbers) else {
            return Err(KeyRefusal::NotDer("RSA public key"));
        };
        let bits = significant_bits(key.modulus);
        if !RSA_BITS.contains(&bits) {
            return Err(KeyRefusal::RsaLength { bits });
        }
        Self::new(Family::Rsa, &RSA_PKCS1_2048_8192_SHA256, der, validity)
    }

    fn new(
        family: Family,
        algorithm: &'static dyn VerificationAlgorithm,
        der: &[u8],
        validity: Option<Validity>,
    ) -> Result<Self, KeyRefusal> {
        let verifier = ParsedPublicKey::new(algorithm, der).map_err(|_| KeyRefusal::NoKey)?;
        // Written anew, so that a key has one name however its file spells it.
        let info = verifier.as_der().map_err(|_| KeyRefusal::NoKey)?;
        let mut id = hex_sha256(info.as_ref());
        let fingerprint = match validity {
            Some(Validity { not_before, not_after }) => format!("{id} {not_before} {not_after}\n"),
            None => format!("{id}\n"),
        };
        id.truncate(ID_DIGITS);
        Ok(Self { id, fingerprint, family, verifier: Arc::new(verifier), validity })
    }
}

impl std::fmt::Debug for TrustedKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { id, fingerprint: _, family, verifier: _, validity } = self;
        out.debug_struct("TrustedKey")
            .field("id", id)
            .field("family", family)
            .field("validity", validity)
            .finish()
    }
}

/// Names the algorithms that people try.
fn foreign(algorithm: &Oid<'_>) -> &'static str {
    if *algorithm == OID_SIG_ED25519 {
        "an Ed25519 key"
    } else if *algorithm == OID_SIG_ED448 {
        "an Ed448 key"
    } else if *algorithm == OID_PKCS1_RSASSAPSS {
        "an RSA key for PSS alone"
    } else {
        "a key of another algorithm"
    }
}

/// Of a big-endian number.
fn significant_bits(number: &[u8]) -> usize {
    let number = number.iter().skip_while(|byte| **byte == 0);
    let bytes = number.clone().count();
    let unused = number.clone().next().map_or(0, |first| first.leading_zeros());
    bytes.saturating_mul(8).saturating_sub(usize::try_from(unused).unwrap_or(usize::MAX))
}
