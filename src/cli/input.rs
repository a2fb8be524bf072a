//! Files that a verb is given, and standard input, each read up to a limit.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::verb_error::VerbError;
use crate::manifest::{self, MAX_MANIFEST_BYTES, OfferedPod, Setting};
use crate::policy::{LoadedPolicy, MAX_POLICY_BYTES, Policy};
use crate::policy_tools::judge::Moment;

/// Stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// Stands for the node of pods that name none.
const NODE: &str = "node-1";

/// Log lines of a busy month; more is given in parts.
const MAX_RECORDS_BYTES: usize = 512 * 1024 * 1024;

/// What is said about pods that are not on a node yet.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct PodSetting {
    /// Judge pods on this node [default: the one that each names, else node-1]
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// Namespace of objects that name none
    #[arg(short, long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// Take pods as they are written, without what the API server fills in
    #[arg(long)]
    as_written: bool,
    /// Judge at this time, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME", value_parser = read_time)]
    now: Option<i64>,
}

impl PodSetting {
    /// When and where pods are judged.
    pub(super) fn moment(&self) -> Moment {
        Moment { now: self.now.unwrap_or_else(clock), node: self.node.clone() }
    }

    /// The pods of manifests. Objects of unknown kinds are mentioned, not refused.
    pub(super) fn pods(&self, files: &[PathBuf]) -> Result<Vec<OfferedPod>, VerbError> {
        let setting = Setting {
            node: self.node.clone().unwrap_or_else(|| NODE.to_owned()),
            namespace: self.namespace.clone(),
            as_written: self.as_written,
        };
        let mut pods = Vec::new();
        for file in files {
            let wrong = |problem: String| VerbError::bad(format!("{}: {problem}", file.display()));
            let text = read(file, MAX_MANIFEST_BYTES)?;
            let documents = manifest::read(&text).map_err(|error| wrong(error.to_string()))?;
            let found =
                manifest::pods(&documents, &setting).map_err(|error| wrong(error.to_string()))?;
            for object in &found.unknown {
                super::terminal::complain(&format!(
                    "{}: note: {object} is of a kind that is not known here; if it makes pods, give them \
                     as well",
                    file.display()
                ));
            }
            pods.extend(found.pods);
        }
        if pods.is_empty() {
            let files: Vec<_> = files.iter().map(|file| file.display().to_string()).collect();
            let problem = "no pod in it; give a pod, a workload or a list of them";
            return Err(VerbError::bad(format!("{}: {problem}", files.join(", "))));
        }
        Ok(pods)
    }
}

/// Seconds since 1970.
pub(super) fn clock() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// RFC 3339, as seconds since 1970.
pub(super) fn read_time(text: &str) -> Result<i64, String> {
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(jiff::Timestamp::as_second)
        .map_err(|_| format!("{text:?} is no time; write one such as 2027-01-01T00:00:00Z"))
}

/// A policy that loads.
pub(super) fn policy(file: &Path) -> Result<LoadedPolicy, VerbError> {
    let text = read(file, MAX_POLICY_BYTES)?;
    Policy::parse(&text).map_err(|error| VerbError::bad(format!("{}: {error}", file.display())))
}

/// Log lines.
pub(super) fn records(file: &Path) -> Result<String, VerbError> {
    let text = read_within(file, MAX_RECORDS_BYTES, "give it in parts")?;
    String::from_utf8(text)
        .map_err(|_| VerbError::bad(format!("{}: not UTF-8; give lines of JSON", file.display())))
}

/// A file of at most so many bytes.
pub(super) fn read_within(file: &Path, limit: usize, remedy: &str) -> Result<Vec<u8>, VerbError> {
    let text = read(file, limit)?;
    match text.len() <= limit {
        true => Ok(text),
        false => Err(VerbError::bad(format!(
            "{}: is larger than {limit} bytes; {remedy}",
            file.display()
        ))),
    }
}

/// One byte more than the limit, so that who reads it can say what is wrong.
pub(super) fn read(file: &Path, limit: usize) -> Result<Vec<u8>, VerbError> {
    let wrong = |error: io::Error| VerbError::bad(format!("{}: {error}", file.display()));
    let reader: Box<dyn Read> = if file == Path::new(STANDARD_INPUT) {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).map_err(wrong)?)
    };
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = Vec::new();
    reader.take(limit).read_to_end(&mut text).map_err(wrong)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_the_limit_is_refused_and_what_is_as_large_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "12345").unwrap();
        assert_eq!(read_within(file.path(), 5, "").unwrap(), b"12345");
        let error = read_within(file.path(), 4, "give it in parts").unwrap_err();
        assert_eq!(error.exit(), crate::cli::exit_code::Exit::BadConfiguration);
        assert!(
            error.to_string().ends_with(": is larger than 4 bytes; give it in parts"),
            "{error}"
        );
    }
}
