//! The phases in their order, and what each may cost.

mod arrange;

use std::time::Duration;

use crate::error::PhasesError;
use crate::report::{PhaseReport, SharedText};
use deadstop_core::Nanos;

use self::arrange::arrange;
use super::phase::{OnFailure, Phase};
use crate::phase_name::PhaseName;

/// The phases, checked and in order.
#[derive(Debug)]
pub(crate) struct Plan {
    phases: Vec<Planned>,
    /// The indices in the order of the phases' names.
    by_name: Vec<usize>,
    /// The reserves of the phases from each one on, with tasks or without.
    reserved_from: Vec<Duration>,
    /// The phases that reserve a share if they have tasks.
    shares: Vec<usize>,
}

/// A phase of the plan.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) name: PhaseName,
    /// The name, for reports to share.
    pub(crate) label: SharedText,
    pub(crate) on_failure: OnFailure,
    pub(crate) always: bool,
    pub(crate) disabled: bool,
    budget: Option<Duration>,
    reserve: Reserve,
}

/// The time that earlier phases must leave for a phase.
#[derive(Clone, Copy, Debug)]
enum Reserve {
    /// The builder's setting, whether the phase has tasks or not.
    Set(Duration),
    /// A share of the run's length, if the phase has tasks; the phase's budget at
    /// most.
    Share {
        at_most: Duration,
    },
    None,
}

/// By default FLUSH and CLOSE reserve this part of the grace each, and this at most.
const SHARE: u32 = 10;
const MAX_SHARE: Duration = Duration::from_secs(2);

impl Plan {
    /// Puts the four phases and those `added` in order, and checks that what
    /// they ask for fits into `grace`.
    pub(crate) fn new(added: Vec<Phase>, grace: Duration) -> Result<Self, PhasesError> {
        Ok(Self::of(arrange(added, grace)?, grace))
    }

    /// Returns the plan of the four phases as they are.
    pub(crate) fn of_defaults(grace: Duration) -> Self {
        Self::of(Phase::defaults(), grace)
    }

    /// `phases` are in their order.
    fn of(phases: Vec<Phase>, grace: Duration) -> Self {
        let shares_fit = shares_fit(&phases, grace);
        let mut plan = Self {
            by_name: Vec::with_capacity(phases.len()),
            reserved_from: vec![Duration::ZERO; phases.len() + 1],
            shares: Vec::new(),
            phases: Vec::with_capacity(phases.len()),
        };
        for phase in phases {
            plan.push(phase, shares_fit);
        }
        for at in (0..plan.phases.len()).rev() {
            let set = match plan.phases[at].reserve {
                Reserve::Set(reserve) => reserve,
                Reserve::Share { .. } | Reserve::None => Duration::ZERO,
            };
            plan.reserved_from[at] = plan.reserved_from[at + 1].saturating_add(set);
        }
        plan
    }

    fn push(&mut self, phase: Phase, shares_fit: bool) {
        let index = self.phases.len();
        let (Ok(at) | Err(at)) = self.search(&phase.name);
        // Sorted as they come: std's sorts are 15 KB of program.
        self.by_name.insert(at, index);
        let reserve = Reserve::of(&phase, shares_fit);
        if let Reserve::Share { .. } = reserve {
            self.shares.push(index);
        }
        self.phases.push(Planned {
            label: phase.name.as_str().into(),
            reserve,
            name: phase.name,
            on_failure: phase.on_failure,
            always: phase.always,
            disabled: phase.disabled,
            budget: phase.budget,
        });
    }

    pub(crate) fn phases(&self) -> &[Planned] {
        &self.phases
    }

    /// Returns the index of the phase.
    pub(crate) fn index_of(&self, name: &PhaseName) -> Option<usize> {
        Some(self.by_name[self.search(name).ok()?])
    }

    /// Returns where the phase's index is in `by_name`, or should be.
    fn search(&self, name: &PhaseName) -> Result<usize, usize> {
        let name_at = |at: &usize| self.phases[*at].name.as_str();
        self.by_name.binary_search_by_key(&name.as_str(), name_at)
    }

    /// Returns the reports of the phases, which have not run.
    pub(crate) fn blank_reports(&self) -> Vec<PhaseReport> {
        let labels = self.phases.iter().map(|phase| phase.label.clone());
        labels.map(PhaseReport::blank).collect()
    }

    /// Returns the reserves of the phases after `phase` in a run of this length.
    /// `has_tasks` says whether a phase has tasks to reserve time for.
    pub(crate) fn reserved_after(
        &self,
        phase: usize,
        length: Duration,
        has_tasks: impl Fn(usize) -> bool,
    ) -> Duration {
        let set = self.reserved_from.get(phase + 1).copied();
        let shares = self.shares.iter().filter(|at| **at > phase);
        shares.fold(set.unwrap_or_default(), |sum, &at| {
            match self.phases[at].reserve {
                Reserve::Share { at_most } if has_tasks(at) => {
                    sum.saturating_add(share(length).min(at_most))
                }
                Reserve::Share { .. } | Reserve::Set(_) | Reserve::None => sum,
            }
        })
    }

    #[cfg(test)]
    fn names(&self) -> impl Iterator<Item = &str> {
        self.phases.iter().map(|phase| phase.name.as_str())
    }
}

impl Planned {
    /// Returns the time at which the phase's time is over, if it starts at `started`,
    /// the run must be over by `deadline`, and later phases reserve so much.
    pub(crate) fn ends(&self, started: Nanos, deadline: Nanos, reserved_later: Duration) -> Nanos {
        let left = deadline.saturating_sub(reserved_later);
        match self.budget {
            Some(budget) => left.min(started.saturating_add(budget)),
            None => left,
        }
    }
}

impl Reserve {
    fn of(phase: &Phase, shares: bool) -> Self {
        if phase.disabled {
            return Self::None;
        }
        match phase.reserve {
            Some(reserve) => Self::Set(reserve),
            None if shares && has_share(phase) => Self::Share {
                at_most: phase.budget.unwrap_or(Duration::MAX),
            },
            None => Self::None,
        }
    }
}

fn share(length: Duration) -> Duration {
    (length / SHARE).min(MAX_SHARE)
}

/// Returns `true` if the phase reserves a share by default.
fn has_share(phase: &Phase) -> bool {
    let names = [&Phase::FLUSH.name, &Phase::CLOSE.name];
    !phase.disabled && phase.reserve.is_none() && names.contains(&&phase.name)
}

/// Returns `true` if the default shares fit beside what the phases ask for by name.
fn shares_fit(phases: &[Phase], grace: Duration) -> bool {
    let needs = phases.iter().filter(|phase| !phase.disabled).map(|phase| {
        let share = if has_share(phase) {
            share(grace)
        } else {
            Duration::ZERO
        };
        phase.budget.or(phase.reserve).unwrap_or(share)
    });
    needs.fold(Duration::ZERO, Duration::saturating_add) <= grace
}

#[cfg(test)]
mod tests;
