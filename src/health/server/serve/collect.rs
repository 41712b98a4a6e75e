//! Collects the facts from atomics: allocates nothing, and waits for no other thread.

use deadstop_core::buffer::TextBuffer;
use deadstop_core::{Nanos, now};

use super::super::answer::{
    BeatFacts, CheckFacts, Facts, PhaseFacts, Route, Served, Stop, TaskFacts, push,
};
use super::super::check::{MAX_CHECKS, REASON};
use super::super::shared::Shared;
use crate::drain::{self, GateNumbers, LISTED, PoolNumbers};
use crate::health::beat::Beat;
use crate::health::beats::MAX_HEARTBEATS;
use crate::health::start;
use crate::process::{ROSTER, WATCH};

/// Phases that the roster has at most.
const MAX_PHASES: usize = 16;

/// Makes room for all that there can be.
pub(super) fn prepare() -> Facts {
    Facts::with_room(MAX_HEARTBEATS, MAX_CHECKS, LISTED, MAX_PHASES)
}

/// Collects what an answer of `route` needs.
pub(super) fn collect(facts: &mut Facts, shared: &'static Shared, route: Route, served: Served) {
    let now = now();
    facts.now = now;
    facts.is_ready = shared.is_ready();
    facts.was_ready = shared.was_ready();
    facts.served = served;
    facts.beats.clear();
    facts.checks.clear();
    facts.gates.clear();
    facts.pools.clear();
    facts.phases.clear();
    stop(facts, shared);
    match route {
        Route::Live => each_beat(|beat, is_open| {
            if is_open {
                push(&mut facts.beats, beat_facts(beat, facts.now));
            }
        }),
        Route::Metrics => {
            // A closed one still counts: a counter must not fall.
            each_beat(|beat, is_open| {
                if is_open {
                    add_beat(&mut facts.beats, beat_facts(beat, facts.now));
                }
            });
            each_beat(|beat, is_open| {
                let known = facts
                    .beats
                    .iter_mut()
                    .find(|known| known.name == beat.name());
                if let Some(known) = known.filter(|_| !is_open) {
                    known.stalls += beat.stalls();
                }
            });
        }
        _ => {}
    }
    if matches!(route, Route::Ready | Route::Metrics) {
        checks(facts, shared);
    }
    if route == Route::Metrics {
        drain::gates().for_each(|gate| add_gate(&mut facts.gates, gate));
        drain::pools().for_each(|pool| add_pool(&mut facts.pools, pool));
        tasks(facts);
    }
}

fn stop(facts: &mut Facts, shared: &Shared) {
    facts.stop = shared.shutdown.is_requested().then(|| Stop {
        begun: WATCH.deadline().begun().unwrap_or(facts.now),
        deadline: WATCH.deadline().exit_at(),
    });
    if facts.stop.is_none() {
        return;
    }
    let now = facts.now;
    let phases = &mut facts.phases;
    ROSTER.phases.visit(|name, started, ended| {
        let mut text = TextBuffer::new();
        text.text(name);
        let phase = PhaseFacts {
            name: text,
            length: ended.unwrap_or(now).since(started),
            is_over: ended.is_some(),
        };
        // Two long names may be the same where they were cut.
        match phases
            .iter_mut()
            .find(|known| known.name.as_str() == phase.name.as_str())
        {
            None => push(phases, phase),
            Some(known) => {
                known.length += phase.length;
                known.is_over &= phase.is_over;
            }
        }
    });
}

