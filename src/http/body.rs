//! Bodies that we write ourselves: empty, whole, or sent piece by piece.
//!
//! A body sent in pieces is complete only if its sender says so. A sender that is dropped, or that
//! breaks off, leaves a transfer that HTTP/1.1 and HTTP/2 clients both see as truncated: a list or
//! watch cut in half must never look like a short one.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

/// A body written by us.
#[derive(Debug)]
pub struct GeneratedBody {
    source: Source,
}

/// Sends a body piece by piece. Must be finished: dropping it breaks the body off.
#[derive(Debug)]
pub struct BodySender {
    pieces: mpsc::Sender<Piece>,
}

/// The body ended before it was complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the response was broken off")]
pub struct BrokenOff;

/// Nobody reads the body any more: the peer left, or reset the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader of the response is gone")]
pub struct ReaderGone;

#[derive(Debug)]
enum Source {
    Whole(Bytes),
    Pieces(mpsc::Receiver<Piece>),
    Ended,
}

#[derive(Debug)]
enum Piece {
    Data(Bytes),
    Finish,
}

/// A body sent in pieces and its sender. At most `capacity` pieces wait unread; sending waits then.
pub fn in_pieces(capacity: usize) -> (BodySender, GeneratedBody) {
    let (pieces, unread) = mpsc::channel(capacity.max(1));
    (BodySender { pieces }, GeneratedBody { source: Source::Pieces(unread) })
}

impl GeneratedBody {
    /// No bytes at all.
    pub fn empty() -> Self {
        Self { source: Source::Ended }
    }

    /// These bytes, of known length.
    pub fn whole(bytes: Bytes) -> Self {
        Self { source: if bytes.is_empty() { Source::Ended } else { Source::Whole(bytes) } }
    }
}

impl BodySender {
    /// Queues a piece, waiting while too many are unread. An empty piece is no piece.
    ///
    /// Cancel safe: a dropped call has sent nothing.
    ///
    /// # Errors
    /// [`ReaderGone`]: stop, nothing sent from here on reaches anybody.
    pub async fn send(&self, bytes: Bytes) -> Result<(), ReaderGone> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.pieces.send(Piece::Data(bytes)).await.map_err(|_| ReaderGone)
    }

    /// Resolves when nobody reads the body any more.
    pub async fn reader_gone(&self) {
        self.pieces.closed().await;
    }

    /// Ends the body as complete.
    pub async fn finish(self) {
        // Ignored: a reader that is gone needs no end.
        let _ = self.pieces.send(Piece::Finish).await;
    }

    /// Ends the body as truncated, after what was already sent.
    pub fn break_off(self) {
        drop(self);
    }
}

impl Body for GeneratedBody {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        let source = &mut self.source;
        let Source::Pieces(unread) = source else {
            return Poll::Ready(match std::mem::replace(source, Source::Ended) {
                Source::Whole(bytes) => Some(Ok(Frame::data(bytes))),
                Source::Pieces(_) | Source::Ended => None,
            });
        };
        match ready!(unread.poll_recv(cx)) {
            Some(Piece::Data(bytes)) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            Some(Piece::Finish) => {
                *source = Source::Ended;
                Poll::Ready(None)
            }
            None => {
                *source = Source::Ended;
                Poll::Ready(Some(Err(BrokenOff)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.source, Source::Ended)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Pieces(_) => SizeHint::default(),
            Source::Ended => SizeHint::with_exact(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;

    #[tokio::test]
    async fn a_whole_body_knows_its_length_and_arrives_once() {
        let body = GeneratedBody::whole(Bytes::from_static(b"abc"));
        assert_eq!(body.size_hint().exact(), Some(3));
        assert!(!body.is_end_stream());
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }

    #[tokio::test]
    async fn an_empty_body_has_ended_from_the_start() {
        for body in [GeneratedBody::empty(), GeneratedBody::whole(Bytes::new())] {
            assert!(body.is_end_stream());
            assert_eq!(body.size_hint().exact(), Some(0));
            assert!(body.collect().await.unwrap().to_bytes().is_empty());
        }
    }

    #[tokio::test]
    async fn a_finished_body_arrives_whole() {
        let (sender, body) = in_pieces(1);
        let writer = tokio::spawn(async move {
            for piece in ["a", "", "b", "c"] {
                sender.send(Bytes::from_static(piece.as_bytes())).await.unwrap();
            }
            sender.finish().await;
        });
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
        writer.await.unwrap();
    }

    #[tokio::test]
    async fn a_dropped_sender_is_a_broken_body_not_a_short_one() {
        let (sender, mut body) = in_pieces(2);
        sender.send(Bytes::from_static(b"half")).await.unwrap();
        drop(sender);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "half");
        assert_eq!(body.frame().await.unwrap().unwrap_err(), BrokenOff);
        assert!(body.frame().await.is_none());
    }

    #[tokio::test]
    async fn sending_waits_for_the_reader() {
        let (sender, mut body) = in_pieces(1);
        sender.send(Bytes::from_static(b"1")).await.unwrap();
        let mut second = Box::pin(sender.send(Bytes::from_static(b"2")));
        let mut nobody = Context::from_waker(std::task::Waker::noop());
        assert!(second.as_mut().poll(&mut nobody).is_pending());
        body.frame().await.unwrap().unwrap();
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn a_sender_learns_that_its_reader_is_gone() {
        let (sender, body) = in_pieces(1);
        drop(body);
        sender.reader_gone().await;
        assert_eq!(sender.send(Bytes::from_static(b"x")).await, Err(ReaderGone));
    }
}
