//! Every container that containerd creates, seen as it happens, and those that run.
//!
//! A pod that was refused must not have had a container even for a moment, so looking afterwards is
//! not enough: containerd's own event stream is followed. Sandboxes count: they are containers too.
//! One whose pod cannot be told counts against every pod.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::node::Node;
use crate::pods::{START_LIMIT, start_allowed};
use crate::program::Words;
use crate::wait::{Outcome, ensure, eventually};

/// The labels by which the kubelet marks containers.
const POD_NAME: &str = "io.kubernetes.pod.name";
const CONTAINER_NAME: &str = "io.kubernetes.container.name";

/// Programs are started to look, so not too often.
const PAUSE: Duration = Duration::from_secs(1);

/// A container that was created.
#[derive(Clone)]
struct Created {
    id: String,
    /// None: it was gone before anybody could ask whose it was.
    pod: Option<String>,
    /// None: the pod's sandbox.
    container: Option<String>,
}

impl std::fmt::Debug for Created {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pod = self.pod.as_deref().unwrap_or("nobody knows which");
        let container = self.container.as_deref().unwrap_or("sandbox");
        write!(f, "{container} of pod {pod} ({})", self.id)
    }
}

/// The follower of the event stream.
pub(crate) struct ContainerWatch {
    stream: Child,
    follower: Option<JoinHandle<()>>,
    seen: Arc<Mutex<Vec<Created>>>,
}

impl ContainerWatch {
    /// Starts to follow, and shows by an allowed pod called `witness` that what is created is seen.
    /// Also the ids of that pod's containers.
    pub(crate) fn start(node: &Node<'_>, witness: &str) -> Outcome<(Self, Vec<String>)> {
        let ctr = ctr(node);
        let mut stream = ctr.with(&["events"]).command().stdout(Stdio::piped()).spawn()?;
        let events = stream.stdout.take().ok_or("ctr events has no output")?;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&seen);
        let follower = spawn(move || {
            for line in BufReader::new(events).lines().map_while(Result::ok) {
                if let Some(id) = created_id(&line) {
                    let created = identify(&ctr, id);
                    sink.lock().unwrap_or_else(PoisonError::into_inner).push(created);
                }
            }
        });
        let watch = Self { stream, follower: Some(follower), seen };
        let containers = start_allowed(node, witness)?;
        eventually("containers in containerd's event stream", START_LIMIT, || {
            let seen = watch.of_pod(witness);
            let told = |id: &String| seen.iter().any(|created| created.id == *id);
            let all = containers.iter().all(told);
            ensure(all, || format!("{containers:?} run for {witness}, and it told {seen:?}"))
        })?;
        Ok((watch, containers))
    }

    /// An error if a container was ever created for a pod whose name begins so: a static pod's
    /// ends in its node's. Also if the stream broke: nothing seen would then mean nothing.
    pub(crate) fn saw_none(&mut self, pod: &str) -> Outcome {
        let seen = self.of_pod(pod);
        ensure(seen.is_empty(), || format!("containerd created for pod {pod}: {seen:?}"))?;
        let ended = self.stream.try_wait()?;
        ensure(ended.is_none(), || "containerd's event stream has ended".to_owned())
    }

    /// [`ContainerWatch::saw_none`] for all these pods throughout `span`.
    pub(crate) fn sees_none(&mut self, pods: &[String], span: Duration) -> Outcome {
        throughout(span, || pods.iter().try_for_each(|pod| self.saw_none(pod)))
    }

    fn of_pod(&self, name: &str) -> Vec<Created> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let belongs =
            |created: &&Created| created.pod.as_ref().is_none_or(|pod| pod.starts_with(name));
        seen.iter().filter(belongs).cloned().collect()
    }
}

impl Drop for ContainerWatch {
    fn drop(&mut self) {
        // Ignored: it can only have ended already.
        let _gone = self.stream.kill();
        let _reaped = self.stream.wait();
        if let Some(follower) = self.follower.take() {
            let _ended = follower.join();
        }
    }
}

/// Asks `condition` once a second throughout `span` and gives its first error.
pub(crate) fn throughout(span: Duration, mut condition: impl FnMut() -> Outcome) -> Outcome {
    let end = Instant::now() + span;
    while Instant::now() < end {
        condition()?;
        sleep(PAUSE);
    }
    condition()
}

/// The ids of the containers that run for the pod of that name, sorted.
pub(crate) fn running_containers(node: &Node<'_>, pod: &str) -> Outcome<Vec<String>> {
    let ctr = ctr(node);
    let filter = format!("labels.\"{POD_NAME}\"=={pod}");
    let known = ctr.with(&["containers", "list", "--quiet", &filter]).run()?;
    // Lines of `ID PID STATUS`.
    let tasks = ctr.with(&["tasks", "list"]).run()?;
    let runs = |id: &&str| {
        tasks.lines().any(|task| task.starts_with(id) && task.trim_end().ends_with("RUNNING"))
    };
    let mut ids = known.lines().filter(runs).map(str::to_owned).collect::<Vec<_>>();
    ids.sort();
    Ok(ids)
}

/// containerd's client, in the namespace of images and containers that kubelets use.
fn ctr(node: &Node<'_>) -> Words {
    node.options.ctr.with(&["--namespace", "k8s.io"])
}

/// The container of a line of `ctr events` that tells of a creation: `… TOPIC {"id":…}`.
fn created_id(line: &str) -> Option<String> {
    let (_, event) = line.split_once(" /containers/create ")?;
    let event = serde_json::from_str::<Value>(event).ok()?;
    Some(event["id"].as_str()?.to_owned())
}

fn identify(ctr: &Words, id: String) -> Created {
    let described = ctr.with(&["containers", "info", &id]).run().unwrap_or_default();
    let described = serde_json::from_str::<Value>(&described).unwrap_or_default();
    let label = |key: &str| described["Labels"][key].as_str().map(str::to_owned);
    Created { pod: label(POD_NAME), container: label(CONTAINER_NAME), id }
}
