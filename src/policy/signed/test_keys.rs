//! Signers for unit tests.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P521_SHA256_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::bound_policy::DOMAIN;
use super::trust::{TrustedKey, TrustedKeys};

/// When tests take place: 2026-11-21.
pub(crate) const NOW: i64 = 1_795_000_000;

pub(crate) enum Signer {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Signer {
    pub(crate) fn p256() -> Self {
        Self::on(&ECDSA_P256_SHA256_ASN1_SIGNING)
    }

    /// One of each kind but P-384, which cannot be had here with SHA-256.
    pub(crate) fn all() -> Vec<Self> {
        let rsa = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        vec![Self::p256(), Self::on(&ECDSA_P521_SHA256_ASN1_SIGNING), Self::Rsa(rsa)]
    }

    fn on(curve: &'static EcdsaSigningAlgorithm) -> Self {
        Self::Ecdsa(EcdsaKeyPair::generate(curve).unwrap())
    }

    /// SubjectPublicKeyInfo.
    pub(crate) fn public_der(&self) -> Vec<u8> {
        match self {
            Self::Ecdsa(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Rsa(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
        }
    }

    pub(crate) fn key(&self) -> TrustedKey {
        TrustedKey::read("PUBLIC KEY", &self.public_der()).unwrap()
    }

    pub(crate) fn trusted(&self) -> TrustedKeys {
        TrustedKeys::new(vec![self.key()], NOW).unwrap()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// Annotations of the seed's format, as JSON members.
    pub(crate) fn seed_annotations(&self, policy: &str) -> [(String, String); 2] {
        let text = STANDARD.encode(policy);
        let signature = STANDARD.encode(self.sign(text.as_bytes()));
        [("kubelet-proxy.io/policy".into(), text), ("kubelet-proxy.io/signature".into(), signature)]
    }

    /// Annotations of the second format.
    pub(crate) fn bound_annotations(&self, policy: &str) -> [(String, String); 2] {
        let text = STANDARD.encode(policy);
        let signature = STANDARD.encode(self.sign([DOMAIN, &text].concat().as_bytes()));
        [("nodeward.dev/policy".into(), text), ("nodeward.dev/signature".into(), signature)]
    }
}
