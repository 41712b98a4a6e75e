//! Any phases at all, as a builder may be given them.
//!
//! They are refused, or come in an order that keeps every wish; and whenever a
//! phase begins, its time is over before what later ones reserve.

#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use deadstop::{Phase, fuzzing};
use deadstop::task::{OnFailure, PhasesError};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Asked {
    name: u8,
    after: Vec<u8>,
    before: Vec<u8>,
    budget: Option<Duration>,
    reserve: Duration,
    ends: bool,
    always: bool,
    disabled: bool,
}

fuzz_target!(|input: (Vec<Asked>, Duration, u64, u64)| {
    let (asked, grace, begun, late) = input;
    let phases: Vec<_> = asked.iter().map(phase).collect();
    let plan = match fuzzing::plan(phases.clone(), grace) {
        Ok(plan) => plan,
        Err(error) => {
            // Whatever it says, it can be said.
            assert!(!error.to_string().is_empty());
            if let PhasesError::Cycle(cycle) = error {
                assert!(cycle.len() > 1 && cycle.first() == cycle.last());
            }
            return;
        }
    };
    let place = |name: u8| {
        let name = self::name(name);
        let place = plan.iter().position(|planned| planned.name == name);
        place.expect("it is in the plan")
    };
    for asked in &asked {
        let here = place(asked.name);
        assert!(asked.after.iter().all(|other| place(*other) < here));
        assert!(asked.before.iter().all(|other| here < place(*other)));
    }
    // Each begins when its predecessor's time is over, the first one late.
    let deadline = fuzzing::after(begun, grace);
    let mut now = begun.saturating_add(late).min(deadline);
    for (at, planned) in plan.iter().enumerate() {
        let ends = planned.ends(now, deadline);
        assert!(ends <= deadline);
        let asks = |planned: &fuzzing::Planned| {
            let asked = asked.iter().find(|asked| name(asked.name) == planned.name);
            let asked = asked.filter(|asked| !asked.disabled);
            asked.map_or(Duration::ZERO, |asked| asked.reserve)
        };
        let later = plan[at + 1..].iter().map(asks);
        let later = later.fold(Duration::ZERO, Duration::saturating_add);
        let left = Duration::from_nanos(deadline - ends);
        assert!(left >= later.min(Duration::from_nanos(deadline)));
        now = now.max(ends);
    }
});

/// The four, and eight others.
fn name(number: u8) -> String {
    match number % 12 {
        0 => "unbind".to_owned(),
        1 => "drain".to_owned(),
        2 => "flush".to_owned(),
        3 => "close".to_owned(),
        // One that is refused.
        4 => " ".to_owned(),
        other => format!("phase {other}"),
    }
}

fn phase(asked: &Asked) -> Phase {
    let mut phase = Phase::new(name(asked.name)).reserve(asked.reserve);
    for other in &asked.after {
        phase = phase.after(name(*other));
    }
    for other in &asked.before {
        phase = phase.before(name(*other));
    }
    if let Some(budget) = asked.budget {
        phase = phase.budget(budget);
    }
    if asked.ends {
        phase = phase.on_failure(OnFailure::End);
    }
    if asked.always {
        phase = phase.always(true);
    }
    if asked.disabled {
        phase = phase.disabled(true);
    }
    phase
}
