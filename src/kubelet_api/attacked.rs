//! The parsers of this room as bytes from outside meet them: for `fuzz/properties.rs`, which sees the
//! public API alone.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use http::header::{CONNECTION, HeaderMap, HeaderValue, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use http::{Method, Request};

use super::call::{Call, Refusal, classify};
use super::ports::Ports;
use super::spdy::PortGate;
use super::upgrade::Protocol;

/// What a request asks for, and the target that the kubelet would be asked for; `None` if HTTP knows no
/// such request.
pub fn call(method: &str, target: &str, upgrades: bool) -> Option<Result<(Call, String), Refusal>> {
    let mut request = Request::builder().method(method).uri(target);
    if upgrades {
        request = request.header(CONNECTION, "Upgrade").header(UPGRADE, "SPDY/3.1");
    }
    let (parts, ()) = request.body(()).ok()?.into_parts();
    Some(classify(&parts).map(|asked| (asked.call, asked.target)))
}

/// What a caller's wish for subprotocols of a WebSocket comes to: is there SPDY inside, and which names
/// the kubelet would get; `None` if it would be asked for nothing.
pub fn websocket(wish: &[u8]) -> Option<(bool, String)> {
    let mut received = HeaderMap::new();
    received.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    received.insert(UPGRADE, HeaderValue::from_static("websocket"));
    received.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_bytes(wish).ok()?);
    let protocol = Protocol::asked_for(&Method::GET, &received)?;
    let mut sent = HeaderMap::new();
    protocol.ask(&received, &mut sent);
    let names = sent.get(SEC_WEBSOCKET_PROTOCOL).and_then(|names| names.to_str().ok());
    Some((protocol == Protocol::TunnelledSpdy, names.unwrap_or_default().to_owned()))
}

/// What of a port-forward's bytes passes, and the ports that it reaches; `Err` if it was ended.
pub fn port_forward(permitted: &[u16], sent: &[u8]) -> (Result<(), String>, Vec<u8>, Vec<u16>) {
    let (mut passed, mut ports) = (Vec::new(), Vec::new());
    let mut gate = PortGate::new(Ports::Only(permitted.into()));
    let mut source = sent;
    let outcome = {
        let work = pin!(gate.pass(&mut source, &mut passed, |port| ports.push(port)));
        // Neither side ever waits: both are memory.
        match work.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => outcome.map_err(|fault| fault.to_string()),
            Poll::Pending => Err("waits".to_owned()),
        }
    };
    (outcome, passed, ports)
}
