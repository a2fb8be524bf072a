//! A private key from a PEM file, and signatures as the seed's signers make them.
//!
//! The key is never shown. Every signature is verified with the engine that nodes use before anybody
//! gets it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA256_ASN1_SIGNING,
    EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};

use crate::cli::terminal::complain;
use crate::cli::verb_error::VerbError;
use crate::policy::signed::trust::{TrustedKey, TrustedKeys};
use crate::tls::{Material, private_key_der};

const OTHERS: u32 = 0o077;

/// Always within the validity of a key without a certificate.
const ANY_TIME: i64 = 0;

/// The library signs on this curve with SHA-384 only; nodes verify SHA-256, as the seed has it.
const P384: &str = "a key on P-384; sign with openssl dgst -sha256 -sign, or use one on P-256";

/// A key that signs, and its public half as nodes know it.
pub(super) struct SigningKey {
    pair: Pair,
    public: TrustedKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl SigningKey {
    /// Reads a key file, and warns if others can read it as well.
    pub(super) fn read(path: &Path) -> Result<Self, VerbError> {
        warn_of_readers(path);
        let der = private_key_der(&Material::File(path.to_owned())).map_err(VerbError::bad)?;
        let refused =
            |what: &str| VerbError::BadConfiguration(format!("{}: {what}", path.display()));
        let pair = Pair::read(&der).map_err(refused)?;
        let public = pair.public().ok_or_else(|| refused("has no usable public key"))?;
        let public = TrustedKey::read("PUBLIC KEY", &public)
            .map_err(|refusal| refused(&refusal.to_string()))?;
        Ok(Self { pair, public })
    }

    /// By which nodes know the key.
    pub(super) fn id(&self) -> &str {
        self.public.id()
    }

    /// Signs, and verifies what it signed.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, VerbError> {
        let unsigned = |_| VerbError::Failed("the key does not sign".to_owned());
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ecdsa(key) => key.sign(&random, message).map_err(unsigned)?.as_ref().to_vec(),
            Pair::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(unsigned)?;
                signature
            }
        };
        let keys =
            TrustedKeys::new(vec![self.public.clone()], ANY_TIME).map_err(VerbError::failed)?;
        match keys.vouch_for(message, &signature, ANY_TIME) {
            true => Ok(signature),
            false => Err(VerbError::Failed("the key's own signature does not verify".to_owned())),
        }
    }
}

impl Pair {
    /// SEC 1, PKCS#1 or PKCS#8.
    fn read(der: &[u8]) -> Result<Self, &'static str> {
        for curve in [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P521_SHA256_ASN1_SIGNING] {
            if let Ok(key) = EcdsaKeyPair::from_private_key_der(curve, der) {
                return Ok(Self::Ecdsa(key));
            }
        }
        if EcdsaKeyPair::from_private_key_der(&ECDSA_P384_SHA384_ASN1_SIGNING, der).is_ok() {
            return Err(P384);
        }
        let rsa = RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der));
        rsa.map(Self::Rsa)
            .map_err(|_| "no ECDSA key on P-256 or P-521 and no RSA key from 2048 bits")
    }

    /// SubjectPublicKeyInfo.
    fn public(&self) -> Option<Vec<u8>> {
        let der = match self {
            Self::Ecdsa(key) => key.public_key().as_der(),
            Self::Rsa(key) => key.public_key().as_der(),
        };
        der.ok().map(|der| der.as_ref().to_vec())
    }
}

fn warn_of_readers(path: &Path) {
    let mode = fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode());
    if mode & OTHERS != 0 {
        let (path, mode) = (path.display(), mode & 0o777);
        complain(&format!(
            "warning: {path}: others may read this key (mode {mode:o}); run: chmod 600 {path}"
        ));
    }
}
