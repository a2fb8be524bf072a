//! A case of which only the script and the outcome differ: one trial for each client-go minor, and
//! the control that shows the script to be harmful.
//!
//! Every script ends by giving the kubelet all pods that are allowed, after everything evil: when
//! these have arrived, what has not arrived will not.

use libtest_mimic::{Failed, Trial};

use super::pods::{event, good, list};
use super::reflector::{FIRST_WITH_WATCH_LIST, MINORS, is_evil, sets};
use super::world::World;
use crate::support::hostile_api_server::Protocols;
use crate::support::hostile_api_server::answer::Answer;
use crate::support::hostile_api_server::request::Kind;
use crate::support::hostile_api_server::script::Script;

/// The minor that reference §0 was measured with: controls run on it.
const MEASURED: u8 = 35;

/// Minors for cases that do not depend on the client.
const TAIL: [u8; 2] = [MEASURED, 37];

/// One row of the reference, or one variant of it.
#[derive(Clone)]
pub(crate) struct Case {
    name: String,
    script: Script,
    protocols: Protocols,
    pods: Vec<&'static str>,
    minors: Vec<u8>,
    harms: bool,
    list_status: Option<u16>,
    rejected: Vec<&'static str>,
}

impl Case {
    /// `row` of reference §5; at the end the kubelet must have exactly the pod `good`.
    pub(crate) fn new(row: u8, name: impl std::fmt::Display, script: Script) -> Self {
        Self {
            name: format!("row_{row:02}_{name}").replace(' ', "_"),
            script,
            protocols: Protocols::Http1,
            pods: vec!["good"],
            minors: TAIL.to_vec(),
            harms: false,
            list_status: None,
            rejected: Vec::new(),
        }
    }

    /// The first LIST gets `bad`, the next one the pod `good`.
    pub(crate) fn list(row: u8, name: impl std::fmt::Display, bad: Answer) -> Self {
        let recovered = Answer::document(&list(30, [good("good")]));
        Self::new(row, name, Script::new().on(Kind::List, [bad, recovered]))
    }

    /// The first LIST is empty, the first watch gets `bad`; should that end, the next LIST has `good`
    /// and the next watch brings it.
    pub(crate) fn watch(row: u8, name: impl std::fmt::Display, bad: Answer) -> Self {
        let lists = [list(10, []), list(30, [good("good")])];
        let script = Script::new()
            .on(Kind::List, lists.iter().map(Answer::document))
            .on(Kind::Watch, [bad, Answer::watch([event("ADDED", &good("good"))])]);
        Self::new(row, name, script)
    }

    /// The first WatchList gets `bad`; should that end, a LIST has `good`.
    pub(crate) fn watch_list(row: u8, name: impl std::fmt::Display, bad: Answer) -> Self {
        let script = Script::new()
            .on(Kind::WatchList, [bad, Answer::refusal(422, "Invalid")])
            .on(Kind::List, [Answer::document(&list(30, [good("good")]))]);
        let mut case = Self::new(row, name, script);
        case.minors.retain(|minor| *minor >= FIRST_WITH_WATCH_LIST);
        case
    }

    /// Runs with every minor that the case is about.
    pub(crate) fn on_all_minors(mut self) -> Self {
        let oldest = match self.script.answers_to(Kind::WatchList) {
            0 => 0,
            _ => FIRST_WITH_WATCH_LIST,
        };
        self.minors = MINORS.into_iter().filter(|minor| *minor >= oldest).collect();
        self
    }

    /// Without a proxy, something evil arrives: the control asserts that it does.
    pub(crate) fn harms(mut self) -> Self {
        self.harms = true;
        self
    }

    /// The first LIST is answered with this status.
    pub(crate) fn list_status(mut self, status: u16) -> Self {
        self.list_status = Some(status);
        self
    }

    pub(crate) fn protocols(mut self, protocols: Protocols) -> Self {
        self.protocols = protocols;
        self
    }

    /// The pods that the kubelet has at the end, instead of `good`.
    pub(crate) fn pods(mut self, names: &[&'static str]) -> Self {
        self.pods = names.to_vec();
        self
    }

    /// The pods whose status must be patched to Failed.
    pub(crate) fn rejected(mut self, names: &[&'static str]) -> Self {
        self.rejected = names.to_vec();
        self
    }

    /// The same case, each byte of its bodies delivered alone.
    pub(crate) fn byte_by_byte(mut self) -> Self {
        self.name.push_str("_byte_by_byte");
        self.script = self.script.map_reads(Answer::byte_by_byte);
        self.harms = false;
        self
    }

    /// All trials of the case.
    pub(crate) fn trials(&self) -> Vec<Trial> {
        let guarded = self.minors.iter().map(|minor| {
            let (case, minor) = (self.clone(), *minor);
            let name = format!("{}::client_go_0_{minor}", self.name);
            Trial::test(name, move || case.run_guarded(minor))
        });
        let control = self.harms.then(|| {
            let case = self.clone();
            let name = format!("control::{}", self.name);
            Trial::test(name, move || case.run_unguarded(MEASURED))
        });
        guarded.chain(control).collect()
    }

    fn run_guarded(&self, minor: u8) -> Result<(), Failed> {
        let world = World::new(self.protocols, self.script.clone());
        let proxy = world.proxy();
        let kubelet = world.guarded(minor, &proxy, &["reflect"]);
        kubelet.wait_for_set(&self.pods);
        kubelet.assert_no_evil();
        if let Some(status) = self.list_status {
            let lines = kubelet.lines();
            let first = lines
                .iter()
                .find(|line| line["url"].as_str().is_some_and(|url| !url.contains("watch=true")));
            assert_eq!(first.expect("a LIST")["status"], status);
        }
        for name in &self.rejected {
            world.wait_for_request(|request| {
                request.kind() == Kind::PatchStatus && request.path().contains(&format!("/{name}/"))
            });
        }
        Ok(())
    }

    fn run_unguarded(&self, minor: u8) -> Result<(), Failed> {
        let world = World::new(self.protocols, self.script.clone());
        let kubelet = world.unguarded(minor, &["reflect"]);
        kubelet
            .wait_until(|lines| sets(lines).any(is_evil))
            .map_err(|lines| super::reflector::brief(&lines))?;
        Ok(())
    }
}
