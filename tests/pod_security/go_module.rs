//! The Go program that asks Kubernetes' own pod security admission, as a child of the test.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::go;

/// By level and version, such as `baseline:v1.34`: the ids of the checks that forbid a pod.
pub(crate) type Answer = BTreeMap<String, Vec<String>>;

/// Ends with its input: dropping it closes the pipe and waits.
pub(crate) struct GoModule {
    child: Child,
    pods: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl GoModule {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(go::build("podsecurity", None, "podsecurity"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let answers = BufReader::new(child.stdout.take().expect("piped"));
        Self { pods: child.stdin.take(), answers, child }
    }

    pub(crate) fn ask(&mut self, pod: &serde_json::Value) -> Answer {
        let pods = self.pods.as_mut().expect("open until dropped");
        writeln!(pods, "{pod}").expect("the program reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the program answers");
        serde_json::from_str(&answer).expect("the program writes JSON")
    }
}

impl Drop for GoModule {
    fn drop(&mut self) {
        drop(self.pods.take());
        let _ = self.child.wait();
    }
}
