//! Drives a filter: upstream's bytes in, decided bytes out, nothing read that the kubelet cannot take.
//!
//! One task and no queue: the kubelet's connection polls, the filter works, the upstream body is read.
//! So backpressure and cancellation pass through by themselves. Bounds: one chunk of output, the
//! memory budget, a silence limit and a deadline for whatever is incomplete.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Instant, Sleep, sleep_until};

use super::kubelet_bytes::KubeletBytes;
use crate::http::budget::{BodyBudget, Reservation};
use crate::kubelet_proxy::error::{AnswerFault, BreakOff};
use crate::kubelet_proxy::limits::{FREE_BODY_BYTES, MID_OBJECT_SILENCE};
use crate::kubelet_proxy::meters::Meters;
use crate::upstream::UpstreamBody;

/// What has arrived is passed on together, up to this much: a frame and a TLS record hold 16 KiB.
const PIECE_BYTES: usize = 12 << 10;

/// How far a filter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kubelet_proxy) enum Progress {
    /// More input, more output.
    More,
    /// Complete once its output is taken.
    Ended,
    /// To be broken off: what was sent must not be taken for whole.
    Broken,
}

/// What a list and a watch have in common.
pub(in crate::kubelet_proxy) trait Filter: Send {
    /// Takes bytes from upstream.
    fn feed(&mut self, chunk: &[u8]) -> Result<Progress, AnswerFault>;
    /// Upstream has finished.
    fn end_input(&mut self) -> Result<Progress, AnswerFault>;
    /// Ends early, in the way that makes the kubelet ask again.
    fn interrupt(&mut self, because: &AnswerFault) -> Progress;
    /// Bytes of output waiting.
    fn pending(&self) -> usize;
    /// Takes the output.
    fn take(&mut self) -> Option<KubeletBytes>;
    /// Memory held.
    fn held_bytes(&self) -> usize;
    /// Is something incomplete?
    fn is_mid_object(&self) -> bool;
    /// Has it no end of its own? Then it ends with the process or the policy; else it finishes first.
    fn is_endless(&self) -> bool;
}

