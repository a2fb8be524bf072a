//! What can be wrong with an upstream answer, whose fault it is, and what the kubelet is told.

use http::StatusCode;
use thiserror::Error;

use crate::kube_wire::document::DocumentFault;
use crate::upstream::{Fault, UpstreamError};

/// Why an answer about pods is not passed on.
#[derive(Debug, Error)]
pub enum AnswerFault {
    /// No answer at all.
    #[error("the API server did not answer: {0}")]
    Unreachable(#[from] UpstreamError),
    /// 3xx: client-go follows redirects, from https to http as well.
    #[error("the API server answered with a redirect")]
    Redirect,
    /// A status that carries no pods here, such as 203, which client-go would take for success.
    #[error("the API server answered with status {0}, which does not belong here")]
    UnexpectedStatus(StatusCode),
    /// Anything but `application/json`; without a type client-go would read protobuf.
    #[error("the API server answered with another type than application/json")]
    ContentType,
    /// Any encoding: identity was asked for.
    #[error("the API server encoded its answer although identity was asked for")]
    ContentEncoding,
    /// The document is not to be trusted.
    #[error("the API server's answer: {0}")]
    Document(#[from] DocumentFault),
    /// Time, memory or the connection ran out half-way.
    #[error("the API server's answer broke off: {0}")]
    BrokenOff(BreakOff),
    /// This process is stopping or its policy changed.
    #[error("the proxy is stopping or its policy has changed; list again")]
    Draining,
    /// Another object than the one asked for.
    #[error("the API server answered with another object than was asked for")]
    OtherObject,
}

/// What ended an answer half-way.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum BreakOff {
    /// The connection failed.
    #[error("connection lost")]
    Connection,
    /// Nothing came for too long, or too little.
    #[error("too slow")]
    TooSlow,
    /// `--max-body-memory` is in use by other answers.
    #[error("no memory left within --max-body-memory")]
    Memory,
}

impl AnswerFault {
    /// A fixed word for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Redirect => "redirect",
            Self::UnexpectedStatus(_) => "status",
            Self::ContentType => "content-type",
            Self::ContentEncoding => "content-encoding",
            Self::Document(fault) => fault.label(),
            Self::BrokenOff(BreakOff::Connection) => "connection-lost",
            Self::BrokenOff(BreakOff::TooSlow) => "too-slow",
            Self::BrokenOff(BreakOff::Memory) => "memory",
            Self::Draining => "draining",
            Self::OtherObject => "other-object",
        }
    }

    /// Who has to mend it, as a metric label.
    pub fn whose(&self) -> &'static str {
        match self.fault() {
            Fault::Client => "client",
            Fault::ApiServer => "api_server",
            Fault::Ours => "proxy",
        }
    }

    /// The HTTP status for the kubelet and, when trying again may help, after how many seconds.
    pub fn answer(&self) -> (StatusCode, Option<u32>) {
        let may_pass = matches!(self, Self::Unreachable(_));
        match self.fault() {
            Fault::Client => (StatusCode::BAD_REQUEST, None),
            Fault::ApiServer => (StatusCode::BAD_GATEWAY, may_pass.then_some(1)),
            Fault::Ours => (StatusCode::SERVICE_UNAVAILABLE, Some(1)),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Unreachable(error) => error.fault(),
            Self::BrokenOff(BreakOff::Memory) | Self::Draining => Fault::Ours,
            Self::Redirect
            | Self::UnexpectedStatus(_)
            | Self::ContentType
            | Self::ContentEncoding
            | Self::Document(_)
            | Self::BrokenOff(BreakOff::Connection | BreakOff::TooSlow)
            | Self::OtherObject => Fault::ApiServer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_tells_whose_fault_it_was_and_whether_to_try_again() {
        let unreachable = |error| AnswerFault::Unreachable(error);
        for (fault, code, retries) in [
            (unreachable(UpstreamError::Connect("refused".into())), 502, true),
            (unreachable(UpstreamError::Busy { lane: "short" }), 503, true),
            (unreachable(UpstreamError::Unsendable("path")), 400, false),
            (AnswerFault::Redirect, 502, false),
            (AnswerFault::BrokenOff(BreakOff::Memory), 503, true),
            (AnswerFault::Document(DocumentFault::Truncated), 502, false),
        ] {
            let (status, retry_after) = fault.answer();
            assert_eq!((status.as_u16(), retry_after.is_some()), (code, retries), "{fault}");
        }
    }
}
