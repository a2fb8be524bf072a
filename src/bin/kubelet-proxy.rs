//! `kubelet-proxy`: the node's own admission policy between kubelet and API server.

use std::process::ExitCode;

use nodeward::{cli, kubelet_proxy};

fn main() -> ExitCode {
    cli::run::main(std::env::args_os(), |options, surroundings| {
        let cli::run::Surroundings { sockets, capabilities } = surroundings;
        kubelet_proxy::serve(options, sockets, capabilities)
    })
}
