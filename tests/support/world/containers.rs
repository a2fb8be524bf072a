//! Every container that containerd ever creates, seen as it happens.
//!
//! A pod that was refused must not have had a container even for a moment, so looking afterwards is
//! not enough: containerd's own event stream is followed from before the kubelet starts. Sandboxes
//! count: they are containers too. One whose pod cannot be told counts against every pod.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, spawn};

use serde_json::Value;

use super::janitor::Janitor;
use super::namespace::Inside;
use super::node::{CONTAINERD, ctr};
use crate::support::wait::{Outcome, ensure};

/// The labels by which the kubelet marks containers.
const POD_NAME: &str = "io.kubernetes.pod.name";
const CONTAINER_NAME: &str = "io.kubernetes.container.name";

/// A container that was created.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Created {
    pub(crate) id: String,
    /// None: it was gone before anybody could ask whose it was.
    pub(crate) pod: Option<String>,
    /// None: the pod's sandbox.
    pub(crate) container: Option<String>,
}

/// The follower of the event stream.
pub(crate) struct ContainerWatch {
    stream: Child,
    follower: Option<JoinHandle<()>>,
    seen: Arc<Mutex<Vec<Created>>>,
}

impl ContainerWatch {
    /// Starts to follow; containerd must be up.
    pub(crate) fn start(inside: Inside, janitor: &Janitor) -> Outcome<Self> {
        let mut stream = inside
            .command("ctr")
            .args(["--address", CONTAINERD, "--namespace", "k8s.io", "events"])
            .stdout(Stdio::piped())
            .spawn()?;
        let events = stream.stdout.take().ok_or("ctr events has no output")?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let notice = janitor.notice().ok_or("the janitor has gone")?;
        let follower = spawn(move || {
            for line in BufReader::new(events).lines().map_while(Result::ok) {
                if let Some(id) = created_id(&line) {
                    notice.container(&id);
                    let created = identify(inside, id);
                    sink.lock().unwrap_or_else(PoisonError::into_inner).push(created);
                }
            }
        });
        Ok(Self { stream, follower: Some(follower), seen })
    }

    /// All that were created so far and belong, or may belong, to the pod of that name.
    pub(crate) fn of_pod(&self, name: &str) -> Vec<Created> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let belongs = |created: &&Created| created.pod.as_deref().is_none_or(|pod| pod == name);
        seen.iter().filter(belongs).cloned().collect()
    }

    /// An error if the stream broke: nothing seen would then mean nothing.
    pub(crate) fn check_running(&mut self) -> Outcome {
        let ended = self.stream.try_wait()?;
        ensure(ended.is_none(), || "containerd's event stream has ended".to_owned())
    }

    /// Collects stream and follower after the namespace has ended.
    pub(crate) fn reap(&mut self) {
        let _gone = self.stream.wait();
        if let Some(follower) = self.follower.take() {
            let _ended = follower.join();
        }
    }
}

/// The ids of the containers that run for the pod of that name, sorted.
pub(crate) fn running(inside: Inside, pod: &str) -> Outcome<Vec<String>> {
    let filter = format!("labels.\"{POD_NAME}\"=={pod}");
    let known = ctr(inside, &["containers", "list", "--quiet", &filter])?;
    // Lines of `ID PID STATUS`.
    let tasks = ctr(inside, &["tasks", "list"])?;
    let runs = |id: &&str| {
        tasks.lines().any(|task| task.starts_with(id) && task.trim_end().ends_with("RUNNING"))
    };
    let mut ids = known.lines().filter(runs).map(str::to_owned).collect::<Vec<_>>();
    ids.sort();
    Ok(ids)
}

/// The container of a line of `ctr events` that tells of a creation: `… TOPIC {"id":…}`.
fn created_id(line: &str) -> Option<String> {
    let (_, event) = line.split_once(" /containers/create ")?;
    let event = serde_json::from_str::<Value>(event).ok()?;
    Some(event["id"].as_str()?.to_owned())
}

fn identify(inside: Inside, id: String) -> Created {
    let described = ctr(inside, &["containers", "info", &id]).unwrap_or_default();
    let described = serde_json::from_str::<Value>(&described).unwrap_or_default();
    let label = |key| described["Labels"][key].as_str().map(str::to_owned);
    Created { pod: label(POD_NAME), container: label(CONTAINER_NAME), id }
}