/// The transfer was broken off on purpose.
#[derive(Debug, thiserror::Error)]
#[error("broken off: {0}")]
pub struct BrokenOff(&'static str);

/// What a stream needs besides its filter.
pub(in crate::kubelet_proxy) struct Surroundings {
    pub(in crate::kubelet_proxy) budget: BodyBudget,
    /// Resolves when another policy is in force: nothing more is passed on by the old one.
    pub(in crate::kubelet_proxy) superseded: Pin<Box<dyn Future<Output = ()> + Send>>,
    /// Resolves when what has no end of its own has to end.
    pub(in crate::kubelet_proxy) draining: Pin<Box<dyn Future<Output = ()> + Send>>,
    pub(in crate::kubelet_proxy) meters: Arc<Meters>,
    /// How long one incomplete object (or list) may take.
    pub(in crate::kubelet_proxy) patience: Duration,
}

/// A filtered answer about pods.
pub struct FilteredBody<S = UpstreamBody> {
    source: S,
    filter: Box<dyn Filter>,
    progress: Progress,
    surroundings: Surroundings,
    timer: Option<Pin<Box<Sleep>>>,
    incomplete_since: Option<Instant>,
    reserved: Option<Reservation>,
    broken_for: &'static str,
}

impl<S: Body<Data = Bytes> + Unpin> FilteredBody<S> {
    pub(in crate::kubelet_proxy) fn new(
        source: S,
        filter: Box<dyn Filter>,
        surroundings: Surroundings,
    ) -> Self {
        Self {
            source,
            filter,
            progress: Progress::More,
            surroundings,
            timer: None,
            incomplete_since: None,
            reserved: None,
            broken_for: "",
        }
    }

    /// Works until `bytes` of output wait or the answer is complete. Nothing was sent by then, so a
    /// fault can still be answered in an orderly way.
    pub(in crate::kubelet_proxy) async fn hold_back(
        &mut self,
        bytes: usize,
    ) -> Result<(), AnswerFault> {
        while self.progress == Progress::More && self.filter.pending() < bytes {
            poll_fn(|context| self.poll_work(context)).await?;
        }
        Ok(())
    }

    /// One step: a chunk from upstream, its end, time, or the end of process or policy.
    fn poll_work(&mut self, context: &mut Context<'_>) -> Poll<Result<(), AnswerFault>> {
        let is_endless = self.filter.is_endless();
        let is_superseded = self.surroundings.superseded.as_mut().poll(context).is_ready();
        if is_superseded && !is_endless {
            return Poll::Ready(Err(AnswerFault::Draining));
        }
        if is_superseded
            || (is_endless && self.surroundings.draining.as_mut().poll(context).is_ready())
        {
            self.progress = self.filter.interrupt(&AnswerFault::Draining);
            return Poll::Ready(Ok(()));
        }
        let written = self.filter.pending();
        let step = match Pin::new(&mut self.source).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                Ok(chunk) => self.filter.feed(&chunk),
                // Trailers tell a kubelet nothing.
                Err(_trailers) => Ok(Progress::More),
            },
            Poll::Ready(Some(Err(_lost))) => Err(AnswerFault::BrokenOff(BreakOff::Connection)),
            Poll::Ready(None) => self.filter.end_input(),
            Poll::Pending => {
                ready!(self.poll_timer(context));
                Err(AnswerFault::BrokenOff(BreakOff::TooSlow))
            }
        };
        self.progress = step?;
        // On a watch the patience is for one event: a lively one may never pause between two.
        if self.filter.is_endless() && self.filter.pending() > written {
            self.incomplete_since = None;
        }
        self.reserve_memory()?;
        self.wind_timer();
        Poll::Ready(Ok(()))
    }

    /// Ready when something incomplete has waited too long.
    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.timer {
            Some(timer) if self.incomplete_since.is_some() => timer.as_mut().poll(context),
            Some(_) | None => {
                if self.filter.is_mid_object() {
                    self.wind_timer();
                    if let Some(timer) = &mut self.timer {
                        return timer.as_mut().poll(context);
                    }
                }
                Poll::Pending
            }
        }
    }

    /// Allows one more silence, but no more time in all than the patience.
    fn wind_timer(&mut self) {
        if !self.filter.is_mid_object() {
            self.incomplete_since = None;
            return;
        }
        let now = Instant::now();
        let since = *self.incomplete_since.get_or_insert(now);
        let silence_ends = now.checked_add(MID_OBJECT_SILENCE).unwrap_or(now);
        let patience_ends = since.checked_add(self.surroundings.patience).unwrap_or(now);
        let at = silence_ends.min(patience_ends);
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(at),
            None => self.timer = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Small bodies live outside the budget: their number is bounded by connections and streams.
    fn reserve_memory(&mut self) -> Result<(), AnswerFault> {
        let held = self.filter.held_bytes().saturating_add(self.filter.pending());
        if held <= FREE_BODY_BYTES {
            self.reserved = None;
            return Ok(());
        }
        let wanted = held as u64;
        let memory = |_| AnswerFault::BrokenOff(BreakOff::Memory);
        match &mut self.reserved {
            Some(reserved) => reserved.try_grow_to(wanted).map_err(memory),
            None => {
                self.reserved = Some(self.surroundings.budget.try_reserve(wanted).map_err(memory)?);
                Ok(())
            }
        }
    }

    fn interrupt(&mut self, fault: &AnswerFault) {
        self.surroundings.meters.answer_refused(fault);
        tracing::warn!(reason = fault.label(), "answer about pods broken off: {fault}");
        self.broken_for = fault.label();
        self.progress = self.filter.interrupt(fault);
        self.reserved = None;
    }
}

impl<S: Body<Data = Bytes> + Unpin> Body for FilteredBody<S> {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        loop {
            let is_full = self.filter.pending() >= PIECE_BYTES;
            if (is_full || self.progress != Progress::More)
                && let Some(output) = self.filter.take()
            {
                return Poll::Ready(Some(Ok(Frame::data(output.into_bytes()))));
            }
            match self.progress {
                Progress::Ended => return Poll::Ready(None),
                Progress::Broken => {
                    self.progress = Progress::Ended;
                    return Poll::Ready(Some(Err(BrokenOff(self.broken_for))));
                }
                Progress::More => {}
            }
            match self.poll_work(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(fault)) => self.interrupt(&fault),
                Poll::Pending => {
                    return match self.filter.take() {
                        Some(output) => Poll::Ready(Some(Ok(Frame::data(output.into_bytes())))),
                        None => Poll::Pending,
                    };
                }
            }
        }
    }
}

impl<S> std::fmt::Debug for FilteredBody<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FilteredBody")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
