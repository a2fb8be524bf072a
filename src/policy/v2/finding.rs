//! What keeps a pod from fitting a rule, and how much of it somebody wants to hear.
//!
//! There is one piece of matching code. In production it stops at the first thing that does not
//! fit, without a word; only for the rule that a denial names is the text of it made. `explain`
//! goes on and collects all. Paths are built on the stack and written for a finding alone, so that
//! an admitted pod costs no text.

use std::fmt;
use std::ops::ControlFlow;

use crate::policy::explanation::Finding;
use crate::policy::verdict::Quoted;

/// Longest text of a rule or a pod in a reason.
const MAX_SHOWN_CHARS: usize = 600;

/// Go on, or stop because enough is known.
pub(in crate::policy) type Fit = ControlFlow<()>;

/// A place in a pod: a list on the stack, from the end of the path to its beginning.
#[derive(Clone, Copy, Debug)]
pub(in crate::policy) enum Place<'p> {
    /// Where paths begin.
    Top(&'static str),
    /// A field of an object.
    Field(&'p Place<'p>, &'static str),
    /// An element of a list.
    Element(&'p Place<'p>, usize),
    /// A key of a map.
    Key(&'p Place<'p>, &'p str),
}

/// Findings so far.
#[derive(Debug)]
pub(in crate::policy) struct Findings {
    wanted: Wanted,
    kept: Vec<Finding>,
    count: usize,
}

/// How much is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// Whether there is anything.
    Any,
    /// How many there are, up to so many.
    Count(usize),
    /// The first one, fit for a log: no values that may be secret.
    First,
    /// Everything, for whoever may read the pod anyway.
    All,
}

/// A finding at this place.
pub(in crate::policy) fn finding(
    place: &Place<'_>,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Finding {
    Finding::of_pod(place.to_string(), expected, found)
}

impl<'p> Place<'p> {
    /// A field here.
    pub(in crate::policy) fn field(&'p self, name: &'static str) -> Self {
        Place::Field(self, name)
    }

    /// An element here.
    pub(in crate::policy) fn element(&'p self, index: usize) -> Self {
        Place::Element(self, index)
    }

    /// The value of a key here.
    pub(in crate::policy) fn key(&'p self, key: &'p str) -> Self {
        Place::Key(self, key)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top(name) => out.write_str(name),
            Self::Field(above, name) => write!(out, "{above}.{name}"),
            Self::Element(above, index) => write!(out, "{above}[{index}]"),
            Self::Key(above, key) => write!(out, "{above}[\"{}\"]", Quoted(key)),
        }
    }
}

impl Findings {
    /// Asks only whether something does not fit.
    pub(in crate::policy) fn any() -> Self {
        Self::wanting(Wanted::Any)
    }

    /// Counts, up to so many.
    pub(in crate::policy) fn counting(most: usize) -> Self {
        Self::wanting(Wanted::Count(most))
    }

    /// Asks for the first finding.
    pub(in crate::policy) fn first() -> Self {
        Self::wanting(Wanted::First)
    }

    /// Asks for all of them.
    pub(in crate::policy) fn all() -> Self {
        Self::wanting(Wanted::All)
    }

    fn wanting(wanted: Wanted) -> Self {
        Self { wanted, kept: Vec::new(), count: 0 }
    }

    /// How many were found.
    pub(in crate::policy) fn count(&self) -> usize {
        self.count
    }

    /// Those that were kept.
    pub(in crate::policy) fn into_kept(self) -> Vec<Finding> {
        self.kept
    }

    /// May values be shown that are secret as often as not?
    pub(super) fn shows_values(&self) -> bool {
        self.wanted == Wanted::All
    }

    /// Something does not fit.
    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) -> Fit {
        self.count = self.count.saturating_add(1);
        match self.wanted {
            Wanted::Any => Fit::Break(()),
            Wanted::Count(most) if self.count < most => Fit::Continue(()),
            Wanted::Count(_) => Fit::Break(()),
            Wanted::First => {
                self.kept.push(cut(finding()));
                Fit::Break(())
            }
            Wanted::All => {
                self.kept.push(finding());
                Fit::Continue(())
            }
        }
    }

    /// One of several alternatives has to fit; the findings of the nearest speak for all if none
    /// does. Says which one fits.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        alternatives: impl Iterator<Item = T> + Clone,
        mut fits: impl FnMut(T, &mut Findings) -> Fit,
        none: impl FnOnce() -> Finding,
    ) -> ControlFlow<(), Option<T>> {
        for alternative in alternatives.clone() {
            if fits(alternative, &mut Self::any()).is_continue() {
                return ControlFlow::Continue(Some(alternative));
            }
        }
        if self.wanted == Wanted::Any {
            return ControlFlow::Break(());
        }
        let mut nearest = None;
        let mut fewest = usize::MAX;
        for alternative in alternatives {
            let mut findings = Self::counting(fewest);
            let _ = fits(alternative, &mut findings);
            if findings.count < fewest {
                fewest = findings.count;
                nearest = Some(alternative);
            }
        }
        match nearest {
            Some(alternative) => fits(alternative, self)?,
            None => self.add(none)?,
        }
        ControlFlow::Continue(None)
    }

    /// Looks for findings in one part of a rule: changes are to be written below `part`.
    pub(super) fn below(
        &mut self,
        part: impl FnOnce() -> String,
        look: impl FnOnce(&mut Self) -> Fit,
    ) -> Fit {
        let before = self.kept.len();
        let fit = look(self);
        if self.kept.len() > before {
            let part = part();
            for change in self.kept.iter_mut().skip(before).filter_map(|it| it.change.as_mut()) {
                change.place = format!("{part}.{}", change.place);
            }
        }
        fit
    }
}

/// A reason goes into logs and status messages, and a rule may list a page.
fn cut(finding: Finding) -> Finding {
    let cut = |text: String| match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    };
    Finding { expected: cut(finding.expected), found: cut(finding.found), ..finding }
}
