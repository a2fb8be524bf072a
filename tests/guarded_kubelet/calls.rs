//! What an operator does with kubectl, and what becomes of it.

use serde_json::Value;

use crate::policies::{CLOSED, COMMAND, OPEN};
use crate::support::wait::{Outcome, ensure};
use crate::support::world::World;

/// kubectl's setting for the older protocol; the newer is its default.
pub(crate) const EXEC_PROTOCOL: &str = "KUBECTL_REMOTE_COMMAND_WEBSOCKETS";

/// `kubectl exec`, with or without WebSocket (`true` or `false`).
pub(crate) fn exec(world: &World, websocket: &str, pod: &str, command: &[&str]) -> Outcome<String> {
    let arguments = [&["exec", pod, "--"], command].concat();
    world.kubectl.run_with((EXEC_PROTOCOL, websocket), &arguments)
}

pub(crate) fn logs_work(world: &mut World) -> Outcome {
    for pod in [OPEN, CLOSED] {
        let logs = world.kubectl.run(&["logs", pod])?;
        ensure(logs.contains(&format!("{pod} is up")), || format!("logs of {pod}: {logs:?}"))?;
    }
    let tail = world.kubectl.run(&["logs", OPEN, "--tail=1", "--timestamps"])?;
    ensure(tail.contains("is up"), || tail)
}

pub(crate) fn metrics_work(world: &mut World) -> Outcome {
    let read = |path: &str| {
        world.kubectl.run(&["get", "--raw", &format!("/api/v1/nodes/node-1/proxy/{path}")])
    };
    for (path, word) in [
        ("metrics", "kubelet_node_name"),
        ("metrics/cadvisor", "machine_cpu_cores"),
        ("metrics/resource", "node_cpu_usage_seconds_total"),
        ("healthz", "ok"),
    ] {
        let said = read(path)?;
        ensure(said.contains(word), || format!("{path} has no {word}: {said:.200}"))?;
    }
    for path in ["configz", "pods", "logs/", "debug/pprof/cmdline", "nowhere"] {
        let refused = refused(read(path))?;
        ensure(refused.contains("kubelet-proxy: "), || format!("{path}: {refused}"))?;
    }
    Ok(())
}

pub(crate) fn permitted_command_runs(world: &mut World) -> Outcome {
    for websocket in ["true", "false"] {
        let said = exec(world, websocket, OPEN, &COMMAND)?;
        ensure(said == "from inside\n", || format!("websocket {websocket}: {said:?}"))?;
    }
    Ok(())
}

pub(crate) fn other_command_is_refused(world: &mut World) -> Outcome {
    for websocket in ["true", "false"] {
        for command in [
            &["echo"][..],
            &["echo", "from inside", "and more"],
            &["echo", "from  inside"],
            &["sh", "-c", "echo from inside"],
        ] {
            refused_by_policy(exec(world, websocket, OPEN, command), "exec")?;
        }
    }
    Ok(())
}

pub(crate) fn closed_pod_is_left_alone(world: &mut World) -> Outcome {
    for websocket in ["true", "false"] {
        refused_by_policy(exec(world, websocket, CLOSED, &COMMAND), "exec")?;
        for pod in [OPEN, CLOSED] {
            let attached =
                world.kubectl.run_with((EXEC_PROTOCOL, websocket), &["attach", pod, "--stdin"]);
            refused_by_policy(attached, "attach")?;
        }
    }
    Ok(())
}

pub(crate) fn decisions_are_recorded(world: &mut World) -> Outcome {
    let records = world.proxy.records();
    let has = |decision: &str, call: &str, pod: &str, more: (&str, Value)| {
        let found = records.iter().any(|record| {
            record["decision"] == decision
                && record["call"] == call
                && record["pod"] == pod
                && record[more.0] == more.1
                && record["policy_digest"].as_str().is_some_and(|digest| digest.len() == 64)
        });
        ensure(found, || format!("no record: {decision} {call} of {pod} with {more:?}"))
    };
    let command = |text: &str| ("command", Value::from(text));
    has("allow", "exec", OPEN, command(r#"["echo", "from inside"]"#))?;
    has("deny", "exec", OPEN, command(r#"["sh", "-c", "echo from inside"]"#))?;
    has("deny", "exec", CLOSED, command(r#"["echo", "from inside"]"#))?;
    has("deny", "attach", CLOSED, ("caller", "kube-apiserver".into()))?;
    has("allow", "logs", CLOSED, ("container", "main".into()))?;
    has("allow", "portForward", OPEN, ("port", 8080.into()))?;
    has("deny", "portForward", OPEN, ("port", 8081.into()))?;
    has("deny", "portForward", CLOSED, ("node", "node-1".into()))
}

/// What was complained about; an error if nothing was.
pub(crate) fn refused(outcome: Outcome<String>) -> Outcome<String> {
    match outcome {
        Ok(said) => Err(format!("not refused; it said {said:.300}").into()),
        Err(error) => Ok(error.to_string()),
    }
}

fn refused_by_policy(outcome: Outcome<String>, call: &str) -> Outcome {
    let complaint = refused(outcome)?;
    let reason = format!("the pod's rule does not permit {call}");
    ensure(complaint.contains(&reason), || format!("refused otherwise: {complaint}"))
}
