//! Builds the Go programs that the tests hold nodeward against.
//!
//! A program that cannot be built panics: without Go's answer there is nothing to compare with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds the program in `tests/go/<directory>`, with another module file than `go.mod` where one is
/// named, and returns the executable: `target/go/<name>`.
pub(crate) fn build(directory: &str, module_file: Option<&str>, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let executable = root.join("target/go").join(name);
    let mut go = Command::new("go");
    // The same settings for every Go program here, so that they share Go's build cache.
    go.env("CGO_ENABLED", "0");
    go.args(["build", "-trimpath", "-buildvcs=false"]);
    go.args(module_file.map(|file| format!("-modfile={file}")));
    go.arg("-o").arg(&executable).arg(".");
    go.current_dir(root.join("tests/go").join(directory));
    let output = go.output().expect("go, which CONTRIBUTING lists, runs");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "go build in tests/go/{directory}: {complaint}");
    executable
}
