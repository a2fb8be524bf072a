//! Our subset of CEL against cel-go: an expression that loads here means there what it means here.
//!
//! It does not ask that what Go takes loads here: being narrower is the point. Where we have no answer,
//! Go has none either.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "support/go.rs"]
mod go;
#[path = "cel/made_up.rs"]
mod made_up;

use std::cell::{Cell, RefCell};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use nodeward::kube_wire::document::read_whole;
use nodeward::kube_wire::json::{Limits, Tape};
use nodeward::kube_wire::pod_schema::POD;
use nodeward::kube_wire::schema::check;
use nodeward::policy::expressions::{Answer, Expression, Fuel};
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

const CASES: u32 = 6_000;

/// Those of each answer must not be so few that the comparison says nothing.
const FEWEST: u32 = CASES / 20;

const PODS: [&str; 3] = [
    r#"{"metadata":{"name":"p","namespace":"prod","labels":{"app":"shop","x/y":"a"}},"spec":{"hostNetwork":true,"activeDeadlineSeconds":30,"containers":[{"name":"a","image":"a:1","args":["a","b-c"]},{"name":"b","image":"b"}]}}"#,
    r#"{"metadata":{"name":"app","namespace":"a","labels":{"app":"é"}},"spec":{"hostNetwork":false,"hostPID":true,"securityContext":{"runAsUser":0},"initContainers":[{"name":"i","image":"i","securityContext":{}}],"containers":[{"name":"prod","image":"p","args":[]}]}}"#,
    r#"{"metadata":{"name":"none","labels":{"none":""}},"spec":{"hostNetwork":true,"hostPID":null,"containers":[{"name":"c","image":"x","args":[""]},{"name":"d","image":"y","securityContext":{"runAsUser":7}}]}}"#,
];

struct CelGo {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl CelGo {
    fn start() -> Self {
        let mut child = Command::new(go::build("cel", None, "cel"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self { questions: child.stdin.take(), answers, child }
    }

    fn ask(&mut self, expression: &str, pod: &str) -> String {
        let pod: serde_json::Value = serde_json::from_str(pod).unwrap();
        let question = serde_json::json!({"expression": expression, "object": pod});
        writeln!(self.questions.as_mut().unwrap(), "{question}").expect("it reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("it answers");
        answer.trim().to_owned()
    }
}

impl Drop for CelGo {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}

/// `None` if it does not load.
fn our_answer(expression: &str, pod: &str) -> Option<&'static str> {
    let expression = Expression::compile(expression).ok()?;
    let mut tape = Tape::default();
    let flaw = read_whole(pod.as_bytes(), &mut tape, Limits { depth: 64, nodes: 10_000 }).unwrap();
    assert_eq!(flaw, None);
    let checked = check(tape.root(pod.as_bytes()), &POD).unwrap();
    Some(match expression.ask(checked.value(), &mut Fuel::default()) {
        Answer::Yes => "true",
        Answer::No => "false",
        Answer::Unanswered(_) => "error",
    })
}

#[test]
fn what_loads_means_what_it_means_to_cel_go() {
    let go = RefCell::new(CelGo::start());
    let counts = [("true", Cell::new(0)), ("false", Cell::new(0)), ("error", Cell::new(0))];
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    // The same expressions in every run: a failure can be looked at, and CI does not flicker.
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let outcome = TestRunner::new_with_rng(config, rng).run(&vec(any::<u8>(), 1..80), |choices| {
        let expression = made_up::expression(&choices);
        for pod in PODS {
            let Some(ours) = our_answer(&expression, pod) else { return Ok(()) };
            let theirs = go.borrow_mut().ask(&expression, pod);
            if ours != theirs {
                return Err(TestCaseError::fail(format!(
                    "{expression}\nof {pod}\nours: {ours}, Go's: {theirs}"
                )));
            }
            let (_, count) = counts.iter().find(|(answer, _)| *answer == ours).unwrap();
            count.set(count.get() + 1);
        }
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
    for (answer, count) in counts {
        println!("{} times {answer}", count.get());
        assert!(count.get() >= FEWEST, "only {} times {answer}", count.get());
    }
}
