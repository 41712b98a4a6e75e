//! The tasks of a gate: one keeps it accepting for a time after the request, and one closes it and
//! waits until it is empty.

use std::sync::Arc;
use std::time::Duration;

use deadstop_core::now;
use deadstop_core::roster::TaskKind;

use super::plan::Plan;
use super::round::Round;
use super::state::State;
use crate::drain::counted::counted;
use crate::drain::task_progress::{UPDATE_EVERY, next_update, show_thread};
use crate::drain::{RegisterError, announcement, no_phase};
use crate::task::PhaseName;
use crate::{Phase, TaskContext};

/// Registers the task that closes the gate and waits for it, and the one that keeps it
/// accepting.
#[track_caller]
pub(super) fn register(state: &'static State, round: &Arc<Round>) -> Result<(), RegisterError> {
    let Some(plan) = &state.plan else {
        return Ok(());
    };
    let streams_within = plan.streams_within;
    let task = plan.owner.task(&state.name).phase(plan.phase.clone());
    let task = task.budget_if_set(plan.budget);
    let drains = Drains {
        state,
        round: Arc::clone(round),
    };
    let task = task.on_shutdown(move |cx| drains.drain(streams_within, cx))?;
    if !plan.keep_accepting.is_zero() {
        if let Err(error) = announce(state, round, plan) {
            task.cancel();
            return Err(error);
        }
    }
    Ok(())
}

/// Registers the task that keeps the first phase from ending.
#[track_caller]
fn announce(state: &'static State, round: &Arc<Round>, plan: &Plan) -> Result<(), RegisterError> {
    match announce_in("announce".into(), state, round, plan) {
        Err(error) if no_phase(&error) => announce_in(Phase::UNBIND.into(), state, round, plan),
        other => other,
    }
}

/// Registers that task in `phase`. A closure could not know who registers it.
#[track_caller]
fn announce_in(
    phase: PhaseName,
    state: &'static State,
    round: &Arc<Round>,
    plan: &Plan,
) -> Result<(), RegisterError> {
    let name = format!("keep accepting {}", state.name);
    let task = plan.owner.task(&name).phase(phase);
    let (round, time) = (Arc::clone(round), plan.keep_accepting);
    let task = task.on_shutdown(move |cx| keep_accepting(state, &round, time, cx));
    task.map(drop)
}

/// Keeps the gate's first phase from ending for `time`, or until load balancers have
/// seen that the process is not ready.
fn keep_accepting(state: &State, round: &Arc<Round>, time: Duration, cx: &TaskContext) {
    cx.note_kind(TaskKind::Gate);
    state.announce(round);
    let until = now().saturating_add(time.min(cx.remaining()));
    cx.progress("not ready; requests are still admitted");
    announcement::SEEN.wait_seen(until);
}

/// The task that closes the gate in a round. If the shutdown skips it, the gate closes all
/// the same: a server that waits for that must not wait until the deadline.
struct Drains {
    state: &'static State,
    round: Arc<Round>,
}

impl Drains {
    /// Closes the gate, and waits until nothing is in flight.
    fn drain(self, streams_within: Duration, cx: &TaskContext) -> Result<(), String> {
        cx.note_kind(TaskKind::Gate);
        self.state.close(&self.round);
        let result = wait_empty(self.state, streams_within, cx);
        self.round.drained.set();
        if result.is_err() {
            self.stay(cx);
        }
        result
    }

    /// Stays while something is in flight, so that reports name it: of a task that has
    /// returned they say nothing.
    fn stay(&self, cx: &TaskContext) {
        let state = self.state;
        loop {
            // Before the look at what changes.
            let seen = state.requests.changes();
            if !Arc::ptr_eq(&state.round(), &self.round) || state.requests.entries() == 0 {
                return;
            }
            cx.progress(&state.describe());
            show_thread(cx, state.oldest().map(|oldest| oldest.tid));
            state.requests.wait_past(seen, next_update(cx));
        }
    }
}

impl Drop for Drains {
    fn drop(&mut self) {
        // Not where the task is cancelled, or dropped in a child of `fork`.
        if self.state.is_here() && self.state.is_owner_requested() {
            self.state.give_up(&self.round);
        }
    }
}

fn wait_empty(state: &State, streams_within: Duration, cx: &TaskContext) -> Result<(), String> {
    cx.progress(&state.describe());
    while !state
        .requests
        .wait_empty(Some(now().saturating_add(UPDATE_EVERY)), now)
    {
        if cx.is_abandoned() {
            let (name, left) = (&state.name, state.describe());
            state.alert(format!("gate {name:?}: the drain is over, with {left}"));
            return Err(left);
        }
        cx.progress(&state.describe());
        show_thread(cx, state.oldest().map(|oldest| oldest.tid));
    }
    show_thread(cx, None);
    let until = now().saturating_add(streams_within.min(cx.remaining()));
    if !state.streams.wait_empty(Some(until), now) {
        let name = &state.name;
        let streams = counted(state.streams.entries(), "stream");
        state.alert(format!(
            "gate {name:?}: {streams} still open, which the drain does not wait for"
        ));
    }
    cx.progress(&state.describe());
    Ok(())
}
