//! A role served by a process that says of itself that it is sandboxed.

use nodeward::kubelet_proxy::{self, Prepared};
use nodeward::sandbox::{SandboxReport, Sandboxed};

fn serve(prepared: Prepared, report: SandboxReport) {
    let sandboxed = Sandboxed { report };
    let _ = kubelet_proxy::serve(prepared, sandboxed);
}

fn main() {}
