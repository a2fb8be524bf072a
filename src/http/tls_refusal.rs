//! Why a connection never became one, in few words that fit a metric label.
//!
//! Sorts what rustls reports; decides nothing. The text of the underlying error goes to debug logs,
//! never to the peer.

use std::io;

use rustls::{CertificateError, Error};

/// Why a connection was refused before its first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The peer presented no certificate although one is required.
    CertificateMissing,
    /// The peer's certificate is expired or not valid yet.
    CertificateOutOfDate,
    /// The peer's certificate is not one that is trusted here.
    CertificateUntrusted,
    /// The peer went away, or the connection broke.
    Closed,
    /// No common version, cipher suite or application protocol.
    Incompatible,
    /// The bytes are not TLS, for instance plain HTTP.
    NotTls,
    /// The peer rejected our certificate, or ended the handshake with another alert.
    RejectedByPeer,
    /// The handshake did not end in time.
    TimedOut,
    /// All places for connections are taken.
    TooManyConnections,
    /// The handshake succeeded, but this caller is not one that is served.
    Uninvited,
}

impl Refusal {
    /// Every value, for tables and for metrics that start at zero.
    pub const ALL: [Self; 10] = [
        Self::CertificateMissing,
        Self::CertificateOutOfDate,
        Self::CertificateUntrusted,
        Self::Closed,
        Self::Incompatible,
        Self::NotTls,
        Self::RejectedByPeer,
        Self::TimedOut,
        Self::TooManyConnections,
        Self::Uninvited,
    ];

    /// The value of the metric label `reason`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CertificateMissing => "certificate_missing",
            Self::CertificateOutOfDate => "certificate_out_of_date",
            Self::CertificateUntrusted => "certificate_untrusted",
            Self::Closed => "closed",
            Self::Incompatible => "incompatible",
            Self::NotTls => "not_tls",
            Self::RejectedByPeer => "rejected_by_peer",
            Self::TimedOut => "timed_out",
            Self::TooManyConnections => "too_many_connections",
            Self::Uninvited => "uninvited",
        }
    }

    /// Sorts what a TLS handshake ended with.
    pub fn of_handshake(error: &io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            None => Self::Closed,
            Some(Error::NoCertificatesPresented) => Self::CertificateMissing,
            Some(Error::InvalidCertificate(fault)) => Self::of_certificate(fault),
            Some(Error::InvalidMessage(_)) => Self::NotTls,
            Some(Error::AlertReceived(_)) => Self::RejectedByPeer,
            Some(_) => Self::Incompatible,
        }
    }

    fn of_certificate(fault: &CertificateError) -> Self {
        let is_about_time = matches!(
            fault,
            CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. }
        );
        if is_about_time { Self::CertificateOutOfDate } else { Self::CertificateUntrusted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_reason_has_a_label_of_its_own() {
        let labels: HashSet<_> = Refusal::ALL.into_iter().map(Refusal::as_str).collect();
        assert_eq!(labels.len(), Refusal::ALL.len());
    }

    #[test]
    fn rustls_errors_are_sorted_by_what_an_operator_would_do_about_them() {
        let cases = [
            (Error::NoCertificatesPresented, Refusal::CertificateMissing),
            (CertificateError::Expired.into(), Refusal::CertificateOutOfDate),
            (CertificateError::NotValidYet.into(), Refusal::CertificateOutOfDate),
            (CertificateError::UnknownIssuer.into(), Refusal::CertificateUntrusted),
            (
                CertificateError::ApplicationVerificationFailure.into(),
                Refusal::CertificateUntrusted,
            ),
            (rustls::InvalidMessage::InvalidContentType.into(), Refusal::NotTls),
            (
                Error::AlertReceived(rustls::AlertDescription::BadCertificate),
                Refusal::RejectedByPeer,
            ),
            (rustls::PeerIncompatible::NoCipherSuitesInCommon.into(), Refusal::Incompatible),
        ];
        for (error, expected) in cases {
            let shown = format!("{error:?}");
            let wrapped = io::Error::new(io::ErrorKind::InvalidData, error);
            assert_eq!(Refusal::of_handshake(&wrapped), expected, "{shown}");
        }
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(Refusal::of_handshake(&reset), Refusal::Closed);
    }
}
