//! Waiting for what a living cluster does in its own time.
//!
//! There is no sleep that an assertion leans on: a condition is asked again until it holds or its
//! deadline has passed, and then the last reason why it did not hold is the failure.

use std::error::Error;
use std::thread::sleep;
use std::time::Duration;

use tokio::time::Instant;

/// What everything that touches the world returns; the text is for whoever reads a failed test.
pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Short enough not to be felt, long enough to leave two cores to those waited for.
const PAUSE: Duration = Duration::from_millis(100);

/// Asks `condition` until it gives a value. An error means "not yet" and says why.
pub(crate) fn eventually<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Outcome<T>,
) -> Outcome<T> {
    let deadline = Instant::now() + limit;
    loop {
        match condition() {
            Ok(value) => return Ok(value),
            Err(reason) if Instant::now() >= deadline => {
                return Err(format!("{what}: not within {limit:?}: {reason}").into());
            }
            Err(_) => sleep(PAUSE),
        }
    }
}

/// Asks `condition` throughout `span` and gives its first error.
pub(crate) fn throughout(span: Duration, mut condition: impl FnMut() -> Outcome) -> Outcome {
    let end = Instant::now() + span;
    while Instant::now() < end {
        condition()?;
        sleep(PAUSE);
    }
    condition()
}

/// An error unless `holds`; `reason` is computed only then.
pub(crate) fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(reason().into()) }
}
