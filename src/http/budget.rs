//! One budget for the bytes of all bodies in flight (`--max-body-memory`).
//!
//! Bytes are reserved before they are held and given back when the last holder drops them, which for
//! bytes handed to a connection is when they were written to it. Waiting is bounded: two bodies that
//! each hold half and want more cannot wait for one another for ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::limits::BUDGET_WAIT;

/// What one unit of the semaphore stands for: its counts are 32 bits wide, budgets may be wider.
const UNIT_BYTES: u64 = 1024;

/// The budget; clones share it.
#[derive(Clone, Debug)]
pub struct BodyBudget {
    shared: Arc<Shared>,
}

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    budget: BodyBudget,
    permit: OwnedSemaphorePermit,
}

/// Why bytes could not be reserved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BudgetError {
    /// Would not fit an unused budget either.
    #[error(
        "{asked_bytes} bytes are more than the whole body budget of {limit_bytes} bytes: \
         raise --max-body-memory"
    )]
    NeverFits {
        /// Bytes asked for, in all.
        asked_bytes: u64,
        /// The whole budget.
        limit_bytes: u64,
    },
    /// Other bodies hold too much of it, and did not give back enough in time.
    #[error("the body budget of {limit_bytes} bytes is in use by other requests")]
    InUse {
        /// The whole budget.
        limit_bytes: u64,
    },
}

#[derive(Debug)]
struct Shared {
    units: Arc<Semaphore>,
    limit_units: u32,
    peak_bytes: AtomicU64,
}

/// Bytes and the reservation that covers them.
struct Covered<T> {
    bytes: T,
    _reservation: Reservation,
}

impl BodyBudget {
    /// A budget of this many bytes, rounded up to whole KiB.
    pub fn new(limit_bytes: u64) -> Self {
        let limit_units = units(limit_bytes).min(MAX_UNITS);
        Self {
            shared: Arc::new(Shared {
                units: Arc::new(Semaphore::new(limit_units as usize)),
                limit_units,
                peak_bytes: AtomicU64::new(0),
            }),
        }
    }

    /// Reserves bytes, waiting up to [`BUDGET_WAIT`] for others to give theirs back.
    ///
    /// Cancel safe: a dropped call has reserved nothing. Served in the order asked.
    ///
    /// # Errors
    /// [`BudgetError`]; either way nothing is held.
    pub async fn reserve(&self, bytes: u64) -> Result<Reservation, BudgetError> {
        self.reserve_within(BUDGET_WAIT, bytes).await
    }

    /// Reserves bytes if they are free now.
    ///
    /// # Errors
    /// [`BudgetError`], without waiting.
    pub fn try_reserve(&self, bytes: u64) -> Result<Reservation, BudgetError> {
        let wanted = self.checked_units(bytes)?;
        let permit = Arc::clone(&self.shared.units).try_acquire_many_owned(wanted);
        self.reservation(permit.ok())
    }

    /// The whole budget, in bytes.
    pub fn limit_bytes(&self) -> u64 {
        bytes_of(self.shared.limit_units)
    }

    /// Bytes reserved now.
    pub fn in_use_bytes(&self) -> u64 {
        let free = u32::try_from(self.shared.units.available_permits()).unwrap_or(u32::MAX);
        bytes_of(self.shared.limit_units.saturating_sub(free))
    }

    /// Most bytes ever reserved at once.
    pub fn peak_bytes(&self) -> u64 {
        self.shared.peak_bytes.load(Ordering::Relaxed)
    }

    async fn reserve_within(&self, wait: Duration, bytes: u64) -> Result<Reservation, BudgetError> {
        let wanted = self.checked_units(bytes)?;
        let acquired =
            timeout(wait, Arc::clone(&self.shared.units).acquire_many_owned(wanted)).await;
        self.reservation(acquired.ok().and_then(Result::ok))
    }

