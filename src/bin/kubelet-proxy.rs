//! `kubelet-proxy`: the node's own admission policy between kubelet and API server.

use std::process::ExitCode;

use nodeward::{cli, kubelet_proxy};

fn main() -> ExitCode {
    cli::verbs::main(std::env::args_os(), kubelet_proxy::prepare, kubelet_proxy::serve)
}
