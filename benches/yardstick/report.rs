//! The table: every row's unit, target and verdict, as text for the terminal and as Markdown.
//!
//! It adds nothing that was not measured in this run; a row without samples is left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::Failure;
use crate::arguments::Target;
use crate::machine::Machine;
use crate::measure::{Figures, Timed};
use crate::statistics::{Summary, ratio, summary};

/// Decimal, as memory limits are written.
pub(crate) const MEGABYTE: f64 = 1e6;
/// The part of the Markdown file that a run replaces.
const BEGIN: &str = "<!-- measured: begin -->";
const END: &str = "<!-- measured: end -->";

/// One line of the table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    ListMedian,
    ListTail,
    Gets,
    Burst,
    LagMedian,
    LagTail,
    Decision,
    WholePod,
    Start,
    PeakMemory,
    LargeListMemory,
    LargeListFactor,
    IdleMemory,
}

/// What a row has to reach.
#[derive(Clone, Copy)]
enum Goal {
    /// At most haproxy's.
    NoMoreThanHaproxy,
    /// At least haproxy's.
    NoLessThanHaproxy,
    /// At most so much, in the row's unit.
    AtMost(f64),
    /// Shown for what it tells.
    None,
}

/// How a row is shown: its name, what to divide by, decimals, unit, goal.
struct Form {
    name: &'static str,
    scale: f64,
    decimals: usize,
    unit: &'static str,
    goal: Goal,
}

impl Row {
    fn form(self) -> Form {
        let form = |name, scale, decimals, unit, goal| Form { name, scale, decimals, unit, goal };
        // The client prints microseconds and events a second; memory is in bytes.
        match self {
            Self::ListMedian => form("LIST, 500 pods, p50", 1e3, 2, "ms", Goal::NoMoreThanHaproxy),
            Self::ListTail => form("LIST, 500 pods, p99", 1e3, 2, "ms", Goal::None),
            Self::Gets => form("small GET, 8 connections", 1e3, 1, "k/s", Goal::NoLessThanHaproxy),
            Self::Burst => form("watch burst, events", 1e3, 1, "k/s", Goal::NoLessThanHaproxy),
            Self::LagMedian => {
                form("event lag at 200/s, p50", 1.0, 0, "µs", Goal::NoMoreThanHaproxy)
            }
            Self::LagTail => form("event lag at 200/s, p99", 1.0, 0, "µs", Goal::None),
            Self::Decision => form("decision on a pod, 50 rules", 1.0, 2, "µs", Goal::AtMost(20.0)),
            Self::WholePod => form("… from its bytes to ours", 1.0, 2, "µs", Goal::None),
            Self::Start => form("start with a policy of 1 MB", 1e3, 0, "ms", Goal::AtMost(200.0)),
            Self::PeakMemory => form("peak RSS of all that", MEGABYTE, 1, "MB", Goal::AtMost(24.0)),
            Self::LargeListMemory => form("peak RSS, 60 MB list", MEGABYTE, 1, "MB", Goal::None),
            Self::LargeListFactor => {
                form("… in multiples of the body", 1.0, 2, "×", Goal::AtMost(4.0))
            }
            Self::IdleMemory => form("idle RSS", MEGABYTE, 1, "MB", Goal::AtMost(10.0)),
        }
    }
}

impl Row {
    /// Does the second version cost no more than it may? Asked of lists and bursts.
    fn judge_versions(self, of_version_1: Option<Summary>) -> &'static str {
        let Some(found) = of_version_1 else { return "" };
        let kept = match self {
            Self::ListMedian => found.median <= MOST_OF_VERSION_1,
            Self::Burst => found.median >= MOST_OF_VERSION_1.recip(),
            Self::ListTail
            | Self::Gets
            | Self::LagMedian
            | Self::LagTail
            | Self::Decision
            | Self::WholePod
            | Self::Start
            | Self::PeakMemory
            | Self::LargeListMemory
            | Self::LargeListFactor
            | Self::IdleMemory => return "",
        };
        if kept { "reached" } else { "missed" }
    }
}

/// The samples of a run, one per round.
#[derive(Default)]
pub(crate) struct Report {
    samples: BTreeMap<(Row, Target), Vec<f64>>,
}

impl Report {
    /// Adds one sample.
    pub(crate) fn add(&mut self, row: Row, target: Target, value: f64) {
        self.samples.entry((row, target)).or_default().push(value);
    }

    /// Adds what one run of the client printed.
    pub(crate) fn add_figures(
        &mut self,
        timed: Timed,
        target: Target,
        figures: &Figures,
    ) -> Result<(), Failure> {
        let rows: &[(Row, &str)] = match timed {
            Timed::List => &[(Row::ListMedian, "p50_us"), (Row::ListTail, "p99_us")],
            Timed::Get => &[(Row::Gets, "per_second")],
            Timed::Burst => &[(Row::Burst, "per_second")],
            Timed::Lag => &[(Row::LagMedian, "p50_us"), (Row::LagTail, "p99_us")],
        };
        for (row, name) in rows {
            let value =
                figures.get(*name).ok_or_else(|| format!("the client printed no {name}"))?;
            self.add(*row, target, *value);
        }
        Ok(())
    }

