//! Medians of rounds, and ratios of neighbours in time.
//!
//! A ratio is taken within each round and then summarised: what the machine did in a round hits
//! both sides of it.

/// What a set of rounds comes to.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

/// Summarises samples; `None` if there are none.
pub(crate) fn summary(samples: &[f64]) -> Option<Summary> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
    Some(Summary { median: f64::midpoint(lower, upper), least, most })
}

/// Summarises `ours` in multiples of `theirs`, round by round.
pub(crate) fn ratio(ours: &[f64], theirs: &[f64]) -> Option<Summary> {
    let pairs = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs);
    summary(&pairs.collect::<Vec<_>>())
}
