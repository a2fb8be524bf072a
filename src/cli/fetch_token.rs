//! `fetch-token`: runs a credential plugin where it may run, and leaves its token where `run` reads it.
//!
//! The proxy's sandbox starts no program, so this one does, in a unit of its own. The plugin is run by
//! `upstream::exec_plugin`, as in `run`; this file keeps what it gives. Invariant: the token is nowhere
//! but in the file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::defaults;
use super::exit_code::Exit;
use super::new_file::{Existing, NewFile};
use super::verb_error::VerbError;
use crate::systemd::journal::{self, LogFormat, LogLevel, LogOptions};
use crate::systemd::notify;
use crate::upstream::{
    ExecCommand, PluginCredential, PluginCredentials, PluginError, PluginListener, PluginTiming,
    TokenSource, UpstreamConfig, UpstreamRisks,
};

/// The unit's group may read the token, to hand it to the proxy.
const GROUP_READS: u32 = 0o640;

/// A plugin that states no expiry is asked again after this long: nobody here hears the API server
/// refuse its token.
const WITHOUT_EXPIRY: Duration = Duration::from_secs(600);

const NOT_A_TOKEN: &str = "the plugin gives a client certificate, which a token file cannot hold; \
    name certificate and key in the kubeconfig of run";

/// Keep a token file fresh with a kubeconfig's credential plugin
///
/// Runs the exec plugin of the kubeconfig's current user, writes its token to a file (mode 0640, whole or
/// not at all), and does so again before it expires, until SIGTERM. Under systemd it is ready after the
/// first token.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Exit codes: 0 asked to end, or one token written with --once, 1 no token, 64 usage,
78 the kubeconfig has no usable plugin, or the plugin gives certificates.")]
pub(super) struct Arguments {
    /// Kubeconfig whose current user has an exec plugin
    #[arg(long, value_name = "FILE")]
    kubeconfig: PathBuf,
    /// Context in it [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// Where the token is kept: tokenFile in the kubeconfig of run
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// Write one token and end, for timers
    #[arg(long)]
    once: bool,
    /// auto, journal, json or text
    #[arg(long, value_name = "FORMAT", default_value = defaults::LOG_FORMAT)]
    log_format: LogFormat,
    /// error, warn, info or debug
    #[arg(long, value_name = "LEVEL", default_value = defaults::LOG_LEVEL)]
    log_level: LogLevel,
}

pub(super) fn execute(arguments: &Arguments) -> Result<Exit, VerbError> {
    let log = LogOptions { format: arguments.log_format, level: arguments.log_level };
    journal::start(log, &[]).map_err(VerbError::bad)?;
    let plugin = plugin(arguments)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let keep = Keep {
        file: &arguments.token_file,
        once: arguments.once,
        timing: PluginTiming::default(),
        without_expiry: WITHOUT_EXPIRY,
    };
    runtime.block_on(keep.fresh(plugin))
}

fn plugin(arguments: &Arguments) -> Result<ExecCommand, VerbError> {
    // No connection is made here; `run` judges how its own kubeconfig connects.
    let risks = UpstreamRisks { insecure_tls: true, plain_http: true, system_roots: true };
    let path = &arguments.kubeconfig;
    let config =
        UpstreamConfig::load(path, arguments.context.as_deref(), risks).map_err(VerbError::bad)?;
    match config.login.token {
        TokenSource::Plugin(command) => Ok(*command),
        TokenSource::Absent | TokenSource::Fixed(_) | TokenSource::File(_) => {
            Err(VerbError::BadConfiguration(format!(
                "{}: the user of context {} has no exec plugin; run can use this kubeconfig itself",
                path.display(),
                config.context
            )))
        }
    }
}

/// What is kept, and how.
struct Keep<'a> {
    file: &'a Path,
    once: bool,
    timing: PluginTiming,
    without_expiry: Duration,
}

/// What became of a run of the plugin.
enum Event {
    Written { lifetime: Option<Duration> },
    NotAToken,
    Failed(String),
}

