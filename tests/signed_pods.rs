//! Signatures that others make: Go's library, OpenSSL, and a signing server like the seed's.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "support/go.rs"]
mod go;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nodeward::kubelet_proxy::verification_key;
use nodeward::policy::signed::trust::{TrustedKey, TrustedKeys};
use serde::Deserialize;
use support::signing_server::SigningServer;
use tempfile::TempDir;

/// The seed's own vector: the text of an annotation, which is what is signed.
const TEXT: &str = "W3sibmFtZSI6InRlc3QiLCJwcm9wZXJ0aWVzIjp7ImNvbW1hbmQiOltdLCJlbnZpcm9ubWVudFZhcmlhYmxlcyI6W10sImltYWdlIjoibmdpbng6bGF0ZXN0Iiwidm9sdW1lTW91bnRzIjpbXX19XQ==";

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn key(pem: &str) -> TrustedKey {
    verification_key::read(Path::new("key.pem"), pem.as_bytes()).unwrap()
}

/// The key made the signature over [`TEXT`], and over nothing that differs in one bit.
#[track_caller]
fn vouches(pem: &str, signature: &[u8]) {
    let keys = TrustedKeys::new(vec![key(pem)], now()).unwrap();
    assert!(keys.vouch_for(TEXT.as_bytes(), signature, now()), "{pem}");
    for bit in 0..8 {
        let mut text = TEXT.as_bytes().to_vec();
        text[7] ^= 1 << bit;
        assert!(!keys.vouch_for(&text, signature, now()), "{pem}");
        for at in [0, signature.len() / 2, signature.len() - 1] {
            let mut signature = signature.to_vec();
            signature[at] ^= 1 << bit;
            assert!(!keys.vouch_for(TEXT.as_bytes(), &signature, now()), "{pem}");
        }
    }
}

#[derive(Deserialize)]
struct GoSigned {
    key: String,
    signature: String,
}

#[test]
fn signatures_of_go_are_verified() {
    let signer = go::build("signer", None, "signer");
    let mut child =
        Command::new(signer).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(TEXT.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let kinds: BTreeMap<String, GoSigned> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(kinds.len(), 9, "{:?}", kinds.keys());
    for GoSigned { key, signature } in kinds.values() {
        vouches(key, &STANDARD.decode(signature).unwrap());
    }
    assert_eq!(key(&kinds["RSA"].key).id(), key(&kinds["RSA PKCS#1"].key).id());
}

/// Runs openssl in a directory of its own.
fn openssl(directory: &TempDir, words: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(words).current_dir(directory).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {words:?}: {complaint}");
    output.stdout
}

#[test]
fn signatures_of_openssl_are_verified_and_keys_have_the_documented_identifier() {
    let directory = TempDir::new().unwrap();
    let file = |name: &str| directory.path().join(name);
    fs::write(file("text"), TEXT).unwrap();
    for options in [
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"] as &[&str],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
    ] {
        openssl(&directory, &[&["genpkey", "-out", "key"], options].concat());
        let signature = openssl(&directory, &["dgst", "-sha256", "-sign", "key", "text"]);
        let public = openssl(&directory, &["pkey", "-in", "key", "-pubout"]);
        let public = String::from_utf8(public).unwrap();
        vouches(&public, &signature);
        let der = openssl(&directory, &["pkey", "-in", "key", "-pubout", "-outform", "DER"]);
        fs::write(file("spki"), der).unwrap();
        let digest = openssl(&directory, &["dgst", "-sha256", "-r", "spki"]);
        assert_eq!(key(&public).id().as_bytes(), &digest[..16]);
        let subject = ["-subj", "/CN=signer", "-days", "2"];
        let certificate =
            openssl(&directory, &[&["req", "-x509", "-key", "key"], &subject[..]].concat());
        vouches(&String::from_utf8(certificate).unwrap(), &signature);
    }
}

#[test]
fn only_the_first_pem_block_of_a_file_counts() {
    let directory = TempDir::new().unwrap();
    let keys = ["a", "b"].map(|name| {
        openssl(&directory, &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name]);
        String::from_utf8(openssl(&directory, &["pkey", "-in", name, "-pubout"])).unwrap()
    });
    let both = format!("# the first one\n{}{}", keys[0], keys[1]);
    assert_eq!(key(&both).id(), key(&keys[0]).id());
    let private = fs::read_to_string(directory.path().join("a")).unwrap();
    for (content, expected) in [
        (private.as_str(), "key.pem: holds a private key, which no node needs"),
        ("", "key.pem: no PEM found"),
        (&keys[0][..80], "key.pem: not valid PEM"),
    ] {
        let refusal = verification_key::read(Path::new("key.pem"), content.as_bytes());
        let refusal = refusal.unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{refusal}");
    }
}

#[test]
fn the_signing_server_answers_as_the_seeds_does() {
    let server = SigningServer::start(false);
    for (method, path, body, expected) in [
        ("GET", "/health", "", (200, "ok")),
        ("POST", "/sign", "{}", (412, r#"{"error":"keys not generated"}"#)),
        ("GET", "/signingcert", "", (412, r#"{"error":"keys not generated"}"#)),
        ("GET", "/generatekeys", "", (405, r#"{"error":"method not allowed"}"#)),
        ("POST", "/generatekeys", "", (200, r#"{"status":"keys generated"}"#)),
        ("POST", "/generatekeys", "", (200, r#"{"status":"keys already generated"}"#)),
        ("GET", "/sign", "", (405, r#"{"error":"method not allowed"}"#)),
        ("POST", "/sign", "no", (400, r#"{"error":"invalid JSON request"}"#)),
        ("POST", "/sign", "{}", (400, r#"{"error":"payload is required"}"#)),
        ("POST", "/signingcert", "", (405, r#"{"error":"method not allowed"}"#)),
    ] {
        let (status, body) = server.ask(method, path, body);
        assert_eq!((status, body.as_str()), expected, "{method} {path}");
    }
    vouches(&server.certificate(), &STANDARD.decode(server.sign(TEXT)).unwrap());
    assert_ne!(SigningServer::start(true).certificate(), server.certificate());
}
