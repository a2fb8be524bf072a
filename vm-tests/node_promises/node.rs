//! The node as one promise sees it: the cluster by kubectl, and names that nobody else uses.

use serde_json::Value;

use crate::options::Options;
use crate::wait::Outcome;

/// The label of everything that a promise creates; its value is that promise's own.
const OWNER: &str = "node-promises";

/// What a promise is checked on.
pub(crate) struct Node<'a> {
    pub(crate) options: &'a Options,
    pub(crate) name: &'a str,
    pub(crate) image: &'a str,
    /// Promise and run: no two have the same.
    owner: String,
}

impl<'a> Node<'a> {
    /// For the promise of that name; `run` is this run's own.
    pub(crate) fn new(options: &'a Options, promise: &str, run: &str) -> Outcome<Self> {
        let owner = format!("{promise}-{run}");
        Ok(Self { options, name: options.node()?, image: options.image()?, owner })
    }

    /// A name for a pod of this promise.
    pub(crate) fn named(&self, what: &str) -> String {
        format!("{what}-{}", self.owner)
    }

    /// The labels of everything that this promise creates.
    pub(crate) fn labels(&self) -> Value {
        serde_json::json!({ OWNER: self.owner })
    }

    /// Runs kubectl in the namespace `default`.
    pub(crate) fn kubectl(&self, arguments: &[&str]) -> Outcome<String> {
        self.feed_kubectl(arguments, "")
    }

    /// `kubectl get … -o json`.
    pub(crate) fn get(&self, arguments: &[&str]) -> Outcome<Value> {
        let printed = self.kubectl(&[&["get", "-o", "json"], arguments].concat())?;
        Ok(serde_json::from_str(&printed)?)
    }

    /// The pod of that name.
    pub(crate) fn pod(&self, name: &str) -> Outcome<Value> {
        self.get(&["pod", name])
    }

    /// Every pod that this promise has created.
    pub(crate) fn own_pods(&self) -> Outcome<Vec<Value>> {
        let pods = self.get(&["pods", "--selector", &self.selector()])?;
        Ok(pods["items"].as_array().ok_or("no items")?.clone())
    }

    /// Creates these objects.
    pub(crate) fn create(&self, objects: &[Value]) -> Outcome {
        let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": objects });
        self.feed_kubectl(&["create", "-f", "-"], &list.to_string()).map(drop)
    }

    /// Removes what this promise has created, and waits until it has gone.
    pub(crate) fn clean_up(&self) -> Outcome {
        let selector = self.selector();
        let what = ["delete", "pods,configmaps,secrets", "--selector", &selector];
        self.kubectl(&[&what[..], &["--ignore-not-found", "--timeout", "90s"]].concat()).map(drop)
    }

    fn selector(&self) -> String {
        format!("{OWNER}={}", self.owner)
    }

    fn feed_kubectl(&self, arguments: &[&str], input: &str) -> Outcome<String> {
        let kubeconfig = self.options.kubeconfig()?.to_string_lossy();
        let whose = ["--kubeconfig", &kubeconfig, "--namespace", "default"];
        self.options.kubectl.with(&whose).with(arguments).feed(input)
    }
}
