//! `why-refused`, and as `kubectl why-refused` through a link named `kubectl-why_refused`: why a pod does not
//! run, as the cluster has it, and with a policy also rule by rule.
//!
//! Opens no connection of its own: it runs the caller's kubectl, with the caller's rights and context.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::exit_code::Exit;
use super::explain;
use super::input;
use super::signers::Signers;
use super::terminal::say;
use super::verb_error::VerbError;
use crate::policy_tools::judge::{self, Moment};

/// What a kubelet's own refusals are called, and so the proxy's.
const REASON: &str = "NodeAdmissionRejected";

/// Tell why a pod was refused
///
/// Asks kubectl for the pod and shows what its node said: reason, message, and the conditions that do not
/// hold. With --policy also what each rule of that policy says about the pod, which then has to be the
/// policy of its node, as the certificates have to be those of its node.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  kubelet-proxy why-refused web
  kubelet-proxy why-refused --namespace prod --policy policy.json web
  kubelet-proxy why-refused --policy policy.json --policy-verification-cert signer.crt web
  ln -s /usr/bin/kubelet-proxy /usr/local/bin/kubectl-why_refused; kubectl why-refused web

Exit codes: 0 it was not refused, 1 it was, 64 usage, 78 a file cannot be used, or kubectl knows no such
pod.")]
pub(super) struct Arguments {
    /// The pod's name
    #[arg(value_parser = object_name)]
    pod: String,
    /// Its namespace [default: that of the context]
    #[arg(short, long, value_name = "NAME", value_parser = object_name)]
    namespace: Option<String>,
    /// Context of the kubeconfig [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The caller's kubeconfig [default: kubectl's]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The policy of its node, JSON
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    signers: Signers,
    /// The kubectl to run
    #[arg(long, value_name = "PATH", default_value = "kubectl")]
    kubectl: PathBuf,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let moment = Moment { now: input::clock(), node: None };
    let policy = match (&arguments.policy, arguments.signers.are_none()) {
        (Some(file), _) => Some(arguments.signers.policy(file, moment.now)?),
        (None, false) => Some(arguments.signers.alone(moment.now)?),
        (None, true) => None,
    };
    let pod = fetch(arguments)?;
    let text = |path: &str| pod.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let [phase, reason, message] =
        ["phase", "reason", "message"].map(|field| text(&format!("/status/{field}")));
    let node = text("/spec/nodeName");
    let node = if node.is_empty() { "no node yet".to_owned() } else { format!("node {node}") };
    say(&format!("{} on {node}: {phase} {reason}", judge::title(&pod)).replace("  ", " "))?;
    if !message.is_empty() {
        say(&format!("  {message}"))?;
    }
    for line in conditions(&pod) {
        say(&line)?;
    }
    let is_refused = reason == REASON;
    if !is_refused {
        say("  its node did not refuse it")?;
    }
    if let Some(policy) = policy {
        for line in explain::lines(&policy, &pod, &moment) {
            say(&line)?;
        }
    }
    Ok(if is_refused { Exit::Failure } else { Exit::Success })
}

/// A name and not a flag: it is passed on to kubectl.
fn object_name(text: &str) -> Result<String, String> {
    let is_name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    match text.bytes().all(is_name) && !text.is_empty() && !text.starts_with('-') {
        true => Ok(text.to_owned()),
        false => Err("is no name; give the name of an object, such as web-0".to_owned()),
    }
}

fn fetch(arguments: &Arguments) -> Result<Value, VerbError> {
    let kubectl = arguments.kubectl.display();
    let mut command = Command::new(&arguments.kubectl);
    command.args(["get", "pod", &arguments.pod, "--output=json"]);
    if let Some(namespace) = &arguments.namespace {
        command.arg(format!("--namespace={namespace}"));
    }
    if let Some(context) = &arguments.context {
        command.arg(format!("--context={context}"));
    }
    if let Some(kubeconfig) = &arguments.kubeconfig {
        command.arg("--kubeconfig").arg(kubeconfig);
    }
    let output = command.output().map_err(|error| {
        VerbError::bad(format!("{kubectl}: {error}; install kubectl, or name it with --kubectl"))
    })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or("it says nothing");
        return Err(VerbError::bad(format!("{kubectl}: {said}")));
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| VerbError::bad(format!("{kubectl}: no JSON: {error}")))
}

/// Those that do not hold, with what they say.
fn conditions(pod: &Value) -> Vec<String> {
    let all = pod.pointer("/status/conditions").and_then(Value::as_array);
    let open = all.into_iter().flatten().filter(|one| one.get("status") == Some(&"False".into()));
    let shown = open.map(|condition| {
        let text = |name: &str| condition.get(name).and_then(Value::as_str).unwrap_or_default();
        let line = format!("  not {}: {} {}", text("type"), text("reason"), text("message"));
        line.trim_end_matches([' ', ':']).to_owned()
    });
    shown.collect()
}
