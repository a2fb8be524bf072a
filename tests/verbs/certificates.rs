//! `gen-certificates`: what it writes, and that the proxy takes it and nothing else.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

use crate::proxy::Proxy;
use crate::{PATIENCE, ask, refused, text};

const ALL: [&str; 6] =
    ["client-ca.crt", "kubelet.crt", "kubelet.key", "serving-ca.crt", "serving.crt", "serving.key"];

/// Certificates of a node, in a directory that the verb makes.
pub(crate) fn made(node: &str) -> (TempDir, PathBuf) {
    let directory = TempDir::new().unwrap();
    let into = directory.path().join("certificates");
    let (code, _, stderr) =
        ask(&["gen-certificates", "--node-name", node, "--directory", text(&into)]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    (directory, into)
}

fn written(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn files_are_their_owner_s_alone_and_the_authority_s_key_is_not_among_them() {
    let (_keep, directory) = made("a");
    assert_eq!(written(&directory), ALL);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o755);
    let mut keys = 0;
    for name in ALL {
        let path = directory.join(name);
        assert_eq!(mode(&path), 0o600, "{name}");
        keys += fs::read_to_string(&path).unwrap().matches("PRIVATE KEY-----\n").count() / 2;
    }
    assert_eq!(keys, 2, "serving.key and kubelet.key");
}

#[test]
fn nothing_is_overwritten_unless_asked() {
    let (_keep, directory) = made("a");
    fs::remove_file(directory.join("serving.key")).unwrap();
    let read = || ALL.map(|name| fs::read(directory.join(name)).ok());
    let before = read();
    let words = ["gen-certificates", "--node-name", "b", "--directory", text(&directory)];
    refused(&ask(&words), 1, "serving-ca.crt: is there already; replace it with --force");
    assert_eq!(read(), before);
    let (code, stdout, _) = ask(&[words.as_slice(), &["--force"]].concat());
    assert_eq!((code, stdout.lines().count()), (0, 6), "{stdout}");
    assert!(read().iter().zip(before).all(|(now, before)| now.is_some() && *now != before));
}

#[test]
fn names_that_no_node_has_and_days_that_no_calendar_has_are_usage_errors() {
    for (name, days) in
        [("system:node:a", "1"), ("A", "1"), ("", "1"), ("a\n", "1"), ("a", "0"), ("a", "65536")]
    {
        let words = ["gen-certificates", "--directory", "/nonexistent/d", "--node-name", name];
        let (code, _, stderr) = ask(&[words.as_slice(), &["--days", days]].concat());
        assert_eq!(code, 64, "{name:?} {days}: {stderr}");
    }
    let words = ["gen-certificates", "--directory", "/nonexistent/d", "--serving-only"];
    for address in ["0.0.0.0", "::", "localhost"] {
        let (code, _, stderr) = ask(&[words.as_slice(), &["--listen-address", address]].concat());
        assert_eq!(code, 64, "{address}: {stderr}");
    }
}

#[test]
fn a_kubelet_with_a_certificate_of_its_own_needs_the_serving_pair_only() {
    let directory = TempDir::new().unwrap();
    let words = ["gen-certificates", "--serving-only", "--directory", text(directory.path())];
    assert_eq!(ask(&words).0, 0);
    assert_eq!(written(directory.path()), ["serving-ca.crt", "serving.crt", "serving.key"]);
}

/// The status line that a client with these files gets, or how the handshake failed.
fn first_line(proxy: &Proxy, name: &str, ca: &Path, pair: Option<(&Path, &Path)>) -> String {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match pair {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => config
            .with_client_auth_cert(
                vec![CertificateDer::from_pem_file(certificate).unwrap()],
                PrivateKeyDer::from_pem_file(key).unwrap(),
            )
            .unwrap(),
    };
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let tcp = TcpStream::connect(proxy.address).unwrap();
    tcp.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = StreamOwned::new(connection, tcp);
    let request = "GET /api/v1/nodes/a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut answer = Vec::new();
    let exchanged = stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_end(&mut answer).map(drop));
    match (exchanged, String::from_utf8_lossy(&answer).lines().next()) {
        (_, Some(line)) => line.to_owned(),
        (Err(error), None) => error.to_string(),
        (Ok(()), None) => "closed without a word".to_owned(),
    }
}

#[test]
fn the_proxy_serves_exactly_the_kubelet_that_was_given_a_certificate() {
    let (_keep, own) = made("a");
    let (_keep_too, foreign) = made("a");
    let (_keep_three, other) = made("b");
    let proxy = Proxy::start(&own, "a");
    let ca = own.join("serving-ca.crt");
    let (certificate, key) = (own.join("kubelet.crt"), own.join("kubelet.key"));
    // Nothing listens upstream, so 502 is the answer to a caller who was let in.
    for name in ["127.0.0.1", "::1", "localhost"] {
        let line = first_line(&proxy, name, &ca, Some((&certificate, &key)));
        assert_eq!(line, "HTTP/1.1 502 Bad Gateway", "{name}");
    }
    let wrong_name = first_line(&proxy, "192.0.2.7", &ca, Some((&certificate, &key)));
    assert!(wrong_name.contains("not valid for name"), "{wrong_name}");
    let wrong_ca = foreign.join("serving-ca.crt");
    let wrong_ca = first_line(&proxy, "localhost", &wrong_ca, Some((&certificate, &key)));
    assert!(wrong_ca.contains("invalid peer certificate"), "{wrong_ca}");
    for (whose, pair) in [
        ("nobody's", None),
        ("another node's", Some((other.join("kubelet.crt"), other.join("kubelet.key")))),
        ("a second authority's", Some((foreign.join("kubelet.crt"), foreign.join("kubelet.key")))),
        ("the server's own", Some((own.join("serving.crt"), own.join("serving.key")))),
    ] {
        let pair = pair.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()));
        let line = first_line(&proxy, "localhost", &ca, pair);
        assert!(line.contains("received fatal alert"), "{whose}: {line}");
    }
}

#[test]
fn another_address_can_be_served_on() {
    let directory = TempDir::new().unwrap();
    let into = text(directory.path());
    let words = ["gen-certificates", "--node-name", "a", "--listen-address", "192.0.2.7"];
    assert_eq!(ask(&[words.as_slice(), &["--directory", into]].concat()).0, 0);
    let proxy = Proxy::start(directory.path(), "a");
    let file = |name: &str| directory.path().join(name);
    let pair = (file("kubelet.crt"), file("kubelet.key"));
    let pair = Some((pair.0.as_path(), pair.1.as_path()));
    let line = first_line(&proxy, "192.0.2.7", &file("serving-ca.crt"), pair);
    assert_eq!(line, "HTTP/1.1 502 Bad Gateway");
}