impl Keep<'_> {
    async fn fresh(&self, command: ExecCommand) -> Result<Exit, VerbError> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (events, mut outcomes) = mpsc::unbounded_channel();
        let keeper = TokenFile { path: self.file, origin: command.origin.clone(), events };
        let plugin = PluginCredentials::new(command, self.timing);
        let mut fresh = std::pin::pin!(plugin.keep_fresh(&keeper));
        let mut ask_again = None;
        loop {
            let event = tokio::select! {
                event = outcomes.recv() => event,
                () = &mut fresh => None,
                () = until(ask_again) => {
                    plugin.invalidate();
                    ask_again = None;
                    continue;
                }
                _ = terminate.recv() => None,
                _ = interrupt.recv() => None,
            };
            match event {
                None => break,
                Some(Event::NotAToken) => {
                    let line = format!("{}: {NOT_A_TOKEN}", keeper.origin);
                    return Err(VerbError::BadConfiguration(line));
                }
                Some(Event::Failed(reason)) if self.once => return Err(VerbError::Failed(reason)),
                Some(Event::Failed(reason)) => {
                    tracing::warn!(reason, "no new token; the old one stays");
                    notify::status(&format!("no new token: {reason}"));
                }
                Some(Event::Written { lifetime: _ }) if self.once => return Ok(Exit::Success),
                Some(Event::Written { lifetime }) => {
                    ask_again = self.ask_again_at(lifetime);
                    announce(self.file, lifetime);
                }
            }
        }
        notify::stopping("ending");
        Ok(Exit::Success)
    }

    fn ask_again_at(&self, lifetime: Option<Duration>) -> Option<Instant> {
        match lifetime {
            // The plugin is run again ahead of its expiry.
            Some(_) => None,
            None => Instant::now().checked_add(self.without_expiry),
        }
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

fn announce(file: &Path, lifetime: Option<Duration>) {
    let file = file.display();
    let seconds = lifetime.map(|lifetime| lifetime.as_secs());
    let status = match seconds {
        Some(seconds) => format!("{file} holds a token for {seconds} s"),
        None => format!("{file} holds a token without an expiry"),
    };
    tracing::info!(%file, lifetime_seconds = seconds, "token written");
    notify::ready(&status);
}

/// Keeps what the plugin gives.
struct TokenFile<'a> {
    path: &'a Path,
    origin: String,
    events: mpsc::UnboundedSender<Event>,
}

impl TokenFile<'_> {
    fn tell(&self, event: Event) {
        // Ignored: nobody listens any more only while the program ends.
        let _ = self.events.send(event);
    }

    fn write(&self, credential: &PluginCredential) -> Result<(), VerbError> {
        let header = credential.header.as_ref().and_then(|header| header.to_str().ok());
        // `answer.rs` made the header of a token without spaces.
        let token = header.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default();
        NewFile::write(self.path, token.as_bytes(), GROUP_READS)?.put(Existing::Replaced)
    }
}

impl PluginListener for TokenFile<'_> {
    fn accept(&self, credential: &PluginCredential) -> Result<(), PluginError> {
        if credential.pair.is_some() {
            self.tell(Event::NotAToken);
            let origin = self.origin.clone();
            return Err(PluginError::Output { origin, reason: NOT_A_TOKEN });
        }
        self.write(credential).map_err(|error| PluginError::NotKept(error.to_string()))?;
        self.tell(Event::Written { lifetime: credential.lifetime });
        Ok(())
    }

    fn failed(&self, reason: &str) {
        self.tell(Event::Failed(reason.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::upstream::ApiVersion;

    #[tokio::test]
    async fn a_token_without_an_expiry_is_asked_for_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let script = format!(
            r#"echo >> {runs}; echo '{{"apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential", "status": {{"token": "'$(wc -l < {runs})'"}}}}'"#,
            runs = path("runs").display()
        );
        let command = ExecCommand {
            origin: "test".to_owned(),
            api_version: ApiVersion::V1,
            program: "/bin/sh".into(),
            arguments: vec!["-c".to_owned(), script],
            environment: Vec::new(),
            install_hint: None,
            cluster: None,
        };
        let file = path("token");
        let short = Duration::from_millis(20);
        let timing = PluginTiming { pause: short, ..PluginTiming::default() };
        let keep = Keep { file: &file, once: false, timing, without_expiry: short };
        let third = async {
            while std::fs::read_to_string(&file).unwrap_or_default() != "3" {
                tokio::time::sleep(short).await;
            }
        };
        let limit = tokio::time::sleep(Duration::from_secs(30));
        tokio::select! {
            ended = keep.fresh(command) => panic!("ended: {ended:?}"),
            () = third => {}
            () = limit => panic!("no third token"),
        }
    }
}
