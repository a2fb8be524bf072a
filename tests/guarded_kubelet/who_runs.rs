//! Who runs under a name, by the kubelet's own word, and streams that outlive what granted them.

use std::io::Read;
use std::process::Child;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::json;

use crate::calls::{EXEC_PROTOCOL, exec};
use crate::policies::{CLOSED, COMMAND, FOLLOW, HEIR, OPEN, TURNCOAT, start_labelled};
use crate::support::wait::{Outcome, ensure, eventually, throughout};
use crate::support::world::World;

/// A kubelet reconnects within seconds, and what it says about itself is old by a few more.
const SETTLED_LIMIT: Duration = Duration::from_secs(60);

/// A stream is cut at once; the container that it leads into lives on for much longer.
const CUT_LIMIT: Duration = Duration::from_secs(15);

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
        ensure(said.contains(&old) && said.contains("not on record"), || said)
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

/// An update that no rule admits: the kubelet is told to end the pod, which takes its time, and whoever is
/// inside is thrown out at once.
pub(crate) fn denied_pod_cuts_streams(world: &mut World) -> Outcome {
    start_labelled(world, TURNCOAT, "mild", 120)?;
    let mut streams = [Stream::start(world, "true")?, Stream::start(world, "false")?];
    let mut go_on = || {
        throughout(Duration::from_secs(3), || {
            streams.iter_mut().try_for_each(|Stream(kubectl)| {
                let ended = kubectl.try_wait()?;
                ensure(ended.is_none(), || format!("ended: {ended:?}"))
            })
        })
    };
    go_on()?;
    // An update that the same rule admits changes nothing.
    world.kubectl.run(&["label", "pod", TURNCOAT, "colour=red"])?;
    go_on()?;
    world.kubectl.run(&["label", "--overwrite", "pod", TURNCOAT, "temper=wild"])?;
    streams.iter_mut().try_for_each(|stream| stream.wait_cut(world))?;
    let running = world.running_containers(TURNCOAT)?;
    ensure(!running.is_empty(), || "they ended with their pod, not before".to_owned())?;
    let again = exec(world, "true", TURNCOAT, &FOLLOW);
    world.kubectl.run(&["delete", "pod", TURNCOAT, "--force", "--grace-period=0"])?;
    ensure(again.is_err(), || "exec into a denied pod".to_owned())
}

/// A running `kubectl exec`.
struct Stream(Child);

impl Stream {
    fn start(world: &World, websocket: &str) -> Outcome<Self> {
        let arguments = [&["exec", "--request-timeout=0", TURNCOAT, "--"][..], &FOLLOW].concat();
        Ok(Self(world.kubectl.spawn_with((EXEC_PROTOCOL, websocket), &arguments)?))
    }

    fn wait_cut(&mut self, world: &World) -> Outcome {
        eventually("the stream's end", CUT_LIMIT, || {
            let ended = self.0.try_wait()?;
            ensure(ended.is_some(), || world.proxy.tail())
        })?;
        let mut complaint = String::new();
        if let Some(stderr) = self.0.stderr.as_mut() {
            stderr.read_to_string(&mut complaint)?;
        }
        let log = world.proxy.tail();
        ensure(log.contains("its grant ended"), || format!("{complaint}\n{log}"))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let _signalled =
            crate::support::world::namespace::signal_inner(&self.0, rustix::process::Signal::TERM);
        let _reaped = self.0.wait();
    }
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
