//! Feeds systemd's watchdog, as long as this process accepts connections and decides on pods.
//!
//! A timer of its own would go on while everything else is stuck. So each beat asks `/livez` over the
//! admin socket as a client would, and has the policy in force decide on a pod.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};

use super::decide::Judge;
use super::limits::OBJECT_LIMITS;
use crate::kube_wire::document::read_whole;
use crate::kube_wire::json::Tape;
use crate::kube_wire::received_pod::ReceivedPod;
use crate::metrics::admin_server::ask_livez;
use crate::policy::{Circumstances, NoCounters, Policy};
use crate::systemd::notify;

/// A pod that touches what most rules look at; never sent to anyone.
const CANARY: &str = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"canary","namespace":"default","uid":"00000000-0000-4000-8000-000000000000","resourceVersion":"1"},"spec":{"nodeName":"canary","hostNetwork":true,"containers":[{"name":"c","image":"registry.invalid/canary:1","securityContext":{"privileged":true}}]}}"#;

/// Why a beat is left out; systemd restarts the service when several are.
#[derive(Debug, thiserror::Error)]
enum Unwell {
    #[error("the admin socket does not answer: {0}")]
    Deaf(#[from] std::io::Error),
    #[error("the policy does not decide on a sound pod")]
    Undecided,
    #[error("the admin socket and the policy took too long")]
    Slow,
}

/// Beats twice in each period, until the runtime ends.
pub(super) async fn run(period: Duration, admin: PathBuf, judge: Arc<Judge>) {
    let pause = period.checked_div(2).unwrap_or(period);
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let checked = timeout(pause, check(&admin, &judge)).await;
        match checked.unwrap_or(Err(Unwell::Slow)) {
            Ok(()) => notify::alive(),
            Err(reason) => tracing::error!(%reason, "watchdog not fed"),
        }
    }
}

async fn check(admin: &std::path::Path, judge: &Judge) -> Result<(), Unwell> {
    ask_livez(admin).await?;
    if decides(judge.in_force().policy()) { Ok(()) } else { Err(Unwell::Undecided) }
}

/// Reads the canary and has it decided on, as any pod; the verdict is the policy's own matter.
fn decides(policy: &Policy) -> bool {
    let mut tape = Tape::default();
    let Ok(flaw) = read_whole(CANARY.as_bytes(), &mut tape, OBJECT_LIMITS) else {
        return false;
    };
    match ReceivedPod::read(tape.root(CANARY.as_bytes()), flaw) {
        ReceivedPod::Sound(sound) => {
            // Either verdict will do; `black_box` keeps the work from being left out.
            let now = jiff::Timestamp::now().as_second();
            let here = Circumstances { now, node: sound.pod.node_name, counters: &NoCounters };
            std::hint::black_box(policy.evaluate(&sound, &here).verdict.is_allow());
            true
        }
        ReceivedPod::Faulty(faulty) => {
            tracing::error!(fault = %faulty.fault, "the watchdog's own pod is not sound");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_canary_is_a_sound_pod_that_policies_decide_on() {
        assert!(decides(&Policy::allow_all()));
        let strict = include_bytes!("../../policies/seed-strict.json");
        assert!(decides(&Policy::parse(strict).unwrap().policy));
    }
}
