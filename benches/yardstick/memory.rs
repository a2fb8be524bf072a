//! Memory under the largest list: 60 MB in one answer, through fresh programs.
//!
//! The bound is on the most that was ever resident, start-up included, in multiples of the body.

use crate::Failure;
use crate::arguments::{Arguments, Target};
use crate::measure::{Load, Timed};
use crate::report::{Report, Row};
use crate::stage::Stage;

/// So many pods make a list of 60 MB.
const PODS: u32 = 14_000;

/// Takes one large list through each program and notes the memory that took.
pub(crate) fn measure(
    stage: &Stage,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<(), Failure> {
    eprintln!("yardstick: a list of {PODS} pods");
    let server = stage.api_server(PODS)?;
    let load = Load { timed: Timed::List, seconds: 0.0, pods: PODS };
    for target in arguments.targets() {
        if target == Target::Direct {
            continue;
        }
        let route = stage.open(target, server.address)?;
        load.run(stage, &route, server.address)?;
        if let Some(program) = &route.program {
            let peak = program.memory("VmHWM")?;
            report.add(Row::LargeListMemory, target, peak);
            report.add(Row::LargeListFactor, target, peak / server.body);
        }
    }
    Ok(())
}
