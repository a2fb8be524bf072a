//! Time limits of what is incomplete, on a clock that jumps.

use std::convert::Infallible;

use http_body_util::BodyExt;
use tokio::time::{sleep, timeout};

use super::*;
use crate::kubelet_proxy::limits::{EVENT_DEADLINE, LIST_DEADLINE};
use crate::metrics::registry::Metrics;

/// One byte at a time, with a pause before each, for ever.
struct Drip {
    pause: Duration,
    next: Pin<Box<Sleep>>,
}

impl Drip {
    fn every(pause: Duration) -> Self {
        Self { pause, next: Box::pin(sleep(pause)) }
    }
}

impl Body for Drip {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        ready!(self.next.as_mut().poll(context));
        self.next = Box::pin(sleep(self.pause));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b" ")))))
    }
}

/// Never has enough; a watch would end with an event of its own.
struct Incomplete {
    is_endless: bool,
}

impl Filter for Incomplete {
    fn feed(&mut self, _: &[u8]) -> Result<Progress, AnswerFault> {
        Ok(Progress::More)
    }

    fn end_input(&mut self) -> Result<Progress, AnswerFault> {
        Ok(Progress::More)
    }

    fn interrupt(&mut self, because: &AnswerFault) -> Progress {
        assert!(matches!(because, AnswerFault::BrokenOff(BreakOff::TooSlow)), "{because}");
        Progress::Broken
    }

    fn pending(&self) -> usize {
        0
    }

    fn take(&mut self) -> Option<KubeletBytes> {
        None
    }

    fn held_bytes(&self) -> usize {
        0
    }

    fn is_mid_object(&self) -> bool {
        true
    }

    fn is_endless(&self) -> bool {
        self.is_endless
    }
}

/// How long a body lives whose next byte comes every `pause`.
async fn life(pause: Duration, patience: Duration, is_endless: bool) -> Duration {
    let surroundings = Surroundings {
        budget: BodyBudget::new(1 << 20),
        superseded: Box::pin(std::future::pending()),
        draining: Box::pin(std::future::pending()),
        meters: Arc::new(Meters::new(Metrics::new())),
        patience,
    };
    let filter = Box::new(Incomplete { is_endless });
    let mut body = FilteredBody::new(Drip::every(pause), filter, surroundings);
    let begin = Instant::now();
    let frame = timeout(Duration::from_secs(3600), body.frame()).await;
    let broken = frame.expect("it ends within an hour").expect("not as if it were whole");
    assert_eq!(broken.unwrap_err().0, AnswerFault::BrokenOff(BreakOff::TooSlow).label());
    begin.elapsed()
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_list_that_drips_is_broken_off_after_its_deadline() {
    let lived = life(SECOND, LIST_DEADLINE, false).await;
    assert!((LIST_DEADLINE..=LIST_DEADLINE + 2 * SECOND).contains(&lived), "{lived:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_drips_is_broken_off_after_its_deadline() {
    let lived = life(SECOND, EVENT_DEADLINE, true).await;
    assert!((EVENT_DEADLINE..=EVENT_DEADLINE + 2 * SECOND).contains(&lived), "{lived:?}");
}

#[tokio::test(start_paused = true)]
async fn silence_inside_an_object_is_broken_off_sooner() {
    for is_endless in [false, true] {
        let lived = life(Duration::from_secs(1000), LIST_DEADLINE, is_endless).await;
        assert!((MID_OBJECT_SILENCE..=MID_OBJECT_SILENCE + SECOND).contains(&lived), "{lived:?}");
    }
}
