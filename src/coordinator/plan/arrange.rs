//! Puts the four phases and those that a program adds in order.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use crate::coordinator::phase::Phase;
use crate::error::PhasesError;
use crate::phase_name::PhaseName;

/// Returns the phases in their order, if what they ask for fits into `grace`.
pub(super) fn arrange(added: Vec<Phase>, grace: Duration) -> Result<Vec<Phase>, PhasesError> {
    let phases = merge(added)?;
    fits(&phases, grace)?;
    let order = order(&phases)?;
    let mut phases: Vec<_> = phases.into_iter().map(Some).collect();
    let in_order = order.into_iter().filter_map(|index| phases[index].take());
    Ok(in_order.collect())
}

/// The four phases in their chain, as changed and added to by `added`.
fn merge(added: Vec<Phase>) -> Result<Vec<Phase>, PhasesError> {
    let mut phases = Phase::defaults();
    let defaults = phases.len();
    for index in 1..defaults {
        let before = phases[index - 1].name.clone();
        phases[index].after.push(before);
    }
    let mut seen = HashMap::new();
    for mut phase in added {
        if phase.name.as_str().trim().is_empty() {
            return Err(PhasesError::Unnamed);
        }
        if seen.insert(phase.name.clone(), ()).is_some() {
            return Err(PhasesError::Duplicate(phase.name));
        }
        let default = phases[..defaults]
            .iter_mut()
            .find(|default| default.name == phase.name);
        match default {
            Some(default) => {
                phase.after.append(&mut default.after);
                *default = phase;
            }
            None => phases.push(phase),
        }
    }
    Ok(phases)
}

/// What the phases ask for by name has to fit, all of it together: a budget is
/// a promise, even if a phase seldom uses it up.
fn fits(phases: &[Phase], grace: Duration) -> Result<(), PhasesError> {
    let mut asked = Vec::new();
    let mut sum = Duration::ZERO;
    for phase in phases.iter().filter(|phase| !phase.disabled) {
        let reserve = phase.reserve.unwrap_or_default();
        let budget = phase.budget.unwrap_or(reserve);
        if reserve > budget {
            return Err(PhasesError::Reserve {
                phase: phase.name.clone(),
                reserve,
                budget,
            });
        }
        if !budget.is_zero() {
            asked.push((phase.name.clone(), budget));
            sum = sum.saturating_add(budget);
        }
    }
    if sum > grace {
        return Err(PhasesError::Budgets {
            phases: asked,
            sum,
            grace,
        });
    }
    Ok(())
}

/// The indices of `phases` in the order in which they run.
///
/// A topological order; where it leaves a choice, the phase comes first whose
/// wish does: the four wish for their places, one that says `after` for the
/// place right behind, one that says only `before` for the place right before,
/// and any other for the end. Of equal wishes, the one added first comes first.
fn order(phases: &[Phase]) -> Result<Vec<usize>, PhasesError> {
    let indices: HashMap<_, _> = phases.iter().map(|phase| &phase.name).zip(0..).collect();
    let find = |phase: &Phase, other: &PhaseName| {
        let index = indices.get(other).copied();
        index.ok_or_else(|| PhasesError::Unknown {
            phase: phase.name.clone(),
            names: other.clone(),
        })
    };
    // For each phase, those that come before it.
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); phases.len()];
    let mut wishes = Vec::with_capacity(phases.len());
    for (index, phase) in phases.iter().enumerate() {
        let mut wish = Wish::default();
        for other in &phase.after {
            let other = find(phase, other)?;
            before[index].push(other);
            wish.after.push(other);
        }
        for other in &phase.before {
            let other = find(phase, other)?;
            before[other].push(index);
            wish.before.push(other);
        }
        wishes.push(wish);
    }
    let of_default = |index: usize| (index < Phase::DEFAULTS).then(|| ROOM * index as i64);
    let mut keys: Vec<_> = (0..phases.len()).map(of_default).collect();
    for index in 0..phases.len() {
        key(index, &wishes, &mut keys);
    }

    // Kahn's algorithm, with the ready phases in the order of their wishes.
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); phases.len()];
    let mut waits_for: Vec<usize> = before.iter().map(Vec::len).collect();
    for (index, before) in before.iter().enumerate() {
        for &other in before {
            behind[other].push(index);
        }
    }
    let mut ready: BinaryHeap<_> = (0..phases.len())
        .filter(|&index| waits_for[index] == 0)
        .map(|index| Reverse((keys[index], index)))
        .collect();
    let mut order: Vec<usize> = Vec::with_capacity(phases.len());
    while let Some(Reverse((_, index))) = ready.pop() {
        order.push(index);
        for &next in &behind[index] {
            waits_for[next] -= 1;
            if waits_for[next] == 0 {
                ready.push(Reverse((keys[next], next)));
            }
        }
    }
    if order.len() < phases.len() {
        return Err(PhasesError::Cycle(cycle(&waits_for, &before, phases)));
    }
    Ok(order)
}

#[derive(Default)]
struct Wish {
    after: Vec<usize>,
    before: Vec<usize>,
}

/// Between two of the four there is room for this many wishes.
const ROOM: i64 = 1 << 32;

/// Behind the four, and all who wish for a place near them.
const LAST: i64 = 1 << 48;

/// Where the phase wishes to be. A wish that leads back to itself counts for
/// nothing.
fn key(index: usize, wishes: &[Wish], keys: &mut [Option<i64>]) -> i64 {
    if let Some(key) = keys[index] {
        return key;
    }
    keys[index] = Some(LAST);
    let wish = &wishes[index];
    let after = wish
        .after
        .iter()
        .map(|&other| key(other, wishes, keys))
        .max();
    let key = match after {
        Some(after) => after + 1,
        None => {
            let before = wish
                .before
                .iter()
                .map(|&other| key(other, wishes, keys))
                .min();
            before.map_or(LAST, |before| before - 1)
        }
    };
    keys[index] = Some(key);
    key
}

/// The names of a cycle, from one phase back to itself. The phases that still
/// wait are in one, or behind one.
fn cycle(waits_for: &[usize], before: &[Vec<usize>], phases: &[Phase]) -> Vec<PhaseName> {
    let waits = |index: &&usize| waits_for[**index] > 0;
    let mut path: Vec<usize> = Vec::new();
    let mut next = waits_for.iter().position(|&others| others > 0);
    while let Some(here) = next {
        if let Some(start) = path.iter().position(|&index| index == here) {
            // We walked from each phase to one before it.
            let cycle = path[start..].iter().rev().chain(path.last());
            return cycle.map(|&index| phases[index].name.clone()).collect();
        }
        path.push(here);
        next = before[here].iter().find(waits).copied();
    }
    Vec::new()
}
