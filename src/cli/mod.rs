//! Command lines of the roles: from arguments to exit code.
//!
//! Reads arguments and says what is wrong with them; opens no file and no socket. Entry point:
//! [`run::main`], which the binary calls. Errors go to standard error, one line each; answers to
//! `--help` and `--version` go to standard output.

pub mod args;
pub mod defaults;
pub mod exit_code;
mod flag_values;
mod go_flags;
mod refusals;
pub mod run;
