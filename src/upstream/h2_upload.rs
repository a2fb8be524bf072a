//! Sends a request body on an HTTP/2 stream, at the pace of the server's flow control.
//!
//! No task of its own: whoever waits for the answer polls it. Invariant: at most one frame of the
//! caller's body is held here, and a body that breaks off resets the stream, so that half an object
//! is never taken for a whole one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason, SendStream};
use http_body::Body;

use super::UpstreamError;
use super::body::{RequestBody, request_body_error};

/// A request body under way.
pub(super) struct Upload {
    body: RequestBody,
    stream: SendStream<Bytes>,
    /// Read from the body, waiting for credit.
    pending: Bytes,
}

impl Upload {
    pub(super) fn new(body: RequestBody, stream: SendStream<Bytes>) -> Self {
        Self { body, stream, pending: Bytes::new() }
    }

    /// Ready when everything is handed over, or nobody wants it any more.
    pub(super) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), UpstreamError>> {
        loop {
            while !self.pending.is_empty() {
                match ready!(self.poll_credit(cx)) {
                    0 => return Poll::Ready(Ok(())),
                    credit => {
                        let piece = self.pending.split_to(credit.min(self.pending.len()));
                        let last = self.pending.is_empty() && self.body.is_end_stream();
                        if self.stream.send_data(piece, last).is_err() || last {
                            return Poll::Ready(Ok(()));
                        }
                    }
                }
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => self.pending = frame.into_data().unwrap_or_default(),
                Some(Err(error)) => {
                    self.stream.send_reset(Reason::CANCEL);
                    return Poll::Ready(Err(request_body_error(&error)));
                }
                None => {
                    // A stream that the server has closed is told to us with the answer.
                    let _closed = self.stream.send_data(Bytes::new(), true);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }

    /// Bytes that may be sent now; 0 when the server has closed its side.
    fn poll_credit(&mut self, cx: &mut Context<'_>) -> Poll<usize> {
        self.stream.reserve_capacity(self.pending.len());
        loop {
            match self.stream.capacity() {
                0 => {}
                credit => return Poll::Ready(credit),
            }
            match ready!(self.stream.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Poll::Ready(0),
            }
        }
    }
}
