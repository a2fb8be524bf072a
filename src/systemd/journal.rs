//! Where log lines go: to the journal with their fields when under it, else as JSON or text.
//!
//! Sets the process up once; what is logged is the other rooms' matter. In the journal fields begin
//! with `KP_`, info is priority 6 as elsewhere (tracing-journald's own default is 5), and targets
//! that stand for one kind of message carry its `MESSAGE_ID`, so `journalctl MESSAGE_ID=…` finds it.

use std::io::{self, IsTerminal};
use std::str::FromStr;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, Registry};

/// `journalctl -t` finds the program by this.
const IDENTIFIER: &str = "kubelet-proxy";

/// Keeps our fields apart from those that journald trusts.
const FIELD_PREFIX: &str = "KP";

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// The journal if standard error is connected to it, else JSON.
    Auto,
    /// The journal's native protocol.
    Journal,
    /// A JSON object per line on standard error.
    Json,
    /// A readable line on standard error.
    Text,
}

/// Least severe level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLevel(Level);

/// How and how much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOptions {
    /// How.
    pub format: LogFormat,
    /// How much.
    pub level: LogLevel,
}

/// One kind of message, by the target it is logged under.
#[derive(Clone, Copy, Debug)]
pub struct MessageKind {
    /// The tracing target, used for this kind alone.
    pub target: &'static str,
    /// 128 bits in hexadecimal, as in the journal's message catalogue.
    pub message_id: &'static str,
}

/// Why logging could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `--log-format journal` without a journal.
    #[error(
        "--log-format journal: no journal answers at /run/systemd/journal/socket ({0}): \
         use json or text"
    )]
    NoJournal(#[source] io::Error),
    /// Logging was set up before.
    #[error("logging is already set up")]
    Repeated,
}

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

/// Sets up logging for the whole process. Call once, before the first log line.
///
/// # Errors
/// [`LogError`].
pub fn start(options: LogOptions, kinds: &'static [MessageKind]) -> Result<(), LogError> {
    let output = output(options.format, kinds)?;
    let subscriber = Registry::default().with(output.with_filter(options.level.filter()));
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Repeated)
}

impl FromStr for LogFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "journal" => Ok(Self::Journal),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("expected auto, journal, json or text".to_owned()),
        }
    }
}

impl FromStr for LogLevel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self(Level::ERROR)),
            "warn" => Ok(Self(Level::WARN)),
            "info" => Ok(Self(Level::INFO)),
            "debug" => Ok(Self(Level::DEBUG)),
            _ => Err("expected error, warn, info or debug".to_owned()),
        }
    }
}

impl LogLevel {
    /// Our own lines at this level; those of libraries from warnings up, because at debug level
    /// they would include headers and addresses by the thousand.
    fn filter(self) -> Targets {
        let libraries = LevelFilter::from_level(self.0).min(LevelFilter::WARN);
        Targets::new().with_default(libraries).with_target(env!("CARGO_CRATE_NAME"), self.0)
    }
}

fn output(format: LogFormat, kinds: &'static [MessageKind]) -> Result<Boxed, LogError> {
    match format {
        LogFormat::Journal => journal(kinds).map_err(LogError::NoJournal),
        LogFormat::Auto if is_connected_to_journal() => {
            Ok(journal(kinds).unwrap_or_else(|_| json(io::stderr)))
        }
        LogFormat::Auto | LogFormat::Json => Ok(json(io::stderr)),
        LogFormat::Text => Ok(text(io::stderr, io::stderr().is_terminal())),
    }
}

/// One layer per message identifier, because the journal's layer adds fixed fields to every line of
/// a layer, and one for all other lines.
fn journal(kinds: &'static [MessageKind]) -> io::Result<Boxed> {
    let is_of_no_kind = |target: &str| kinds.iter().all(|kind| kind.target != target);
    let others = filter_fn(move |line| is_of_no_kind(line.target()));
    let mut layers: Vec<Boxed> = vec![journal_layer()?.with_filter(others).boxed()];
    for kind in kinds {
        let layer = journal_layer()?.with_custom_fields([("MESSAGE_ID", kind.message_id)]);
        layers.push(layer.with_filter(filter_fn(|line| line.target() == kind.target)).boxed());
    }
    Ok(layers.boxed())
}

fn journal_layer() -> io::Result<tracing_journald::Layer> {
    let priorities = PriorityMappings {
        error: Priority::Error,
        warn: Priority::Warning,
        info: Priority::Informational,
        debug: Priority::Debug,
        trace: Priority::Debug,
    };
    Ok(tracing_journald::layer()?
        .with_field_prefix(Some(FIELD_PREFIX.to_owned()))
        .with_priority_mappings(priorities)
        .with_syslog_identifier(IDENTIFIER.to_owned()))
}

fn json<S, W>(writer: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(writer).boxed()
}

fn text<S, W>(writer: W, in_colour: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> tracing_subscriber::fmt::MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt::layer().with_ansi(in_colour).with_writer(writer).boxed()
}

/// systemd.exec(5): `JOURNAL_STREAM` names device and inode of the journal's end; only if standard
/// error is still that file may the native protocol replace it.
fn is_connected_to_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    rustix::fs::fstat(io::stderr()).is_ok_and(|file| names_file(&stream, file.st_dev, file.st_ino))
}

fn names_file(stream: &str, device: u64, inode: u64) -> bool {
    let parts = stream.split_once(':');
    let named = parts.and_then(|(device, inode)| Some((device.parse().ok()?, inode.parse().ok()?)));
    named == Some((device, inode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(level: &str, log: impl FnOnce()) -> Vec<serde_json::Value> {
        let written = Written::default();
        let writer = written.clone();
        let layer = json(move || writer.clone());
        let level: LogLevel = level.parse().unwrap();
        let subscriber = Registry::default().with(layer.with_filter(level.filter()));
        tracing::subscriber::with_default(subscriber, log);
        let bytes = written.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn json_lines_carry_fields_beside_the_message() {
        let lines = lines("info", || tracing::info!(pod = "a\n{\"b\":1}", "pod denied"));
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line["message"], "pod denied");
        assert_eq!(line["pod"], "a\n{\"b\":1}");
        assert_eq!(line["level"], "INFO");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn levels_hold_for_our_own_lines_and_libraries_stay_quiet() {
        let log = || {
            tracing::debug!("own");
            tracing::info!("own");
            tracing::debug!(target: "hyper", "header");
            tracing::info!(target: "hyper", "connected");
            tracing::warn!(target: "hyper", "odd");
        };
        for (level, expected) in [("debug", 3), ("info", 2), ("warn", 1), ("error", 0)] {
            assert_eq!(lines(level, log).len(), expected, "{level}");
        }
    }

    #[test]
    fn the_journal_is_meant_only_by_its_own_device_and_inode() {
        assert!(names_file("8:42", 8, 42));
        for stream in ["", "8", "8:43", "9:42", ":", "8:42:1", " 8:42", "x:y"] {
            assert!(!names_file(stream, 8, 42), "{stream}");
        }
    }
}
