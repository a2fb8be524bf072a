//! Certificates for the unit tests of this crate: one authority, what it signs, on loopback names.
//!
//! Nothing here is compiled into the program.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair as Key, KeyUsagePurpose,
};

use super::{KeyPair, Material};

pub(crate) struct Authority {
    pub(crate) certificate_pem: String,
    issuer: Issuer<'static, Key>,
}

pub(crate) struct Issued {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let key = Key::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(&[name]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate_pem = params.self_signed(&key).unwrap().pem();
        Self { certificate_pem, issuer: Issuer::new(params, key) }
    }

    pub(crate) fn issue(&self, name: &str) -> Issued {
        self.issue_with_names(&[name])
    }

    pub(crate) fn issue_with_names(&self, names: &[&str]) -> Issued {
        let key = Key::generate().unwrap();
        let mut params =
            CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        params.distinguished_name = subject(names);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        let certificate_pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Issued { certificate_pem, key_pem: key.serialize_pem() }
    }

    pub(crate) fn material(&self) -> Material {
        Material::inline("ca", self.certificate_pem.clone().into_bytes())
    }
}

impl Issued {
    pub(crate) fn pair(&self) -> KeyPair {
        KeyPair {
            certificate: Material::inline("certificate", self.certificate_pem.clone().into_bytes()),
            key: Material::inline("key", self.key_pem.clone().into_bytes()),
        }
    }
}

fn subject(names: &[&str]) -> DistinguishedName {
    // rcgen keeps one value a type, so a second common name goes in under a custom OID of CN.
    let mut subject = DistinguishedName::new();
    let mut names = names.iter();
    if let Some(first) = names.next() {
        subject.push(DnType::CommonName, *first);
    }
    if let Some(second) = names.next() {
        subject.push(DnType::CustomDnType(vec![2, 5, 4, 3]), *second);
    }
    subject
}
