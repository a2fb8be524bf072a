//! Connections that leave HTTP: which wishes are understood, and which answers grant exactly those.
//!
//! Header fields cross by name only. `Authorization` does not: the kubelet would have the API server
//! say whose token it is, and the guard's own certificate is what it should look at.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Response, StatusCode};

use crate::http::hop_headers;

/// Negotiates what is spoken inside SPDY (apimachinery `httpstream`).
const STREAM_PROTOCOL: HeaderName = HeaderName::from_static("x-stream-protocol-version");

/// What a server would have spoken, told with a refusal.
const ACCEPTED_PROTOCOLS: HeaderName =
    HeaderName::from_static("x-accepted-stream-protocol-versions");

/// SPDY inside WebSocket (KEP-4006): the ports of a port-forward are in there.
const TUNNELLED_SPDY: &str = "SPDY/3.1+portforward.k8s.io";

/// What a kubelet speaks in a WebSocket (1.33 to 1.36): channels, and that.
const SUBPROTOCOLS: [&str; 6] = [
    "channel.k8s.io",
    "base64.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "v5.channel.k8s.io",
    TUNNELLED_SPDY,
];

/// A browser's way to send a token, which is as little the kubelet's to see as `Authorization`.
const BEARER_PREFIX: &str = "base64url.bearer.authorization.k8s.io.";

/// A protocol that takes a connection over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// SPDY/3.1.
    Spdy,
    /// WebSocket with channels.
    WebSocket,
    /// WebSocket with SPDY inside.
    TunnelledSpdy,
}

impl Protocol {
    /// The one protocol that a request asks for.
    pub(super) fn asked_for(method: &Method, headers: &HeaderMap) -> Option<Self> {
        if !names_upgrade(headers) {
            return None;
        }
        let wish = sole(headers, &header::UPGRADE)?;
        if wish.eq_ignore_ascii_case("SPDY/3.1") {
            return Some(Self::Spdy);
        }
        // RFC 6455 section 4.1: a WebSocket begins with GET.
        if !wish.eq_ignore_ascii_case("websocket") || method != Method::GET {
            return None;
        }
        Some(if subprotocols(headers)?.contains(&TUNNELLED_SPDY) {
            Self::TunnelledSpdy
        } else {
            Self::WebSocket
        })
    }

    fn token(self) -> &'static str {
        match self {
            Self::Spdy => "SPDY/3.1",
            Self::WebSocket | Self::TunnelledSpdy => "websocket",
        }
    }

    /// Adds what asks for it to a request for the kubelet.
    pub(super) fn ask(self, received: &HeaderMap, request: &mut HeaderMap) {
        let fields: &[HeaderName] = match self {
            Self::Spdy => &[STREAM_PROTOCOL],
            // No extensions: compressed frames would hide what the guard may have to read.
            Self::WebSocket | Self::TunnelledSpdy => {
                &[header::SEC_WEBSOCKET_KEY, header::SEC_WEBSOCKET_VERSION]
            }
        };
        copy(fields, received, request);
        // In one field: the kubelet reads the first alone.
        let names = subprotocols(received).unwrap_or_default().join(", ");
        if self != Self::Spdy
            && !names.is_empty()
            && let Ok(names) = HeaderValue::from_str(&names)
        {
            request.insert(header::SEC_WEBSOCKET_PROTOCOL, names);
        }
        self.mark(request);
    }

    /// Is this the kubelet's consent to it, and to nothing else?
    pub(super) fn is_granted<B>(self, response: &Response<B>) -> bool {
        let granted = sole(response.headers(), &header::UPGRADE);
        response.status() == StatusCode::SWITCHING_PROTOCOLS
            && names_upgrade(response.headers())
            && granted.is_some_and(|protocol| protocol.eq_ignore_ascii_case(self.token()))
            && !response.headers().contains_key(header::SEC_WEBSOCKET_EXTENSIONS)
    }

    /// The head that passes the consent on.
    pub(super) fn consent(self, received: &HeaderMap) -> HeaderMap {
        let mut consent = HeaderMap::new();
        let fields =
            [STREAM_PROTOCOL, header::SEC_WEBSOCKET_ACCEPT, header::SEC_WEBSOCKET_PROTOCOL];
        copy(&fields, received, &mut consent);
        self.mark(&mut consent);
        consent
    }

    fn mark(self, headers: &mut HeaderMap) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static(self.token()));
    }
}

/// Fields of an ordinary answer that help to understand a refused upgrade.
pub(super) fn refusal_fields(received: &HeaderMap, answer: &mut HeaderMap) {
    copy(&[ACCEPTED_PROTOCOLS], received, answer);
}

/// A body, announced in whichever way.
pub(super) fn has_body(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    headers.contains_key(header::TRANSFER_ENCODING) || lengths.any(|length| length != "0")
}

fn names_upgrade(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CONNECTION).iter();
    let mut options = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
        && hop_headers::asks_for_upgrade(headers)
}

/// The wished subprotocols, in our own spelling and without the caller's token. `None` if one is not known:
/// to the kubelet it may stand for SPDY, whose ports nobody would look at.
fn subprotocols(headers: &HeaderMap) -> Option<Vec<&'static str>> {
    let mut found = Vec::new();
    for value in headers.get_all(header::SEC_WEBSOCKET_PROTOCOL) {
        for name in value.to_str().ok()?.split(',').map(str::trim) {
            if !name.starts_with(BEARER_PREFIX) {
                found.push(*SUBPROTOCOLS.iter().find(|known| **known == name)?);
            }
        }
    }
    Some(found)
}

/// The only value of a field.
fn sole<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        (_, _) => None,
    }
}

fn copy(fields: &[HeaderName], from: &HeaderMap, to: &mut HeaderMap) {
    for field in fields {
        for value in from.get_all(field) {
            to.append(field.clone(), value.clone());
        }
    }
}
