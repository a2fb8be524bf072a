//! The command line of the yardstick.
//!
//! The defaults are what `make bench` prints and `docs/benchmarks.md` holds; the flags serve
//! profiling and quick looks.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::measure::{Load, Timed};

/// Measures the proxy against haproxy and against no proxy at all.
#[derive(Parser)]
pub(crate) struct Arguments {
    /// Measure only these
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) only: Vec<Subject>,
    /// Measure only through these
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) target: Vec<Target>,
    /// Rounds in which the targets take turns
    #[arg(long, default_value_t = 7)]
    pub(crate) rounds: u32,
    /// Length of each measurement; with one --only and one --target, put that load on for so long
    /// and print the client's own figures
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Replace the measured part of this Markdown file
    #[arg(long)]
    pub(crate) markdown: Option<PathBuf>,
    /// While the load is on, record the proxy with perf into this file
    #[arg(long)]
    pub(crate) perf: Option<PathBuf>,
    /// Start kubelet-proxy under this command, for example "valgrind --tool=callgrind"
    #[arg(long)]
    pub(crate) under: Option<String>,
    /// Measure this kubelet-proxy instead of the one built along
    #[arg(long)]
    pub(crate) binary: Option<PathBuf>,
    /// What haproxy lets an HTTP/2 peer send unasked; the default is haproxy's own
    #[arg(long, default_value_t = 65_535, value_name = "BYTES")]
    pub(crate) haproxy_window: u32,
    /// Given by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// Time of one whole list
    List,
    /// Small reads a second, eight clients
    Get,
    /// Watch events a second, as fast as they go
    Burst,
    /// Age of a watch event on arrival
    Lag,
    /// Processor time of one pod, without network
    Decision,
    /// From the start to the first connection, with a policy of 1 MB
    Start,
    /// Resident memory
    Memory,
}

/// Between client and API server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Target {
    /// Nothing
    Direct,
    /// The speed limit
    Haproxy,
    /// kubelet-proxy, with a policy of version 1
    Ours,
    /// kubelet-proxy, with a policy of version 2
    OursV2,
}

impl Subject {
    /// What the client has to time for it, if anything.
    fn timed(&self) -> Option<Timed> {
        match self {
            Self::List => Some(Timed::List),
            Self::Get => Some(Timed::Get),
            Self::Burst => Some(Timed::Burst),
            Self::Lag => Some(Timed::Lag),
            Self::Decision | Self::Start | Self::Memory => None,
        }
    }
}

impl Arguments {
    /// The load to be watched rather than compared: one subject, one target and a duration.
    pub(crate) fn single_load(&self) -> Option<Load> {
        match (self.only.as_slice(), self.target.as_slice(), self.seconds) {
            ([subject], [_], Some(seconds)) => Some(Load::usual(subject.timed()?, Some(seconds))),
            _ => None,
        }
    }

    /// Whether a subject is to be measured: without --only, each is.
    pub(crate) fn asks_for(&self, subject: Subject) -> bool {
        self.only.is_empty() || self.only.contains(&subject)
    }

    /// The timed subjects, in the order of the table.
    pub(crate) fn timed(&self) -> Vec<Timed> {
        let subjects = Subject::value_variants().iter();
        subjects.filter(|subject| self.asks_for(**subject)).filter_map(Subject::timed).collect()
    }

    /// The targets, in the order of the table's columns.
    pub(crate) fn targets(&self) -> Vec<Target> {
        [Target::Direct, Target::Haproxy, Target::Ours, Target::OursV2]
            .into_iter()
            .filter(|target| self.target.is_empty() || self.target.contains(target))
            .collect()
    }
}
