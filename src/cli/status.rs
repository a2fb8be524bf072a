//! `status`: what the running proxy says of itself, asked over its admin socket.
//!
//! One `GET /status`; the object is described in `docs/reference/commands.md`. A field that an older or
//! newer proxy does not send is shown as unknown, never guessed.

mod report;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use clap::ValueEnum;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use super::defaults;
use super::exit_code::Exit;
use super::terminal::{give, say};
use super::verb_error::VerbError;
use crate::audit::escape;

/// A proxy that takes longer does not work.
const PATIENCE: Duration = Duration::from_secs(10);

/// The object has a kilobyte or two.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// Show what the running proxy says of itself
///
/// Version, policy, sandbox, upstream and the last reload, asked over the admin socket.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes: 0 the proxy answered, 1 it did not, 64 usage.")]
pub(super) struct Arguments {
    /// The admin socket of the proxy
    #[arg(long, value_name = "SOCKET", default_value = defaults::ADMIN_SOCKET)]
    admin_socket: PathBuf,
    /// Lines for people, or the proxy's own JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let socket = &arguments.admin_socket;
    let answer = runtime.block_on(async {
        let asked = tokio::time::timeout(PATIENCE, ask(socket)).await;
        asked.unwrap_or_else(|_| Err(wrong(socket, "no answer within 10 s")))
    })?;
    let status: Value = serde_json::from_slice(&answer)
        .map_err(|_| wrong(socket, "the answer is not JSON; is this the admin socket?"))?;
    match arguments.output {
        Output::Json => {
            let text = format!("{status:#}\n");
            give(escape::json_escaped(&text).as_bytes())?;
        }
        Output::Text => {
            for line in report::lines(&status) {
                say(&line)?;
            }
        }
    }
    Ok(Exit::Success)
}

async fn ask(socket: &Path) -> Result<Bytes, VerbError> {
    let stream = UnixStream::connect(socket).await.map_err(|error| unreachable(socket, &error))?;
    let broken = |error: hyper::Error| wrong(socket, &error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = Request::get("/status").header(http::header::HOST, "localhost");
    let request =
        request.body(Empty::<Bytes>::new()).map_err(|error| wrong(socket, &error.to_string()))?;
    let connection = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(broken)?;
    if response.status() != StatusCode::OK {
        return Err(wrong(socket, &format!("answered with status {}", response.status())));
    }
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
    let body = body.map_err(|error| wrong(socket, &error.to_string()))?;
    connection.abort();
    Ok(body.to_bytes())
}

fn unreachable(socket: &Path, error: &io::Error) -> VerbError {
    const REMEDIES: [(io::ErrorKind, &str); 3] = [
        (io::ErrorKind::PermissionDenied, "only root and the group kubelet-proxy-admin may ask"),
        (
            io::ErrorKind::NotFound,
            "is kubelet-proxy-admin.socket started? A proxy without systemd needs --admin-socket",
        ),
        (io::ErrorKind::ConnectionRefused, "nobody listens; is kubelet-proxy running?"),
    ];
    let known = REMEDIES.iter().find(|(kind, _)| *kind == error.kind());
    let remedy = known.map_or("is this the admin socket?", |(_, remedy)| remedy);
    wrong(socket, &format!("{error}; {remedy}"))
}

fn wrong(socket: &Path, reason: &str) -> VerbError {
    VerbError::Failed(format!("{}: {reason}", socket.display()))
}
