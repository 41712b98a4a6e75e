//! Acts on stalls: the log, the status report, the request. These may allocate or block,
//! so they have a thread of their own.

use super::beat::{Beat, RECOVERED, STALLED};
use super::heartbeat_policy::OnStall;
use super::state::State;
use crate::cause::Cause;
use crate::process::{self, report_requests::Request};
use crate::report::Tenths;

/// Runs `deadstop-stalls`.
pub(super) fn run(state: &'static State) {
    loop {
        let seen = state.findings.read();
        for (_, beat) in state.beats.in_places() {
            let findings = beat.take_findings();
            if findings == 0 {
                continue;
            }
            if findings & STALLED != 0 {
                act_on_stall(state, beat);
            }
            if findings & RECOVERED != 0 && !beat.is_stalled() {
                let line = format!("heartbeat {:?} recovered", beat.name());
                state.shutdown.coordinator.reporting.info(line);
            }
            beat.end_handling();
        }
        state.findings.wait_past(seen, None);
    }
}

fn act_on_stall(state: &State, beat: &Beat) {
    let policy = beat.policy();
    // First: it arms the watchdog before anything that could block.
    if policy == OnStall::Shutdown {
        state.shutdown.request(Cause::Stalled {
            heartbeat: beat.name().to_owned(),
        });
    }
    process::request_report(Request::Stall);
    let age = beat.age(deadstop_core::now());
    state.shutdown.coordinator.reporting.warn(format!(
        "heartbeat {:?} stalled: no tick for {}; {}",
        beat.name(),
        Tenths(age),
        policy.consequence(),
    ));
}
