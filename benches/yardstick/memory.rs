//! Memory under the largest list: 60 MB in one answer, through fresh programs.
//!
//! The bound is on the most that was ever resident, start-up included, in multiples of the body.

use crate::Failure;
use crate::arguments::{Arguments, Target};
use crate::measure::{Load, Timed};
use crate::report::{Report, Row};
use crate::stage::Stage;

/// More than any node runs, and fewer than the pods that the proxy keeps a record of.
const PODS: u32 = 4_000;
/// Bytes by which each pod is larger than usual: together they make a list of 60 MB.
const PADDING: u32 = 10_720;

/// Takes one large list through each program and notes the memory that took.
pub(crate) fn measure(
    stage: &Stage,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<(), Failure> {
    eprintln!("yardstick: a list of {PODS} large pods");
    let server = stage.api_server(PODS, PADDING)?;
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
