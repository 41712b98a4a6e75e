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

/// Returns the indices of `phases` in the order in which they run: a topological order, and where
/// that leaves a choice, the phase comes first whose [key](keys) does.
fn order(phases: &[Phase]) -> Result<Vec<usize>, PhasesError> {
    let wishes = wishes(phases)?;
    let keys = keys(&wishes);
    let before = before(&wishes);
    let mut waits_for: Vec<usize> = before.iter().map(Vec::len).collect();
    let order = topological(&before, &mut waits_for, &keys);
    match order.len() < phases.len() {
        true => Err(PhasesError::Cycle(cycle(&waits_for, &before, phases))),
        false => Ok(order),
    }
}

/// The phases that a phase names, by their indices.
#[derive(Default)]
struct Wish {
    after: Vec<usize>,
    before: Vec<usize>,
}

fn wishes(phases: &[Phase]) -> Result<Vec<Wish>, PhasesError> {
    let indices: HashMap<_, _> = phases.iter().map(|phase| &phase.name).zip(0..).collect();
    let find = |phase: &Phase, names: &[PhaseName]| {
        let find_one = |other: &PhaseName| {
            let index = indices.get(other).copied();
            index.ok_or_else(|| PhasesError::Unknown {
                phase: phase.name.clone(),
                names: other.clone(),
            })
        };
        names.iter().map(find_one).collect::<Result<Vec<_>, _>>()
    };
    let wish = |phase: &Phase| {
        Ok(Wish {
            after: find(phase, &phase.after)?,
            before: find(phase, &phase.before)?,
        })
    };
    phases.iter().map(wish).collect()
}

/// Returns for each phase those that come before it.
fn before(wishes: &[Wish]) -> Vec<Vec<usize>> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); wishes.len()];
    for (index, wish) in wishes.iter().enumerate() {
        before[index].extend(&wish.after);
        for &other in &wish.before {
            before[other].push(index);
        }
    }
    before
}

/// Kahn's algorithm, with the ready phases in the order of their keys. `waits_for` counts the
/// phases before each that are not in the order yet. Phases in a cycle are left out.
fn topological(before: &[Vec<usize>], waits_for: &mut [usize], keys: &[i64]) -> Vec<usize> {
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); before.len()];
    for (index, before) in before.iter().enumerate() {
        for &other in before {
            behind[other].push(index);
        }
    }
    let mut ready: BinaryHeap<_> = (0..before.len())
        .filter(|&index| waits_for[index] == 0)
        .map(|index| Reverse((keys[index], index)))
        .collect();
    let mut order = Vec::with_capacity(before.len());
    while let Some(Reverse((_, index))) = ready.pop() {
        order.push(index);
        for &next in &behind[index] {
            waits_for[next] -= 1;
            if waits_for[next] == 0 {
                ready.push(Reverse((keys[next], next)));
            }
        }
    }
    order
}

/// Between two of the four there is room for this many wishes.
const ROOM: i64 = 1 << 32;

/// Behind the four, and all phases that wish to be near them.
const LAST: i64 = 1 << 48;

/// Returns where each phase wishes to be: the four at their positions, one that says `after`
/// right behind that phase, one that says only `before` right before it, and any other at the end.
/// Of equal keys, the phase added first comes first.
fn keys(wishes: &[Wish]) -> Vec<i64> {
    let of_default = |index: usize| (index < Phase::DEFAULTS).then(|| ROOM * index as i64);
    let mut keys: Vec<_> = (0..wishes.len()).map(of_default).collect();
    let of_all = (0..wishes.len()).map(|index| key(index, wishes, &mut keys));
    of_all.collect()
}

/// Returns the key of a phase, and keeps it in `keys`. A wish that leads back to itself counts for
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
