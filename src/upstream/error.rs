//! Why the API server gave no usable answer.
//!
//! Texts are safe for logs and for a `Status` to the kubelet: no credential, no header, no body.

use std::sync::Arc;
use std::time::Duration;

/// Who is to blame, for status codes and metric labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request cannot be sent as it is: 400.
    Client,
    /// The API server or the way to it: 502 or 504.
    ApiServer,
    /// Our own limits or credentials: 503.
    Ours,
}

/// A request without an answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection: name, TCP, TLS or HTTP/2 preface.
    #[error("cannot connect to the API server: {0}")]
    Connect(Arc<str>),
    /// Every connection of the lane is full and so is the queue, or the wait was too long.
    #[error("all connections of lane {lane} are busy; see its limits")]
    Busy {
        /// Name of the lane.
        lane: &'static str,
    },
    /// The head of the answer did not come in time.
    #[error("the API server did not answer within {} ms", .0.as_millis())]
    HeadTimeout(Duration),
    /// The connection or the stream ended before the answer was complete.
    #[error("the API server broke off: {0}")]
    BrokenOff(Arc<str>),
    /// The answer breaks the protocol or switches it.
    #[error("the API server's answer is not plain HTTP: {0}")]
    Protocol(Arc<str>),
    /// There is no credential to send.
    #[error("no credential for the API server: {0}")]
    Credentials(Arc<str>),
    /// The request's path or headers cannot be put on the wire.
    #[error("the request cannot be forwarded: {0}")]
    Unsendable(&'static str),
    /// The caller's own body ended with an error.
    #[error("the request body broke off: {0}")]
    RequestBody(Arc<str>),
}

impl UpstreamError {
    /// True when the API server was not reached at all, so nothing can have happened there.
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_))
    }

    /// True for time-outs, which deserve 504.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::HeadTimeout(_))
    }

    /// Who is to blame.
    pub fn fault(&self) -> Fault {
        match self {
            Self::Connect(_) | Self::HeadTimeout(_) | Self::BrokenOff(_) | Self::Protocol(_) => {
                Fault::ApiServer
            }
            Self::Busy { lane: _ } | Self::Credentials(_) => Fault::Ours,
            Self::Unsendable(_) | Self::RequestBody(_) => Fault::Client,
        }
    }

    /// One word for metric labels.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Busy { lane: _ } => "busy",
            Self::HeadTimeout(_) => "head_timeout",
            Self::BrokenOff(_) => "broken_off",
            Self::Protocol(_) => "protocol",
            Self::Credentials(_) => "credentials",
            Self::Unsendable(_) => "unsendable",
            Self::RequestBody(_) => "request_body",
        }
    }

    pub(super) fn broken_off(error: &impl ToString) -> Self {
        Self::BrokenOff(Arc::from(error.to_string()))
    }
}
