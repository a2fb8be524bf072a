//! How often a refused request is worth a line: a caller in a loop must not fill the journal, which drops
//! other lines then.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::limits::{REFUSALS_PERIOD, REFUSALS_TOLD};

/// Counts the lines of one period.
#[derive(Debug, Default)]
pub(super) struct RefusalLog(Mutex<Period>);

#[derive(Debug, Default)]
struct Period {
    began: Option<Instant>,
    told: u32,
    untold: u64,
}

impl RefusalLog {
    /// Is this refusal to be told? Then also how many before it were not.
    pub(super) fn turn(&self, now: Instant) -> Option<u64> {
        let mut period = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over = period
            .began
            .is_none_or(|began| now.saturating_duration_since(began) >= REFUSALS_PERIOD);
        if is_over {
            period.began = Some(now);
            period.told = 0;
        }
        if period.told >= REFUSALS_TOLD {
            period.untold = period.untold.saturating_add(1);
            return None;
        }
        period.told = period.told.saturating_add(1);
        Some(std::mem::take(&mut period.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_of_refusals_is_told_a_few_times_and_counted() {
        let (log, start) = (RefusalLog::default(), Instant::now());
        let told = (0..1000).filter(|_| log.turn(start).is_some()).count();
        assert_eq!(told, 20);
        assert_eq!(log.turn(start + REFUSALS_PERIOD / 2), None);
        assert_eq!(log.turn(start + REFUSALS_PERIOD), Some(981));
        assert_eq!(log.turn(start + REFUSALS_PERIOD), Some(0));
    }
}
