//! A throw-away PKI: authorities, and the certificates they sign for servers and clients.
//!
//! Keys are P-256 and live as long as the test. Nothing here judges a certificate: whether an
//! expired or foreign one is refused is what the tests ask the program.

use std::fs::{OpenOptions, rename};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

/// A certification authority with a key of its own.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its private key, both PEM.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

/// Where an [`Identity`] was written.
#[derive(Clone)]
pub(crate) struct IdentityFiles {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// When a certificate counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Validity {
    Current,
    Expired,
    NotYet,
    /// Still valid for a day of many years: those who renew certificates do it now.
    Ending,
}

impl Authority {
    /// An authority called `name`. Two of the same name have different keys: each is the other's
    /// impostor.
    pub(crate) fn new(name: &str) -> Self {
        let mut params = subject(name, None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::CrlSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        limit(&mut params, Validity::Current);
        let key = KeyPair::generate().expect("key of an authority");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("self-signed authority") }
    }

    /// The authority's own certificate, PEM.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The authority's private key, PEM, for another signer that is to act in its name.
    pub(crate) fn key_pem(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// A server certificate whose subject alternative names are `names`: IP addresses or DNS names.
    pub(crate) fn server(&self, names: &[&str]) -> Identity {
        self.server_valid(names, Validity::Current)
    }

    /// [`Authority::server`] with a validity of the caller's choice.
    pub(crate) fn server_valid(&self, names: &[&str], validity: Validity) -> Identity {
        let mut params = subject(names.first().copied().unwrap_or("server"), None);
        let listed = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        params.subject_alt_names =
            CertificateParams::new(listed).expect("subject alternative names").subject_alt_names;
        self.sign(params, ExtendedKeyUsagePurpose::ServerAuth, validity)
    }

    /// A client certificate for common name `name` in `organization` (to Kubernetes: user and group).
    pub(crate) fn client(&self, name: &str, organization: Option<&str>) -> Identity {
        self.client_valid(name, organization, Validity::Current)
    }

    /// [`Authority::client`] with a validity of the caller's choice.
    pub(crate) fn client_valid(
        &self,
        name: &str,
        organization: Option<&str>,
        validity: Validity,
    ) -> Identity {
        self.sign(subject(name, organization), ExtendedKeyUsagePurpose::ClientAuth, validity)
    }

    fn sign(
        &self,
        mut params: CertificateParams,
        usage: ExtendedKeyUsagePurpose,
        validity: Validity,
    ) -> Identity {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        limit(&mut params, validity);
        let key = KeyPair::generate().expect("key of a leaf");
        let certificate = params.signed_by(&key, &self.issuer).expect("signed leaf");
        Identity { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

impl Identity {
    /// Writes `NAME.crt` and `NAME.key` into `dir`, in place of what is there.
    pub(crate) fn write(&self, dir: &Path, name: &str) -> IdentityFiles {
        IdentityFiles {
            certificate: write_private(dir, &format!("{name}.crt"), &self.certificate),
            key: write_private(dir, &format!("{name}.key"), &self.key),
        }
    }

    /// Writes certificate and key into the one file `NAME.pem`, as a kubelet keeps its own.
    pub(crate) fn write_bundle(&self, dir: &Path, name: &str) -> PathBuf {
        write_private(dir, &format!("{name}.pem"), &format!("{}{}", self.certificate, self.key))
    }
}

/// Writes a file that only its owner can read. It appears whole or not at all: whoever rotates
/// certificates on disk replaces files, and a reader between two writes is not what is tested.
pub(crate) fn write_private(dir: &Path, name: &str, content: &str) -> PathBuf {
    const OWNER_ONLY: u32 = 0o600;
    let path = dir.join(name);
    let unfinished = dir.join(format!(".{name}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(OWNER_ONLY)
        .open(&unfinished)
        .unwrap_or_else(|error| panic!("{}: {error}", unfinished.display()));
    file.write_all(content.as_bytes()).expect("write to a temporary directory");
    rename(&unfinished, &path).expect("rename within a temporary directory");
    path
}

fn subject(name: &str, organization: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(organization) = organization {
        params.distinguished_name.push(DnType::OrganizationName, organization);
    }
    params
}

#[allow(clippy::arithmetic_side_effects, reason = "days near today do not overflow")]
fn limit(params: &mut CertificateParams, validity: Validity) {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    let since_epoch = UNIX_EPOCH.elapsed().expect("a clock that is past 1970");
    let now = date_time_ymd(1970, 1, 1) + since_epoch;
    let (long_ago, far_away) = (date_time_ymd(2020, 1, 1), date_time_ymd(2099, 1, 1));
    (params.not_before, params.not_after) = match validity {
        Validity::Current => (long_ago, far_away),
        Validity::Expired => (long_ago, now - DAY),
        Validity::NotYet => (now + DAY, far_away),
        Validity::Ending => (long_ago, now + DAY),
    };
}