    fn checked_units(&self, bytes: u64) -> Result<u32, BudgetError> {
        let wanted = units(bytes);
        if wanted > self.shared.limit_units {
            return Err(BudgetError::NeverFits {
                asked_bytes: bytes,
                limit_bytes: self.limit_bytes(),
            });
        }
        Ok(wanted)
    }

    fn reservation(
        &self,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Result<Reservation, BudgetError> {
        let Some(permit) = permit else {
            return Err(BudgetError::InUse { limit_bytes: self.limit_bytes() });
        };
        self.shared.peak_bytes.fetch_max(self.in_use_bytes(), Ordering::Relaxed);
        Ok(Reservation { budget: self.clone(), permit })
    }
}

impl Reservation {
    /// Bytes covered.
    pub fn bytes(&self) -> u64 {
        (self.permit.num_permits() as u64).saturating_mul(UNIT_BYTES)
    }

    /// Makes the reservation cover at least `bytes` in all, waiting as [`BodyBudget::reserve`] does.
    ///
    /// # Errors
    /// [`BudgetError`]; what was held before is still held.
    pub async fn grow_to(&mut self, bytes: u64) -> Result<(), BudgetError> {
        self.budget.checked_units(bytes)?;
        let missing = bytes.saturating_sub(self.bytes());
        if missing > 0 {
            let more = self.budget.reserve(missing).await?;
            self.permit.merge(more.permit);
        }
        Ok(())
    }

    /// Makes the reservation cover at least `bytes` in all, if they are free now.
    ///
    /// # Errors
    /// [`BudgetError`], without waiting; what was held before is still held.
    pub fn try_grow_to(&mut self, bytes: u64) -> Result<(), BudgetError> {
        self.budget.checked_units(bytes)?;
        let missing = bytes.saturating_sub(self.bytes());
        if missing > 0 {
            let more = self.budget.try_reserve(missing)?;
            self.permit.merge(more.permit);
        }
        Ok(())
    }

    /// Gives back what exceeds `bytes`.
    pub fn shrink_to(&mut self, bytes: u64) {
        let kept = units(bytes) as usize;
        let surplus = self.permit.num_permits().saturating_sub(kept);
        drop(self.permit.split(surplus));
    }

    /// Cuts off a reservation of `bytes`; `None` if less is held.
    pub fn split(&mut self, bytes: u64) -> Option<Self> {
        let permit = self.permit.split(units(bytes) as usize)?;
        Some(Self { budget: self.budget.clone(), permit })
    }

    /// Ties the reservation to bytes: it is given back when the last clone of them is dropped.
    pub fn cover(mut self, bytes: impl AsRef<[u8]> + Send + 'static) -> Bytes {
        self.shrink_to(bytes.as_ref().len() as u64);
        Bytes::from_owner(Covered { bytes, _reservation: self })
    }
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for Covered<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

fn units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT_BYTES)).unwrap_or(u32::MAX)
}

fn bytes_of(units: u32) -> u64 {
    u64::from(units).saturating_mul(UNIT_BYTES)
}

