//! What each kind of request is answered: a sequence whose last answer repeats.
//!
//! What a script leaves out is answered as a friendly and empty API server would.

use std::collections::HashMap;

use serde_json::json;

use super::answer::Answer;
use super::request::{Kind, Recorded};

/// Answers for each kind of request, and how many were given.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: HashMap<Kind, Vec<Answer>>,
    given: HashMap<Kind, usize>,
}

impl Script {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The n-th request of `kind` gets the n-th answer, and all later ones the last.
    pub(crate) fn on(mut self, kind: Kind, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers.insert(kind, answers.into_iter().collect());
        self
    }

    /// How many answers the script itself has for `kind`.
    pub(crate) fn answers_to(&self, kind: Kind) -> usize {
        self.answers.get(&kind).map_or(0, Vec::len)
    }

    /// The same script with every answer to a LIST or WATCH changed.
    pub(crate) fn map_reads(mut self, change: impl Fn(Answer) -> Answer) -> Self {
        for kind in [Kind::List, Kind::NextPage, Kind::Watch, Kind::WatchList] {
            if let Some(answers) = self.answers.remove(&kind) {
                self.answers.insert(kind, answers.into_iter().map(&change).collect());
            }
        }
        self
    }

    pub(super) fn answer(&mut self, request: &Recorded) -> Answer {
        let kind = request.kind();
        let given = self.given.entry(kind).or_default();
        let position = *given;
        *given += 1;
        match self.answers.get(&kind) {
            Some(answers) if !answers.is_empty() => {
                answers[position.min(answers.len() - 1)].clone()
            }
            Some(_) | None => friendly(kind, request),
        }
    }
}

fn friendly(kind: Kind, request: &Recorded) -> Answer {
    match kind {
        // What a server answers that does not offer WatchList: clients go back to LIST.
        Kind::WatchList => Answer::refusal(422, "Invalid"),
        Kind::Watch => Answer::watch(Vec::<String>::new()),
        Kind::List | Kind::NextPage => Answer::document(&json!({
            "kind": "PodList", "apiVersion": "v1",
            "metadata": {"resourceVersion": "1"}, "items": [],
        })),
        Kind::PatchStatus | Kind::CreatePod | Kind::Event | Kind::Lease => {
            Answer::json(200, request.body.clone())
        }
        Kind::DeletePod => Answer::refusal(200, "Deleted"),
        Kind::GetPod | Kind::Objects | Kind::WatchObjects | Kind::OneObject | Kind::Other => {
            Answer::refusal(404, "NotFound")
        }
    }
}
