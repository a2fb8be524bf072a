//! Certificates for the two ends of one connection: a kubelet and the proxy beside it.
//!
//! They are signed by an authority that lives as long as the call: its key is never written, so nobody
//! can sign a third. Files are the caller's. Invariant: a certificate is good for one end only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, SanType, date_time_ymd,
};

/// What Kubernetes calls a node's user and group.
const NODE_USER_PREFIX: &str = "system:node:";
const NODE_GROUP: &str = "system:nodes";

/// A certificate and its key, PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

/// An authority without a future.
pub struct PassingAuthority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    validity: Validity,
}

/// Nothing could be signed: no randomness, or days beyond the calendar.
#[derive(Debug, thiserror::Error)]
#[error("cannot make certificates: {0}")]
pub struct IssueError(String);

/// From yesterday, for clocks that are not set yet.
#[derive(Clone, Copy)]
struct Validity {
    not_before: Date,
    not_after: Date,
}

impl PassingAuthority {
    /// An authority for this node; all it signs is valid for `days` from today.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn new(days: u16) -> Result<Self, IssueError> {
        let validity = Validity::from_today(days).map_err(failed)?;
        let mut params = subject("kubelet-proxy authority of one node", None);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        validity.limit(&mut params);
        let issuer = CertifiedIssuer::self_signed(params, new_key()?).map_err(failed)?;
        Ok(Self { issuer, validity })
    }

    /// The authority's certificate, PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// For the proxy: loopback, and one more address if it listens there.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn server(&self, listen_address: Option<IpAddr>) -> Result<Issued, IssueError> {
        let mut params = subject("kubelet-proxy", None);
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        let further = listen_address.filter(|address| !loopback.contains(address));
        params.subject_alt_names =
            loopback.into_iter().chain(further).map(SanType::IpAddress).collect();
        let name = Ia5String::try_from("localhost").map_err(failed)?;
        params.subject_alt_names.push(SanType::DnsName(name));
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// For the kubelet: named as the API server would name it.
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn kubelet(&self, node_name: &str) -> Result<Issued, IssueError> {
        let params = subject(&format!("{NODE_USER_PREFIX}{node_name}"), Some(NODE_GROUP));
        self.sign(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
    ) -> Result<Issued, IssueError> {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        self.validity.limit(&mut params);
        let key = new_key()?;
        let certificate = params.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Validity {
    fn from_today(days: u16) -> Result<Self, jiff::Error> {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let not_before = today.checked_sub(1.day())?;
        let not_after = today.checked_add(i64::from(days).days())?;
        Ok(Self { not_before, not_after })
    }

    fn limit(self, params: &mut CertificateParams) {
        // A day that is none would panic, and a `Date` is always one.
        let midnight = |date: Date| {
            let of_calendar = |number: i8| u8::try_from(number).unwrap_or(1);
            date_time_ymd(
                i32::from(date.year()),
                of_calendar(date.month()),
                of_calendar(date.day()),
            )
        };
        params.not_before = midnight(self.not_before);
        params.not_after = midnight(self.not_after);
    }
}

fn subject(name: &str, organization: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organization) = organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params
}

fn new_key() -> Result<KeyPair, IssueError> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed)
}

fn failed(error: impl ToString) -> IssueError {
    IssueError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{ClientRule, KeyPair as Pair, Material, ServerTls, ServerTrust, client_tls};

    fn material(text: &str) -> Material {
        Material::inline("issued", text.as_bytes().to_vec())
    }

    fn pair(issued: &Issued) -> Pair {
        Pair { certificate: material(&issued.certificate), key: material(&issued.key) }
    }

    #[test]
    fn the_proxy_takes_what_was_issued_for_it() {
        let authority = PassingAuthority::new(30).unwrap();
        let server = authority.server(Some([192, 0, 2, 7].into())).unwrap();
        let rule = ClientRule {
            ca: material(&authority.certificate()),
            common_names: vec!["system:node:a".to_owned()],
        };
        let tls = ServerTls::load(pair(&server), Some(rule)).unwrap();
        let left = tls.not_after_seconds() - Timestamp::now().as_second();
        assert!((29 * 86_400..=30 * 86_400).contains(&left), "{left} s");
        let kubelet = authority.kubelet("a").unwrap();
        let trust = ServerTrust::Roots(material(&authority.certificate()));
        let client = client_tls(&trust, Some(&pair(&kubelet))).unwrap();
        assert_eq!(client.identity.unwrap().common_name.as_deref(), Some("system:node:a"));
    }

    #[test]
    fn the_longest_validity_is_within_the_calendar() {
        assert!(PassingAuthority::new(u16::MAX).is_ok());
    }
}