/// Most units of a budget, so that a wish that overflows (`u32::MAX`) never fits.
const MAX_UNITS: u32 = u32::MAX - 1;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: u64 = 10 * UNIT_BYTES;

    #[tokio::test]
    async fn bytes_are_given_back_when_the_last_clone_is_dropped() {
        let budget = BodyBudget::new(LIMIT);
        let reservation = budget.reserve(LIMIT).await.unwrap();
        let bytes = reservation.cover(vec![7; 3 * UNIT_BYTES as usize]);
        assert_eq!(budget.in_use_bytes(), 3 * UNIT_BYTES, "the surplus is given back at once");
        let piece = bytes.slice(5..6);
        drop(bytes);
        assert_eq!(budget.in_use_bytes(), 3 * UNIT_BYTES, "a slice keeps all of it alive");
        drop(piece);
        assert_eq!(budget.in_use_bytes(), 0);
        assert_eq!(budget.peak_bytes(), LIMIT);
    }

    #[tokio::test]
    async fn what_can_never_fit_is_refused_without_waiting() {
        let budget = BodyBudget::new(LIMIT);
        for asked_bytes in [LIMIT + 1, u64::MAX] {
            let refused = budget.reserve(asked_bytes).await.unwrap_err();
            assert_eq!(refused, BudgetError::NeverFits { asked_bytes, limit_bytes: LIMIT });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_for_others_ends_in_time() {
        let budget = BodyBudget::new(LIMIT);
        let _held = budget.reserve(LIMIT).await.unwrap();
        let started = tokio::time::Instant::now();
        let refused = budget.reserve(1).await.unwrap_err();
        assert_eq!(refused, BudgetError::InUse { limit_bytes: LIMIT });
        assert_eq!(started.elapsed(), BUDGET_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn two_bodies_that_want_each_others_half_do_not_wait_for_ever() {
        let budget = BodyBudget::new(LIMIT);
        let mut one = budget.reserve(LIMIT / 2).await.unwrap();
        let mut two = budget.reserve(LIMIT / 2).await.unwrap();
        let (grown_one, grown_two) = tokio::join!(one.grow_to(LIMIT), two.grow_to(LIMIT));
        assert!(grown_one.is_err() && grown_two.is_err());
        assert_eq!((one.bytes(), two.bytes()), (LIMIT / 2, LIMIT / 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_body_gets_what_another_gives_back() {
        let budget = BodyBudget::new(LIMIT);
        let held = budget.reserve(LIMIT).await.unwrap();
        let waiting = tokio::spawn({
            let budget = budget.clone();
            async move { budget.reserve(1).await.map(|got| got.bytes()) }
        });
        tokio::task::yield_now().await;
        drop(held);
        assert_eq!(waiting.await.unwrap(), Ok(UNIT_BYTES));
    }

    #[tokio::test]
    async fn growing_at_once_takes_what_is_free_or_nothing() {
        let budget = BodyBudget::new(LIMIT);
        let mut one = budget.try_reserve(UNIT_BYTES).unwrap();
        assert_eq!(one.try_grow_to(4 * UNIT_BYTES), Ok(()));
        assert_eq!(one.try_grow_to(2 * UNIT_BYTES), Ok(()), "growing never shrinks");
        assert_eq!(one.bytes(), 4 * UNIT_BYTES);
        let _other = budget.try_reserve(6 * UNIT_BYTES).unwrap();
        assert_eq!(one.try_grow_to(5 * UNIT_BYTES), Err(BudgetError::InUse { limit_bytes: LIMIT }));
        assert_eq!(one.bytes(), 4 * UNIT_BYTES);
    }

    #[tokio::test]
    async fn a_split_share_is_given_back_on_its_own() {
        let budget = BodyBudget::new(LIMIT);
        let mut whole = budget.reserve(LIMIT).await.unwrap();
        let share = whole.split(2 * UNIT_BYTES).unwrap();
        assert!(whole.split(LIMIT).is_none());
        drop(share);
        assert_eq!(budget.in_use_bytes(), 8 * UNIT_BYTES);
    }

    proptest! {
        #[test]
        fn no_sequence_of_reservations_exceeds_or_leaks_the_budget(
            sizes in prop::collection::vec(0..2 * LIMIT, 0..40),
        ) {
            let budget = BodyBudget::new(LIMIT);
            let mut held = Vec::new();
            for size in sizes {
                match budget.try_reserve(size) {
                    Ok(reservation) => {
                        prop_assert!(reservation.bytes() >= size);
                        held.push(reservation);
                    }
                    Err(_) => { held.pop(); }
                }
                prop_assert!(budget.in_use_bytes() <= LIMIT);
            }
            drop(held);
            prop_assert_eq!(budget.in_use_bytes(), 0);
        }
    }
}
