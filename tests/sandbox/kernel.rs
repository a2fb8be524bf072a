//! Kernels and users that cannot give the whole sandbox.
//!
//! A kernel without a call is this one behind a filter that says so: `without CALL PROGRAM …`.

use std::collections::BTreeMap;
use std::env;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use crate::proxy::{BINARY, Proxy, Site};

/// Nobody's number, by convention.
const NOBODY: u32 = 65_534;

pub(crate) fn main(words: &[String]) -> ExitCode {
    let (call, errno) = match words[0].as_str() {
        "landlock" => (libc::SYS_landlock_create_ruleset, libc::ENOSYS),
        "seccomp" => (libc::SYS_seccomp, libc::EINVAL),
        // As systemd's `SystemCallFilter=~@privileged` does.
        "capset" => (libc::SYS_capset, libc::EPERM),
        other => panic!("{other}"),
    };
    let answer = SeccompAction::Errno(errno.unsigned_abs());
    let rules = BTreeMap::from([(call, Vec::new())]);
    let here = env::consts::ARCH.try_into().unwrap();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, here).unwrap();
    seccompiler::apply_filter(&BpfProgram::try_from(filter).unwrap()).unwrap();
    panic!("{}", Command::new(&words[1]).args(&words[2..]).exec())
}

fn lacking(call: &str) -> Command {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["without", call, BINARY]);
    command
}

pub(crate) fn without_landlock() {
    let site = Site::new("http://127.0.0.1:1");
    let said = site.refusal(lacking("landlock"));
    assert!(said.contains("no Landlock") && said.contains("Linux 6.7"), "{said}");

    let mut proxy = Proxy::start(lacking("landlock"), &site, &["--sandbox=best-effort"]);
    let line = proxy.line("sandboxed");
    assert_eq!(
        (&line["landlock"], &line["seccomp"]),
        (&"off".into(), &"enforced".into()),
        "{line}"
    );
    assert!(line["landlock_reason"].as_str().unwrap().contains("Linux 6.7"), "{line}");
    assert!(proxy.warnings().any(|warning| warning.contains("no Landlock")));
}

pub(crate) fn without_seccomp() {
    let site = Site::new("http://127.0.0.1:1");
    let said = site.refusal(lacking("seccomp"));
    assert!(said.contains("CONFIG_SECCOMP_FILTER"), "{said}");

    let mut proxy = Proxy::start(lacking("seccomp"), &site, &["--sandbox=best-effort"]);
    let line = proxy.line("sandboxed");
    assert_eq!(
        (&line["landlock"], &line["seccomp"]),
        (&"enforced".into(), &"off".into()),
        "{line}"
    );
}

/// As the unit starts it: a user of its own, nothing in the bounding set, and no call to change that.
pub(crate) fn under_the_unit() {
    let site = Site::new("http://127.0.0.1:1");
    site.open_to_everybody();
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"])
        .arg("--no-new-privs")
        .arg(site.copy(&env::current_exe().unwrap()))
        .args(["without", "capset"])
        .arg(site.copy(Path::new(BINARY)));
    let mut proxy = Proxy::start(command, &site, &["--sandbox=require"]);
    assert_eq!(proxy.line("sandboxed")["capabilities_in_bounding_set"], 0);
}

pub(crate) fn ordinary_user() {
    let site = Site::new("http://127.0.0.1:1");
    site.open_to_everybody();
    let program = site.copy(Path::new(BINARY));
    let as_nobody = || {
        let mut command = Command::new(&program);
        command.uid(NOBODY).gid(NOBODY);
        command
    };
    let said = site.refusal(as_nobody());
    assert!(said.contains("CapabilityBoundingSet=") && said.contains("CAP_SYS_ADMIN"), "{said}");

    let mut proxy = Proxy::start(as_nobody(), &site, &["--sandbox=best-effort"]);
    let line = proxy.line("sandboxed");
    assert_eq!((&line["landlock"], &line["seccomp"]), (&"enforced".into(), &"enforced".into()));
    assert!(line["capabilities_in_bounding_set"].as_u64().unwrap() > 0, "{line}");
}

pub(crate) fn without_state_directory() {
    let site = Site::new("http://127.0.0.1:1");
    let mut command = Command::new(BINARY);
    command.env("STATE_DIRECTORY", "/nonexistent/state");
    let said = site.refusal(command);
    assert!(said.contains("STATE_DIRECTORY") && said.contains("/nonexistent/state"), "{said}");
}
