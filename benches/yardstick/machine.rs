//! The machine a table was measured on, as the table's heading.
//!
//! Figures without it mean nothing; the load before the run tells whether they mean much.

use std::fmt;
use std::fs;
use std::process::Command;

use crate::Failure;

/// What a reader needs to weigh the figures.
pub(crate) struct Machine {
    processor: String,
    cores: usize,
    kernel: String,
    load: String,
    haproxy: String,
    day: String,
    rounds: u32,
}

impl Machine {
    /// Looks before the measurement loads the machine.
    pub(crate) fn read(rounds: u32) -> Result<Self, Failure> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let model =
            processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg")?;
        Ok(Self {
            processor: model.map_or("unknown processor", |(_, name)| name).to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            haproxy: haproxy_version()?,
            day: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            rounds,
        })
    }
}

fn haproxy_version() -> Result<String, Failure> {
    let output = Command::new("haproxy")
        .arg("-v")
        .output()
        .map_err(|error| format!("haproxy: {error} (apt-get install haproxy)"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.split_whitespace().nth(2).unwrap_or("of unknown version").to_owned())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}, {} cores, Linux {}, haproxy {}, load {} before; medians of {} rounds",
            self.day, self.processor, self.cores, self.kernel, self.haproxy, self.load, self.rounds
        )
    }
}
