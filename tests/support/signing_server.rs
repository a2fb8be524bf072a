//! A signing server as the seed ships one for its tests: it signs anything for anyone.
//!
//! Same routes, answers and errors. Keys live as long as the server; there is no TLS side to it. The
//! program itself has no such thing: `kubelet-proxy sign` signs without a network.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};

/// A running server; it ends with the test.
pub(crate) struct SigningServer {
    address: SocketAddr,
}

/// A P-256 key and its self-signed certificate.
struct Keys {
    pair: EcdsaKeyPair,
    certificate: String,
}

#[derive(serde::Deserialize)]
struct SignRequest {
    #[serde(default)]
    payload: String,
}

type Answer = Response<Full<Bytes>>;

impl SigningServer {
    /// Listens on a free loopback port; `generates` is the seed's `--auto-generate`.
    pub(crate) fn start(generates: bool) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        std::thread::spawn(move || serve(listener, generates));
        Self { address }
    }

    /// The certificate, once there are keys.
    pub(crate) fn certificate(&self) -> String {
        let (status, body) = self.ask("GET", "/signingcert", "");
        assert_eq!(status, 200, "{body}");
        body
    }

    /// The signature, base64, over the text of a policy annotation.
    pub(crate) fn sign(&self, payload: &str) -> String {
        let (status, body) = self.ask("POST", "/sign", &json!({ "payload": payload }).to_string());
        assert_eq!(status, 200, "{body}");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        body["signature"].as_str().expect("a signature").to_owned()
    }

    /// One request: the status and the body of its answer.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        use std::io::{Read, Write};
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: signer\r\nConnection: close\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("a request");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).expect("a status").parse().expect("a number");
        (status, body.to_owned())
    }
}

fn serve(listener: std::net::TcpListener, generates: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let keys = Mutex::new(generates.then(Keys::generate));
    runtime.expect("a runtime").block_on(async {
        listener.set_nonblocking(true).expect("a listener");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let service = service_fn(|request| answer(&keys, request));
            // A client that hangs up is no concern of the server's.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        }
    });
}

async fn answer(
    keys: &Mutex<Option<Keys>>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut keys = keys.lock().expect("one thread");
    let is = |method: Method| head.method == method;
    Ok(match head.uri.path() {
        "/health" => give("text/plain", "ok".to_owned()),
        "/generatekeys" if is(Method::POST) => {
            let status = if keys.is_some() { "keys already generated" } else { "keys generated" };
            keys.get_or_insert_with(Keys::generate);
            give("application/json", json!({ "status": status }).to_string())
        }
        "/sign" if is(Method::POST) => sign(keys.as_ref(), &body),
        "/signingcert" if is(Method::GET) => match keys.as_ref() {
            Some(keys) => give("application/x-pem-file", keys.certificate.clone()),
            None => refuse(StatusCode::PRECONDITION_FAILED, "keys not generated"),
        },
        "/tlscert" if is(Method::GET) => refuse(StatusCode::NOT_FOUND, "TLS not enabled"),
        "/generatekeys" | "/sign" | "/signingcert" | "/tlscert" => {
            refuse(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")
        }
        _ => refuse(StatusCode::NOT_FOUND, "not found"),
    })
}

fn sign(keys: Option<&Keys>, body: &[u8]) -> Answer {
    let Some(keys) = keys else {
        return refuse(StatusCode::PRECONDITION_FAILED, "keys not generated");
    };
    let Ok(SignRequest { payload }) = serde_json::from_slice(body) else {
        return refuse(StatusCode::BAD_REQUEST, "invalid JSON request");
    };
    if payload.is_empty() {
        return refuse(StatusCode::BAD_REQUEST, "payload is required");
    }
    let signature = keys.pair.sign(&SystemRandom::new(), payload.as_bytes());
    let signature = STANDARD.encode(signature.expect("a signature"));
    give("application/json", json!({ "signature": signature }).to_string())
}

impl Keys {
    fn generate() -> Self {
        let key = KeyPair::generate().expect("a key on P-256");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "local-signing-server");
        params.distinguished_name.push(DnType::OrganizationName, "kubelet-proxy");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        let now = UNIX_EPOCH.elapsed().expect("a clock that is past 1970");
        params.not_before = rcgen::date_time_ymd(1970, 1, 1) + now;
        params.not_after = params.not_before + YEAR;
        let certificate = params.self_signed(&key).expect("a certificate").pem();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.serialized_der());
        Self { pair: pair.expect("the same key"), certificate }
    }
}

fn give(content_type: &str, body: String) -> Answer {
    respond(StatusCode::OK, content_type, body)
}

fn refuse(status: StatusCode, error: &str) -> Answer {
    respond(status, "application/json", json!({ "error": error }).to_string())
}

fn respond(status: StatusCode, content_type: &str, body: String) -> Answer {
    Response::builder()
        .status(status)
        .header("content-type", content_type)
        .body(Full::new(Bytes::from(body)))
        .expect("a head that is well formed")
}
