//! Credentials from a plugin of the operator's (client.authentication.k8s.io v1 and v1beta1).
//!
//! `command.rs` says what to run, `run.rs` runs it within limits, `answer.rs` reads what it prints,
//! `refresh.rs` keeps the result fresh. Invariant: a plugin that hangs, floods or lies costs a
//! bounded amount of time and memory, and nothing it printed appears in an error or in `Debug`.

mod answer;
mod command;
mod refresh;
mod run;

pub use command::{ApiVersion, ClusterForPlugin, ExecCommand};
pub use refresh::PluginTiming;
pub(crate) use refresh::{PluginCredentials, PluginListener};

pub(crate) use answer::PluginCredential;
pub(crate) use run::PluginError;
