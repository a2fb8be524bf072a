//! A reloaded policy counts for what runs already: a pod that it denies is stopped and told why, all
//! others stay, and the process stays. With the old policy back, such a pod runs again.

use std::fs::{hard_link, metadata, read_to_string, rename, set_permissions, write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::containers::running_containers;
use crate::node::Node;
use crate::pods::{REJECT_LIMIT, allowed, is_rejected, running, untouched};
use crate::proxy::{main_pid, status};
use crate::wait::{Outcome, ensure, eventually};

/// The label that the stricter policy denies.
const DENIED: &str = "denied-by-node-promises";

pub(crate) fn check(node: &Node<'_>) -> Outcome {
    let file = node.options.policy_file()?;
    node.options.reload_proxy()?;
    let process = main_pid(node)?;
    let (bystander, stopped) = (node.named("bystander"), node.named("stopped"));
    node.create(&[allowed(node, &bystander), labelled(node, &stopped)])?;
    let containers = running(node, &bystander)?;
    running(node, &stopped)?;

    let kept = KeptPolicy::replace(file, &stricter(node, file)?)?;
    let outcome = reload(node).and_then(|()| is_stopped(node, &stopped));
    // Also after a failure: the node's policy is not ours to change.
    kept.restore()?;
    let restored = reload(node);
    outcome.and(restored)?;
    untouched(node, &bystander, &containers)?;

    let again = node.named("again");
    node.create(&[labelled(node, &again)])?;
    running(node, &again)?;
    let now = main_pid(node)?;
    ensure(now == process, || format!("the proxy was process {process} and is {now}"))
}

/// Reloads. That the command succeeds says only that the proxy has tried.
fn reload(node: &Node<'_>) -> Outcome {
    node.options.reload_proxy()?.run()?;
    let last = &status(node)?["lastReload"];
    ensure(last["outcome"] == "ok", || format!("the proxy says of its last reload: {last}"))
}

fn is_stopped(node: &Node<'_>, name: &str) -> Outcome {
    eventually(&format!("pod {name} rejected"), REJECT_LIMIT, || is_rejected(&node.pod(name)?))?;
    eventually(&format!("containers of pod {name} gone"), REJECT_LIMIT, || {
        let left = running_containers(node, name)?;
        ensure(left.is_empty(), || format!("still running: {left:?}"))
    })
}

fn labelled(node: &Node<'_>, name: &str) -> Value {
    let mut pod = allowed(node, name);
    pod["metadata"]["labels"][DENIED] = "yes".into();
    pod
}

/// The policy in force with one more rule, in front of all others: the first that matches decides.
fn stricter(node: &Node<'_>, file: &Path) -> Outcome<String> {
    let mut policy = serde_json::from_str::<Value>(&read_to_string(file)?)?;
    if !policy["rules"].is_array() {
        policy["rules"] = json!([]);
    }
    let rules = policy["rules"].as_array_mut().ok_or("a policy without rules")?;
    rules.insert(
        0,
        json!({
            "name": node.named("reloaded"),
            "action": "deny",
            "match": { "labels": { DENIED: "yes" } },
            "message": "This workload has had its time",
        }),
    );
    Ok(policy.to_string())
}

/// The node's own policy file, beside the one that is there for a while. What it is stays the same:
/// a link, its owner, its mode.
struct KeptPolicy {
    file: PathBuf,
    kept: PathBuf,
}

impl KeptPolicy {
    fn replace(file: &Path, text: &str) -> Outcome<Self> {
        let beside = |suffix: &str| {
            let mut path = file.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        };
        let (kept, new) = (beside(".kept"), beside(".new"));
        write(&new, text)?;
        set_permissions(&new, metadata(file)?.permissions())?;
        hard_link(file, &kept)
            .map_err(|error| format!("{}: {error}; an earlier run left it?", kept.display()))?;
        rename(&new, file)?;
        Ok(Self { file: file.to_owned(), kept })
    }

    fn restore(self) -> Outcome {
        Ok(rename(&self.kept, &self.file)?)
    }
}