/// Calls `each` with every heartbeat, and whether it has a handle.
fn each_beat(mut each: impl FnMut(&'static Beat, bool)) {
    if let Some(state) = start::current() {
        let beats = state.beats.in_places();
        beats.for_each(|(_, beat)| each(beat, beat.is_open()));
    }
}

fn beat_facts(beat: &'static Beat, now: Nanos) -> BeatFacts {
    let is_stalled = beat.is_stalled();
    BeatFacts {
        name: beat.name(),
        age: beat.age(now),
        limit: beat.limit(),
        is_stalled,
        is_alive: beat.is_alive(),
        watched: 1,
        stalled: is_stalled.into(),
        stalls: beat.stalls(),
        tid: beat.thread(),
        listed: beat.listed(),
    }
}

/// Heartbeats of one name are one series of the metrics: their numbers are added, and the
/// age and the limit are those of the one that is worst off.
fn add_beat(beats: &mut Vec<BeatFacts>, found: BeatFacts) {
    let Some(known) = beats.iter_mut().find(|known| known.name == found.name) else {
        return push(beats, found);
    };
    // The age of a paused heartbeat says little, however long the pause lasts.
    let rank = |beat: &BeatFacts| {
        let is_watched = beat.limit.is_some();
        (!beat.is_alive, beat.is_stalled, is_watched, beat.age)
    };
    let (watched, stalled, stalls) = (
        known.watched + found.watched,
        known.stalled + found.stalled,
        known.stalls + found.stalls,
    );
    if rank(&found) > rank(known) {
        *known = found;
    }
    (known.watched, known.stalled, known.stalls) = (watched, stalled, stalls);
}

fn add_gate(gates: &mut Vec<GateNumbers>, found: GateNumbers) {
    match gates.iter_mut().find(|known| known.name == found.name) {
        None => push(gates, found),
        Some(known) => {
            known.in_flight += found.in_flight;
            known.streams += found.streams;
            known.refused += found.refused;
            known.is_closed &= found.is_closed;
        }
    }
}

fn add_pool(pools: &mut Vec<PoolNumbers>, found: PoolNumbers) {
    match pools.iter_mut().find(|known| known.name == found.name) {
        None => push(pools, found),
        Some(known) => {
            known.threads += found.threads;
            known.running += found.running;
            known.queued += found.queued;
            for (known, found) in known.outcomes.iter_mut().zip(found.outcomes) {
                known.1 += found.1;
            }
        }
    }
}

fn checks(facts: &mut Facts, shared: &'static Shared) {
    let mut buffer = [0; REASON];
    for check in &shared.checks {
        let mut reason = TextBuffer::new();
        reason.text(check.reason(&mut buffer));
        let found = CheckFacts {
            name: &check.name,
            verdict: check.verdict(facts.now),
            reason,
        };
        push(&mut facts.checks, found);
    }
}

fn tasks(facts: &mut Facts) {
    let (running, abandoned) = ROSTER.running.count_unfinished();
    let (pending, _) = ROSTER.pending.count_unfinished();
    facts.tasks = TaskFacts {
        pending,
        running,
        abandoned,
    };
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn beat(is_stalled: bool, limit: Option<u64>, age: u64) -> BeatFacts {
        BeatFacts {
            name: "loop",
            age: Duration::from_secs(age),
            limit: limit.map(Duration::from_secs),
            is_stalled,
            is_alive: !is_stalled,
            watched: 1,
            stalled: is_stalled.into(),
            stalls: 1,
            tid: 1,
            listed: 0,
        }
    }

    #[test]
    fn heartbeats_of_one_name_are_one_with_the_age_of_the_worst_of_them() {
        let stalled = || beat(true, Some(2), 3);
        let in_time = || beat(false, Some(10), 9);
        let paused = || beat(false, None, 50);
        for order in [
            [stalled(), in_time(), paused()],
            [paused(), stalled(), in_time()],
            [in_time(), paused(), stalled()],
        ] {
            let mut beats = Vec::with_capacity(3);
            for found in order {
                add_beat(&mut beats, found);
            }
            let [one] = &beats[..] else {
                panic!("{beats:?}");
            };
            assert_eq!((one.watched, one.stalled, one.stalls), (3, 1, 3));
            assert_eq!(one.age, Duration::from_secs(3), "{one:?}");
        }
        let mut beats = Vec::with_capacity(2);
        add_beat(&mut beats, paused());
        add_beat(&mut beats, in_time());
        assert_eq!(beats[0].age, Duration::from_secs(9), "one is watched");
    }
}
