//! The sandbox on the real kernel: what it forbids fails in every thread, and the proxy still serves.
//!
//! This program is its own subject as well. As `sandbox attempt …` it confines itself with the
//! library's own functions and tries everything forbidden; as `sandbox without CALL …` it becomes a
//! program on a kernel that lacks a call. Without such a first word it is the tests.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code, which clippy recognises only in unit tests"
)]

#[path = "sandbox/attempts.rs"]
mod attempts;
#[path = "sandbox/confined.rs"]
mod confined;
#[path = "sandbox/kernel.rs"]
mod kernel;
#[path = "sandbox/program.rs"]
mod program;
#[path = "sandbox/proxy.rs"]
mod proxy;
#[path = "support/mod.rs"]
mod support;

use std::env;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

const CASES: [(&str, fn()); 13] = [
    ("what_is_forbidden_fails_in_every_thread", confined::forbidden_fails_everywhere),
    ("names_may_be_resolved_where_the_server_has_one", confined::udp_is_for_names),
    ("every_thread_of_the_proxy_is_confined", program::every_thread_is_confined),
    ("a_confined_proxy_serves_reports_and_reloads", program::serves_and_reloads),
    ("a_confined_proxy_resolves_names", program::resolves_names),
    ("the_sandbox_is_told_in_log_and_metrics", program::tells),
    ("a_plugin_exits_78_and_names_the_unit", program::plugin_is_refused),
    ("a_plugin_runs_under_best_effort", program::plugin_runs_under_best_effort),
    ("without_landlock_the_start_is_refused", kernel::without_landlock),
    ("without_seccomp_the_start_is_refused", kernel::without_seccomp),
    ("under_the_units_user_and_filter_it_serves", kernel::under_the_unit),
    ("a_user_who_cannot_empty_the_bounding_set_is_refused", kernel::ordinary_user),
    ("a_state_directory_that_is_missing_is_refused", kernel::without_state_directory),
];

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("attempt") => attempts::main(&words[1..]),
        Some("without") => kernel::main(&words[1..]),
        Some(_) | None => {
            let trials = CASES.map(|(name, case)| {
                Trial::test(name, move || {
                    case();
                    Ok(())
                })
            });
            libtest_mimic::run(&Arguments::from_args(), trials.into()).exit_code()
        }
    }
}
