//! What a certificate says about its key: until when it counts, and for what.
//!
//! Nobody vouches for the certificate but the operator who named its file, hence its own signature
//! is not looked at: a self-signed one is as good as any.

use x509_parser::prelude::{FromDer, X509Certificate};

use super::refusal::KeyRefusal;

/// Seconds since 1970, both included, as RFC 5280 (4.1.2.5) has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Validity {
    pub(super) not_before: i64,
    pub(super) not_after: i64,
}

/// How a key stands at some time. Times are seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It counts.
    Current,
    /// It will count from this time on.
    NotYet(i64),
    /// It counted until this time.
    Ended(i64),
}

impl Standing {
    /// Does it count?
    pub fn is_current(self) -> bool {
        self == Self::Current
    }

    /// The end of a sentence about the certificate.
    pub fn told(self) -> String {
        let (words, seconds) = match self {
            Self::Current => return "is valid".to_owned(),
            Self::NotYet(from) => ("is not valid before", from),
            Self::Ended(at) => ("expired at", at),
        };
        jiff::Timestamp::from_second(seconds)
            .map_or_else(|_| format!("{words} {seconds}"), |time| format!("{words} {time}"))
    }
}

impl Validity {
    pub(super) fn standing(self, now: i64) -> Standing {
        if now < self.not_before {
            Standing::NotYet(self.not_before)
        } else if now > self.not_after {
            Standing::Ended(self.not_after)
        } else {
            Standing::Current
        }
    }
}

/// The key's SubjectPublicKeyInfo inside a certificate, and when it counts.
pub(super) fn read(der: &[u8]) -> Result<(&[u8], Validity), KeyRefusal> {
    let Ok(([], certificate)) = X509Certificate::from_der(der) else {
        return Err(KeyRefusal::NotDer("certificate"));
    };
    let usage = certificate.extended_key_usage().map_err(|_| KeyRefusal::NotDer("certificate"))?;
    if usage.is_some_and(|usage| !usage.value.code_signing && !usage.value.any) {
        return Err(KeyRefusal::Usage);
    }
    let validity = certificate.validity();
    let validity = Validity {
        not_before: validity.not_before.timestamp(),
        not_after: validity.not_after.timestamp(),
    };
    Ok((certificate.tbs_certificate.subject_pki.raw, validity))
}
