//! Who runs under a name, by the kubelet's own word.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::json;

use crate::calls::exec;
use crate::policies::{CLOSED, COMMAND, HEIR, OPEN, start_labelled};
use crate::support::wait::{Outcome, ensure, eventually};
use crate::support::world::World;

/// A kubelet reconnects within seconds, and what it says about itself is old by a few more.
const SETTLED_LIMIT: Duration = Duration::from_secs(60);

/// Longer than everything that is done while the old pod runs on, shorter than patience.
const GRACE: u32 = 35;

/// The proxy forgets in a restart which pod ran under a name before. The API server takes the old one away
/// without a word, so that its containers have all their time to end, and puts one in its place on which
/// more is permitted.
pub(crate) fn successor_does_not_speak_for_it(world: &mut World) -> Outcome {
    start_labelled(world, HEIR, "strict", GRACE)?;
    let old = uid(world, HEIR)?;
    let denied = exec(world, "true", HEIR, &COMMAND).err().ok_or("exec into the strict one")?;
    ensure(denied.to_string().contains("does not permit exec"), || denied.to_string())?;
    vanish(world, HEIR)?;
    world.proxy.restart(world.inside)?;
    start_labelled(world, HEIR, "mild", 1)?;
    eventually("a refusal that names the old pod", Duration::from_secs(20), || {
        let said = exec(world, "true", HEIR, &COMMAND);
        let said = said.err().ok_or("exec while the old one runs")?.to_string();
        ensure(said.contains(&old) && said.contains("not admitted since"), || said)
    })?;
    eventually("the old pod's end", SETTLED_LIMIT, || {
        let said = exec(world, "true", HEIR, &COMMAND)?;
        ensure(said == "from inside\n", || said)
    })?;
    // All others are as they were, though the proxy knows them only from the kubelet's list.
    let said = exec(world, "false", OPEN, &COMMAND)?;
    ensure(said == "from inside\n", || said)?;
    let denied = exec(world, "true", CLOSED, &COMMAND).err().ok_or("exec into the closed one")?;
    ensure(denied.to_string().contains("does not permit exec"), || denied.to_string())
}

/// Takes a pod out of etcd: an honest API server would have asked the kubelet to end it at once.
fn vanish(world: &World, pod: &str) -> Outcome {
    let key = BASE64_STANDARD.encode(format!("/registry/pods/default/{pod}"));
    let body = json!({ "key": key }).to_string();
    let mut curl = world.inside.command("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "10", "--data", &body]);
    let output = curl.arg("http://127.0.0.1:2379/v3/kv/deleterange").output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure(said.contains(r#""deleted":"1""#), || {
        format!("etcd: {said} {}", String::from_utf8_lossy(&output.stderr))
    })
}

fn uid(world: &World, pod: &str) -> Outcome<String> {
    let pod = world.kubectl.pod(pod)?;
    Ok(pod["metadata"]["uid"].as_str().ok_or("a pod without UID")?.to_owned())
}
