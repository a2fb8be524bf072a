//! kubectl, as an operator would use it, from inside the world.
//!
//! Answers are kubectl's own JSON: what a test sees is what an operator sees.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::control_plane::path;
use super::namespace::Inside;
use crate::support::wait::{Outcome, ensure};

/// kubectl with the administrator's kubeconfig.
#[derive(Clone)]
pub(crate) struct Kubectl {
    inside: Inside,
    program: PathBuf,
    dir: PathBuf,
}

impl Kubectl {
    /// Uses the bundle's kubectl and the kubeconfig `admin` in `dir`.
    pub(crate) fn new(inside: Inside, bundle: &Path, dir: &Path) -> Self {
        Self { inside, program: bundle.join("kubectl"), dir: dir.to_owned() }
    }

    /// kubectl itself, for other programs to run.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// The administrator's kubeconfig.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.dir.join("admin.kubeconfig")
    }

    /// Runs one command and gives what it printed, or what it complained about.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome<String> {
        self.feed(arguments, "")
    }

    /// Runs one command with a setting in its environment; `Err` holds what it complained about.
    pub(crate) fn run_with(&self, setting: (&str, &str), arguments: &[&str]) -> Outcome<String> {
        let output = self.command(arguments).env(setting.0, setting.1).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure(output.status.success(), || {
            format!("kubectl {}: {}", arguments.join(" "), complaint.trim())
        })?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Starts a command that goes on until it is killed.
    pub(crate) fn spawn_with(&self, setting: (&str, &str), arguments: &[&str]) -> Outcome<Child> {
        Ok(self.command(arguments).env(setting.0, setting.1).spawn()?)
    }

    /// Runs one command with `input` on its standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &str) -> Outcome<String> {
        let mut child = self.command(arguments).stdin(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes())?;
        }
        let output = child.wait_with_output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure(output.status.success(), || {
            format!("kubectl {}: {}", arguments.join(" "), complaint.trim())
        })?;
        Ok(String::from_utf8(output.stdout)?)
    }

    /// `kubectl get … -o json`.
    pub(crate) fn get(&self, arguments: &[&str]) -> Outcome<Value> {
        let printed = self.run(&[&["get", "-o", "json"], arguments].concat())?;
        Ok(serde_json::from_str(&printed)?)
    }

    /// The pod of that name in the namespace `default`.
    pub(crate) fn pod(&self, name: &str) -> Outcome<Value> {
        self.get(&["pod", name])
    }

    /// `kubectl create` of an object or a `List`.
    pub(crate) fn create(&self, object: &Value) -> Outcome {
        self.feed(&["create", "-f", "-"], &object.to_string()).map(drop)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.inside.command(&self.program);
        command
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(["--request-timeout", "15s", "--cache-dir", &path(&self.dir.join("kube-cache"))])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}
