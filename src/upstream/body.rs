//! Bodies on their way to the API server and back.
//!
//! They carry bytes, they do not read them. Invariant: an answer holds its lane's slot until its
//! last byte was read or the body is dropped, and flow control credit is given back only for bytes
//! that were taken, so a slow kubelet slows the API server and not our memory.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::UpstreamError;
use super::h2_upload::Upload;
use super::lanes::Permit;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a request carries.
pub enum RequestBody {
    /// Nothing.
    Empty,
    /// Bytes in hand.
    Full(Bytes),
    /// The caller's own body, passed on as it comes.
    Streaming(Incoming),
    /// Any other body, such as one under a budget.
    Boxed(Pin<Box<dyn Body<Data = Bytes, Error = BoxError> + Send>>),
}

impl std::fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestBody").field("exact_bytes", &self.size_hint().exact()).finish()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Self::Streaming(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Boxed(body) => body.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Full(bytes) => bytes.is_empty(),
            Self::Streaming(body) => body.is_end_stream(),
            Self::Boxed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Full(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Self::Streaming(body) => body.size_hint(),
            Self::Boxed(body) => body.size_hint(),
        }
    }
}

/// What the API server answers. Trailers are dropped: they could contradict the checked head.
pub struct UpstreamBody {
    source: Source,
    /// Gone once the answer is complete.
    permit: Option<Permit>,
    announced: SizeHint,
}

enum Source {
    H2 {
        stream: h2::RecvStream,
        /// The rest of a request whose answer began before it was sent.
        upload: Option<Upload>,
    },
    H1(Incoming),
}

impl UpstreamBody {
    pub(super) fn h2(
        stream: h2::RecvStream,
        upload: Option<Upload>,
        permit: Permit,
        announced: Option<u64>,
    ) -> Self {
        let ended = stream.is_end_stream();
        let announced = match (ended, announced) {
            (true, _) => SizeHint::with_exact(0),
            (false, Some(length)) => SizeHint::with_exact(length),
            (false, None) => SizeHint::default(),
        };
        let permit = (!ended || upload.is_some()).then_some(permit);
        Self { source: Source::H2 { stream, upload }, permit, announced }
    }

    pub(super) fn h1(body: Incoming, permit: Permit) -> Self {
        let announced = body.size_hint();
        let permit = (!body.is_end_stream()).then_some(permit);
        Self { source: Source::H1(body), permit, announced }
    }

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        match &mut self.source {
            Source::H2 { stream, upload } => {
                if let Some(sending) = upload
                    && sending.poll_sent(cx)?.is_ready()
                {
                    *upload = None;
                }
                let Some(bytes) = ready!(stream.poll_data(cx)) else { return Poll::Ready(None) };
                let bytes = bytes.map_err(|error| UpstreamError::broken_off(&error))?;
                // Fails only on a stream that has ended, which needs no credit.
                let _ended = stream.flow_control().release_capacity(bytes.len());
                Poll::Ready(Some(Ok(bytes)))
            }
            Source::H1(body) => loop {
                let Some(frame) = ready!(Pin::new(&mut *body).poll_frame(cx)) else {
                    return Poll::Ready(None);
                };
                let frame = frame.map_err(|error| UpstreamError::broken_off(&error))?;
                if let Ok(bytes) = frame.into_data() {
                    return Poll::Ready(Some(Ok(bytes)));
                }
            },
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        match ready!(self.poll_data(cx)) {
            Some(Ok(bytes)) => {
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                if let Some(exact) = self.announced.exact() {
                    self.announced = SizeHint::with_exact(exact.saturating_sub(length));
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => {
                self.permit = None;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::H2 { stream, upload: _ } => stream.is_end_stream(),
            Source::H1(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.announced
    }
}

impl Drop for UpstreamBody {
    fn drop(&mut self) {
        if let (Source::H1(body), Some(permit)) = (&self.source, &self.permit)
            && !body.is_end_stream()
        {
            // The rest of the answer is still to come: nothing else can use this connection.
            permit.discard_connection();
        }
    }
}

impl std::fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UpstreamBody").finish_non_exhaustive()
    }
}

/// An error's text without its chain, for [`UpstreamError::RequestBody`].
pub(super) fn request_body_error(error: &BoxError) -> UpstreamError {
    UpstreamError::RequestBody(Arc::from(error.to_string()))
}
