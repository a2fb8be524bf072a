//! Command lines of the roles: from arguments to exit code.
//!
//! Entry point: [`verbs::main`], which the binary calls. `run` is the verb that serves; the others,
//! one file each, answer a question or write a file, and end. Errors go to standard error, one line
//! each; answers go to standard output.

mod annotations;
pub mod args;
mod check_policy;
mod completions;
pub mod defaults;
mod diff;
mod digest;
pub mod exit_code;
mod explain;
mod fetch_token;
mod flag_values;
mod gen_certificates;
mod gen_kubeconfig;
mod generate;
mod go_flags;
mod input;
mod kubelet_api_flags;
mod man;
mod measure;
mod new_file;
mod refusals;
mod replay;
pub mod run;
mod sign;
mod signers;
mod status;
mod terminal;
mod test;
mod verb_error;
pub mod verbs;
mod verify;
mod why_refused;