    /// The table for a terminal, with the machine above it.
    pub(crate) fn text(&self, machine: &Machine) -> String {
        let table = self.table();
        let mut widths = vec![0; HEADER.len()];
        for line in &table {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = (*width).max(cell.chars().count());
            }
        }
        let mut text = format!("{machine}\n\n");
        for line in &table {
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                let _ = match column {
                    0 => write!(text, "{cell:<width$}"),
                    _ => write!(text, "  {cell:>width$}"),
                };
            }
            text.push('\n');
        }
        text
    }

    /// Replaces the measured part of a Markdown file.
    pub(crate) fn write_markdown(&self, machine: &Machine, path: &Path) -> Result<(), Failure> {
        let old =
            fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (before, rest) = old.split_once(BEGIN).ok_or_else(|| missing(path, BEGIN))?;
        let (_, after) = rest.split_once(END).ok_or_else(|| missing(path, END))?;
        let mut lines = self.table().into_iter().map(|line| format!("| {} |", line.join(" | ")));
        let mut table = format!(
            "{}\n|---|{}",
            lines.next().unwrap_or_default(),
            "--:|".repeat(HEADER.len().saturating_sub(1))
        );
        for line in lines {
            let _ = write!(table, "\n{line}");
        }
        fs::write(path, format!("{before}{BEGIN}\n{machine}\n\n{table}\n{END}{after}"))?;
        Ok(())
    }

    fn table(&self) -> Vec<Vec<String>> {
        let mut rows = self.samples.keys().map(|(row, _)| *row).collect::<Vec<_>>();
        rows.dedup();
        let header = HEADER.iter().map(|cell| (*cell).to_owned()).collect();
        std::iter::once(header).chain(rows.into_iter().map(|row| self.line(row))).collect()
    }

    fn line(&self, row: Row) -> Vec<String> {
        let form = row.form();
        let of = |target| self.samples.get(&(row, target)).map_or(&[][..], Vec::as_slice);
        let show = |target| {
            summary(of(target)).map_or_else(
                || "–".to_owned(),
                |found| format!("{:.*} {}", form.decimals, found.median / form.scale, form.unit),
            )
        };
        let ours = summary(of(Target::Ours));
        let of_haproxy = ratio(of(Target::Ours), of(Target::Haproxy));
        let (goal, verdict) = form.judge(ours, of_haproxy);
        let of_version_1 = ratio(of(Target::OursV2), of(Target::Ours));
        vec![
            form.name.to_owned(),
            show(Target::Direct),
            show(Target::Haproxy),
            show(Target::Ours),
            told(of_haproxy),
            goal,
            verdict.to_owned(),
            show(Target::OursV2),
            told(of_version_1),
            row.judge_versions(of_version_1).to_owned(),
        ]
    }
}

const HEADER: [&str; 10] = [
    "",
    "direct",
    "haproxy",
    "kubelet-proxy",
    "of haproxy (range)",
    "goal",
    "",
    "with a v2 policy",
    "of v1 (range)",
    "within a tenth",
];

/// What a policy of version 2 may cost, in times of the same in version 1.
const MOST_OF_VERSION_1: f64 = 1.1;

fn told(ratio: Option<Summary>) -> String {
    ratio.map_or_else(
        || "–".to_owned(),
        |found| format!("{:.2} ({:.2}–{:.2})", found.median, found.least, found.most),
    )
}

impl Form {
    /// The goal in words, and whether the medians reach it.
    fn judge(&self, ours: Option<Summary>, ratio: Option<Summary>) -> (String, &'static str) {
        let (goal, reached) = match self.goal {
            Goal::NoMoreThanHaproxy => {
                ("≤ haproxy".to_owned(), ratio.map(|found| found.median <= 1.0))
            }
            Goal::NoLessThanHaproxy => {
                ("≥ haproxy".to_owned(), ratio.map(|found| found.median >= 1.0))
            }
            Goal::AtMost(most) => (
                format!("≤ {most} {}", self.unit),
                ours.map(|found| found.median / self.scale <= most),
            ),
            Goal::None => ("–".to_owned(), None),
        };
        let verdict = match reached {
            Some(true) => "reached",
            Some(false) => "missed",
            None => "",
        };
        (goal, verdict)
    }
}

fn missing(path: &Path, mark: &str) -> String {
    format!("{}: put {BEGIN} and {END} where the table belongs ({mark} is missing)", path.display())
}
