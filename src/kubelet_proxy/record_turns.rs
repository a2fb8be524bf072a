//! Which records are written: an API server can show fresh pods, and one object refused for ever other
//! reasons, as fast as a connection takes them.
//!
//! Each kind has turns of its own, so that a flood of one hides none of another. The metrics count all.

use tokio::time::Instant;

use super::limits::{RECORDS_PERIOD, RECORDS_TOLD};
use crate::audit::record::Decision;
use crate::audit::turns::Turns;

/// The turns of each kind of record. Each answer says how many before it were left out.
#[derive(Debug)]
pub(super) struct RecordTurns {
    denials: Turns,
    /// Denials of pods that have no name to record.
    nameless: Turns,
    /// Denials that were only observed, and exceptions.
    remarks: Turns,
    objects: Turns,
}

impl Default for RecordTurns {
    fn default() -> Self {
        let turns = || Turns::new(RECORDS_TOLD, RECORDS_PERIOD);
        Self { denials: turns(), nameless: turns(), remarks: turns(), objects: turns() }
    }
}

impl RecordTurns {
    /// Is the record of this decision to be written?
    pub(super) fn of_pod(&self, decision: Decision) -> Option<u64> {
        match decision {
            // Whoever asks for debug lines gets all of them.
            Decision::Admit => Some(0),
            Decision::Deny => self.denials.turn(Instant::now()),
            Decision::WouldDeny | Decision::Except => self.remarks.turn(Instant::now()),
        }
    }

    /// Is a pod without a name to be told of?
    pub(super) fn of_nameless(&self) -> Option<u64> {
        self.nameless.turn(Instant::now())
    }

    /// Is the record of an object that was withheld to be written?
    pub(super) fn of_object(&self) -> Option<u64> {
        self.objects.turn(Instant::now())
    }
}
