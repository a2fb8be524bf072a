//! The timed part: rounds in which the targets take turns.
//!
//! The machine's mood changes from second to second; only neighbours in time are compared. The
//! first target of a round is another one each time, so that none always follows the same one.

use std::path::Path;
use std::process::Child;

use crate::Failure;
use crate::arguments::{Arguments, Target};
use crate::measure::{Load, PODS};
use crate::report::{MEGABYTE, Report, Row};
use crate::running::bound;
use crate::stage::{Route, Stage};

/// How long a program is left alone before its idle memory is read: start-up is over by then.
const SETTLE: std::time::Duration = std::time::Duration::from_secs(1);

/// Measures all asked-for subjects through all asked-for targets, and the memory that took.
pub(crate) fn measure(
    stage: &Stage,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<(), Failure> {
    let server = stage.api_server(PODS, 0)?;
    let mut routes = arguments
        .targets()
        .into_iter()
        .map(|target| stage.open(target, server.address))
        .collect::<Result<Vec<_>, _>>()?;
    std::thread::sleep(SETTLE);
    note_memory(&routes, "VmRSS", Row::IdleMemory, report)?;
    for round in 1..=arguments.rounds {
        eprintln!("yardstick: round {round} of {}", arguments.rounds);
        for timed in arguments.timed() {
            for route in &routes {
                let load = Load::usual(timed, arguments.seconds);
                let figures = load.run(stage, route, server.address)?;
                report.add_figures(timed, route.target, &figures)?;
            }
        }
        routes.rotate_left(1);
    }
    note_memory(&routes, "VmHWM", Row::PeakMemory, report)
}

fn note_memory(
    routes: &[Route],
    field: &str,
    row: Row,
    report: &mut Report,
) -> Result<(), Failure> {
    for route in routes {
        if let Some(program) = &route.program {
            report.add(row, route.target, program.memory(field)?);
        }
    }
    Ok(())
}

/// Puts one load on one target, for a profiler to watch, and prints what the client saw.
pub(crate) fn load_one(stage: &Stage, arguments: &Arguments, load: &Load) -> Result<(), Failure> {
    let server = stage.api_server(load.pods, 0)?;
    let target = arguments.targets().first().copied().unwrap_or(Target::Ours);
    let route = stage.open(target, server.address)?;
    let recorder = match (&route.program, &arguments.perf) {
        (Some(program), Some(file)) => Some(perf(file, program.id(), load.seconds)?),
        (Some(_) | None, None) | (None, Some(_)) => None,
    };
    let figures = load.run(stage, &route, server.address)?;
    for (name, value) in &figures {
        println!("{name:>12} {value:.1}");
    }
    if let Some(mut recorder) = recorder {
        recorder.wait()?;
    }
    if let Some(program) = route.program {
        println!("{:>12} {:.1}", "peak_mb", program.memory("VmHWM")? / MEGABYTE);
        let done = ["lists", "gets", "events"].iter().find_map(|name| figures.get(*name));
        if let Some(done) = done {
            println!("{:>12} {:.1}", "cpu_us_each", program.processor_time()? / done);
        }
        program.stop()?;
    }
    Ok(())
}

/// Records `pid` for `seconds`, which is as long as the load lasts.
fn perf(file: &Path, pid: u32, seconds: f64) -> Result<Child, Failure> {
    // A prime number of samples a second does not beat with timers.
    const FREQUENCY: &str = "1999";
    let mut command = bound(Path::new("perf"));
    command.args(["record", "--quiet", "-F", FREQUENCY, "-p", &pid.to_string(), "-o"]);
    command.arg(file).args(["--", "sleep", &seconds.to_string()]);
    Ok(command.spawn()?)
}
