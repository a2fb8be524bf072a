//! `updates`: which changes of a pod are tolerated while it runs.

use crate::policy::error::PolicyError;
use crate::policy::located::Located;
use crate::policy::v2::text_rule::read_word;

const WORDS: [&str; 4] = ["image", "resources", "activeDeadlineSeconds", "tolerations"];

/// Fields that the API may change once a pod runs, and that may change here. Whatever they become is
/// decided on again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Updates {
    /// `image` of containers and init containers.
    pub image: bool,
    /// `resources` of containers and of the pod.
    pub resources: bool,
    /// `activeDeadlineSeconds`.
    pub active_deadline_seconds: bool,
    /// `tolerations`.
    pub tolerations: bool,
}

impl Updates {
    /// As the API has it: what the first version of the language tolerates.
    pub const ALL: Self =
        Self { image: true, resources: true, active_deadline_seconds: true, tolerations: true };

    /// A pod goes on with the images that it began with.
    pub(in crate::policy) const USUAL: Self = Self { image: false, ..Self::ALL };

    /// Reads the list. It may be empty: then nothing may change.
    pub(super) fn read(at: &Located<'_>) -> Result<Self, PolicyError> {
        let words = at.elements_or_none()?;
        let words: Vec<_> =
            words.iter().map(|at| read_word(at, &WORDS)).collect::<Result<_, _>>()?;
        let [image, resources, active_deadline_seconds, tolerations] =
            WORDS.map(|word| words.contains(&word));
        Ok(Self { image, resources, active_deadline_seconds, tolerations })
    }
}
