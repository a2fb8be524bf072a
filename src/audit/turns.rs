//! How often something is worth a line: who can cause lines in a loop must not fill the journal, which drops
//! other lines then.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// At most so many lines in a period.
#[derive(Debug)]
pub struct Turns {
    most: u32,
    period: Duration,
    so_far: Mutex<SoFar>,
}

#[derive(Debug, Default)]
struct SoFar {
    began: Option<Instant>,
    told: u32,
    untold: u64,
}

impl Turns {
    /// `most` lines in each `period`.
    pub fn new(most: u32, period: Duration) -> Self {
        Self { most, period, so_far: Mutex::default() }
    }

    /// Is this to be told? Then also how many before it were not.
    pub fn turn(&self, now: Instant) -> Option<u64> {
        let mut so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        let is_over =
            so_far.began.is_none_or(|began| now.saturating_duration_since(began) >= self.period);
        if is_over {
            so_far.began = Some(now);
            so_far.told = 0;
        }
        if so_far.told >= self.most {
            so_far.untold = so_far.untold.saturating_add(1);
            return None;
        }
        so_far.told = so_far.told.saturating_add(1);
        Some(std::mem::take(&mut so_far.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loop_is_told_a_few_times_and_counted() {
        const PERIOD: Duration = Duration::from_secs(10);
        let (turns, start) = (Turns::new(20, PERIOD), Instant::now());
        let told = (0..1000).filter(|_| turns.turn(start).is_some()).count();
        assert_eq!(told, 20);
        assert_eq!(turns.turn(start + PERIOD / 2), None);
        assert_eq!(turns.turn(start + PERIOD), Some(981));
        assert_eq!(turns.turn(start + PERIOD), Some(0));
    }
}
