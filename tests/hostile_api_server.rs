//! A hostile API server in front of real client-go reflectors, with the real proxy between.
//!
//! Trials are named after the rows of the reference's table of evasions. Always expected: nothing
//! denied reaches the kubelet and everything allowed does. The `control::` trials run the same
//! scripts without a proxy and expect the harm: they show that the others can fail.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "test code, which clippy recognises only in unit tests"
)]

mod hostile;
mod support;

use std::process::ExitCode;

/// Most of a trial is waiting for a reflector's back-off.
const TRIALS_AT_ONCE: usize = 12;

fn main() -> ExitCode {
    let mut arguments = libtest_mimic::Arguments::from_args();
    arguments.test_threads.get_or_insert(TRIALS_AT_ONCE);
    if !arguments.list {
        hostile::reflector::build_all();
    }
    libtest_mimic::run(&arguments, hostile::trials()).exit_code()
}
