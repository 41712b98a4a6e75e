//! The phases in their order, and what each may cost.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::error::PhasesError;
use crate::kill_path::Nanos;

use super::phase::{OnFailure, Phase, PhaseName};

/// The phases, checked and in order.
#[derive(Debug)]
pub(crate) struct Plan {
    phases: Vec<Planned>,
    places: HashMap<PhaseName, usize>,
}

/// A phase in its place.
#[derive(Debug)]
pub(crate) struct Planned {
    pub(crate) name: PhaseName,
    /// The name, for reports to share.
    pub(crate) label: Arc<str>,
    pub(crate) on_failure: OnFailure,
    pub(crate) always: bool,
    pub(crate) disabled: bool,
    budget: Option<Duration>,
    /// What the phases after this one reserve.
    pub(crate) reserved_later: Duration,
}

impl Plan {
    /// Puts the four phases and those `added` in order, and checks that what
    /// they ask for fits into `grace`.
    pub(crate) fn new(added: Vec<Phase>, grace: Duration) -> Result<Self, PhasesError> {
        let phases = merge(added)?;
        fits(&phases, grace)?;
        let order = order(&phases)?;
        let mut phases: Vec<_> = phases.into_iter().map(Some).collect();
        let mut reserved_later = Duration::ZERO;
        let mut planned: Vec<_> = order
            .into_iter()
            .rev()
            .filter_map(|place| phases[place].take())
            .map(|phase| {
                let planned = Planned {
                    label: phase.name.as_str().into(),
                    name: phase.name,
                    on_failure: phase.on_failure,
                    always: phase.always,
                    disabled: phase.disabled,
                    budget: phase.budget,
                    reserved_later,
                };
                if !planned.disabled {
                    reserved_later = reserved_later.saturating_add(phase.reserve);
                }
                planned
            })
            .collect();
        planned.reverse();
        let places = planned.iter().enumerate();
        let places = places.map(|(at, phase)| (phase.name.clone(), at)).collect();
        Ok(Self {
            phases: planned,
            places,
        })
    }

    pub(crate) fn phases(&self) -> &[Planned] {
        &self.phases
    }

    pub(crate) fn place(&self, name: &PhaseName) -> Option<usize> {
        self.places.get(name).copied()
    }

    #[cfg(test)]
    fn names(&self) -> impl Iterator<Item = &str> {
        self.phases.iter().map(|phase| phase.name.as_str())
    }
}

impl Planned {
    /// When the phase's time is over, if it starts at `started` and the whole
    /// must be over by `deadline`.
    pub(crate) fn ends(&self, started: Nanos, deadline: Nanos) -> Nanos {
        let left = deadline.saturating_sub(self.reserved_later);
        match self.budget {
            Some(budget) => left.min(started.saturating_add(budget)),
            None => left,
        }
    }
}

/// The four phases in their chain, as changed and added to by `added`.
fn merge(added: Vec<Phase>) -> Result<Vec<Phase>, PhasesError> {
    let mut phases = Vec::from(Phase::DEFAULTS);
    let defaults = phases.len();
    for place in 1..defaults {
        let before = phases[place - 1].name.clone();
        phases[place].after.push(before);
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
        let budget = phase.budget.unwrap_or(phase.reserve);
        if phase.reserve > budget {
            return Err(PhasesError::Reserve {
                phase: phase.name.clone(),
                reserve: phase.reserve,
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

/// The places of `phases` in the order in which they run.
///
/// A topological order; where it leaves a choice, the phase comes first whose
/// wish does: the four wish for their places, one that says `after` for the
/// place right behind, one that says only `before` for the place right before,
/// and any other for the end. Of equal wishes, the one added first comes first.
fn order(phases: &[Phase]) -> Result<Vec<usize>, PhasesError> {
    let places: HashMap<_, _> = phases.iter().map(|phase| &phase.name).zip(0..).collect();
    let find = |phase: &Phase, other: &PhaseName| {
        let place = places.get(other).copied();
        place.ok_or_else(|| PhasesError::Unknown {
            phase: phase.name.clone(),
            names: other.clone(),
        })
    };
    // For each phase, those that come before it.
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); phases.len()];
    let mut wishes = Vec::with_capacity(phases.len());
    for (place, phase) in phases.iter().enumerate() {
        let mut wish = Wish::default();
        for other in &phase.after {
            let other = find(phase, other)?;
            before[place].push(other);
            wish.after.push(other);
        }
        for other in &phase.before {
            let other = find(phase, other)?;
            before[other].push(place);
            wish.before.push(other);
        }
        wishes.push(wish);
    }
    let of_default = |place: usize| (place < Phase::DEFAULTS.len()).then(|| ROOM * place as i64);
    let mut keys: Vec<_> = (0..phases.len()).map(of_default).collect();
    for place in 0..phases.len() {
        key(place, &wishes, &mut keys);
    }

    // Kahn's algorithm, with the ready phases in the order of their wishes.
    let mut behind: Vec<Vec<usize>> = vec![Vec::new(); phases.len()];
    let mut waits_for: Vec<usize> = before.iter().map(Vec::len).collect();
    for (place, before) in before.iter().enumerate() {
        for &other in before {
            behind[other].push(place);
        }
    }
    let mut ready: BinaryHeap<_> = (0..phases.len())
        .filter(|&place| waits_for[place] == 0)
        .map(|place| Reverse((keys[place], place)))
        .collect();
    let mut order: Vec<usize> = Vec::with_capacity(phases.len());
    while let Some(Reverse((_, place))) = ready.pop() {
        order.push(place);
        for &next in &behind[place] {
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
fn key(place: usize, wishes: &[Wish], keys: &mut [Option<i64>]) -> i64 {
    if let Some(key) = keys[place] {
        return key;
    }
    keys[place] = Some(LAST);
    let wish = &wishes[place];
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
    keys[place] = Some(key);
    key
}

/// The names of a cycle, from one phase back to itself. The phases that still
/// wait are in one, or behind one.
fn cycle(waits_for: &[usize], before: &[Vec<usize>], phases: &[Phase]) -> Vec<PhaseName> {
    let waits = |place: &&usize| waits_for[**place] > 0;
    let mut path: Vec<usize> = Vec::new();
    let mut next = waits_for.iter().position(|&others| others > 0);
    while let Some(here) = next {
        if let Some(start) = path.iter().position(|&place| place == here) {
            // We walked from each phase to one before it.
            let cycle = path[start..].iter().rev().chain(path.last());
            return cycle.map(|&place| phases[place].name.clone()).collect();
        }
        path.push(here);
        next = before[here].iter().find(waits).copied();
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRACE: Duration = Duration::from_secs(10);

    fn order_of(added: impl Into<Vec<Phase>>) -> Result<String, PhasesError> {
        let plan = Plan::new(added.into(), GRACE)?;
        Ok(plan.names().collect::<Vec<_>>().join(" "))
    }

    fn refusal(added: impl Into<Vec<Phase>>) -> String {
        Plan::new(added.into(), GRACE).unwrap_err().to_string()
    }

    /// PK3: the default configuration.
    #[test]
    fn four_phases_are_there_by_default() {
        assert_eq!(order_of([]).unwrap(), "unbind drain flush close");
    }

    #[test]
    fn a_phase_goes_where_it_wishes() {
        let phases = [
            Phase::new("last"),
            Phase::new("replicate").after(Phase::DRAIN),
            Phase::new("announce").before(Phase::UNBIND),
            Phase::new("sync").before(Phase::CLOSE),
            Phase::new("verify").after("replicate"),
        ];
        assert_eq!(
            order_of(phases).unwrap(),
            "announce unbind drain replicate verify flush sync close last"
        );
    }

    /// The nearer a phase is to one of the four by its wishes, the nearer it is
    /// in the order.
    #[test]
    fn a_wish_counts_from_the_one_that_is_named() {
        let behind = [
            Phase::new("last"),
            Phase::new("a").after(Phase::DRAIN),
            Phase::new("b").after("a"),
            Phase::new("c").after(Phase::DRAIN),
            Phase::new("d").after(Phase::CLOSE),
        ];
        assert_eq!(
            order_of(behind).unwrap(),
            "unbind drain a c b flush close d last"
        );
        let before = [
            Phase::new("a").before(Phase::FLUSH),
            Phase::new("b").before(Phase::FLUSH),
            Phase::new("c").before("a"),
        ];
        assert_eq!(order_of(before).unwrap(), "unbind drain c a b flush close");
    }

    /// PK1: every phase comes after all it depends on, whatever the order in
    /// which they were added.
    #[test]
    fn a_phase_comes_after_all_it_names() {
        let phases = [
            Phase::new("e").after("d"),
            Phase::new("d").after("c").after("a"),
            Phase::new("c").after("b"),
            Phase::new("b").after("a"),
            Phase::new("a").after(Phase::CLOSE),
        ];
        assert_eq!(
            order_of(phases).unwrap(),
            "unbind drain flush close a b c d e"
        );
        let crossed = [
            Phase::new("x").after(Phase::UNBIND),
            Phase::new("y").after(Phase::DRAIN).before("x"),
        ];
        assert_eq!(order_of(crossed).unwrap(), "unbind drain y x flush close");
    }

    /// PK2: cycles are refused, and named.
    #[test]
    fn a_cycle_is_refused_by_name() {
        assert_eq!(
            refusal([Phase::new("a").after("a")]),
            "phases wait for each other: a, a"
        );
        let two = [Phase::new("a").after("b"), Phase::new("b").after("a")];
        assert_eq!(refusal(two), "phases wait for each other: b, a, b");
        let with_default = [Phase::new("x").after(Phase::FLUSH).before(Phase::DRAIN)];
        let refusal = refusal(with_default);
        assert!(refusal.contains("drain"), "{refusal}");
        assert!(refusal.contains("flush"), "{refusal}");
        assert!(refusal.contains('x'), "{refusal}");
        assert!(!refusal.contains("close"), "{refusal}");
    }

    #[test]
    fn bad_names_are_refused() {
        assert_eq!(
            refusal([Phase::new(" ")]),
            "a phase has no name; any text but blanks is allowed"
        );
        assert_eq!(
            refusal([Phase::new("a"), Phase::new("a")]),
            "phase \"a\" is described twice"
        );
        assert_eq!(
            refusal([Phase::new("a").after("nowhere")]),
            "phase \"a\" names phase \"nowhere\", which does not exist"
        );
    }

    #[test]
    fn what_cannot_fit_is_refused_with_the_sum() {
        let phases = [
            Phase::DRAIN.budget(Duration::from_secs(8)),
            Phase::FLUSH.reserve(Duration::from_millis(2500)),
        ];
        assert_eq!(
            refusal(phases),
            "phases ask for 10.5s, the grace is 10s: drain 8s, flush 2.5s"
        );
        assert_eq!(
            refusal([Phase::FLUSH
                .reserve(Duration::from_secs(2))
                .budget(Duration::from_secs(1))]),
            "phase \"flush\" reserves 2s, but its budget is 1s"
        );
        let disabled = [Phase::DRAIN.budget(Duration::from_secs(80)).disabled()];
        assert!(order_of(disabled).is_ok());
    }

    #[test]
    fn reserves_without_end_fit_into_a_grace_without_end() {
        let all = [Phase::DRAIN, Phase::FLUSH].map(|phase| phase.reserve(Duration::MAX));
        let plan = Plan::new(all.into(), Duration::MAX).unwrap();
        let first = plan.phases().first().unwrap();
        assert!(first.ends(Nanos(1), Nanos::LAST) == Nanos(0));
    }

    #[test]
    fn a_reserve_is_kept_from_earlier_phases() {
        let phases = vec![
            Phase::DRAIN.budget(Duration::from_secs(4)),
            Phase::FLUSH.reserve(Duration::from_secs(3)),
        ];
        let plan = Plan::new(phases, GRACE).unwrap();
        let [unbind, drain, flush, close] = plan.phases() else {
            panic!("four phases");
        };
        let second = |n: u64| Nanos(n * 1_000_000_000);
        let deadline = second(110);
        assert!(unbind.ends(second(100), deadline) == second(107));
        assert!(drain.ends(second(100), deadline) == second(104));
        assert!(drain.ends(second(106), deadline) == second(107));
        assert!(flush.ends(second(107), deadline) == second(110));
        assert!(close.ends(second(107), deadline) == second(110));
    }

    /// Against a reference that is too simple to be wrong.
    mod properties {
        use std::collections::BTreeSet;

        use proptest::bool::weighted;
        use proptest::collection::vec;
        use proptest::option;
        use proptest::prelude::*;

        use super::*;

        /// Phases by number: the four, and those added.
        const ADDED: usize = 7;
        const ALL: usize = 4 + ADDED;

        fn name(number: usize) -> PhaseName {
            match Phase::DEFAULTS.get(number) {
                Some(default) => default.name.clone(),
                None => format!("phase {number}").into(),
            }
        }

        /// What a phase says: the numbers of others that it is after and before.
        type Wishes = (Vec<usize>, Vec<usize>);

        /// Changes to the four, and phases added, in any order. Most of them do
        /// not contradict each other, and most of what they name is there.
        fn wishes() -> impl Strategy<Value = Vec<(usize, Wishes)>> {
            let ranks = Just(Vec::from_iter(0..ALL)).prop_shuffle();
            let pairs = vec((0..ALL, 0..ALL, any::<bool>(), weighted(0.02)), 0..16);
            let there = vec(weighted(0.97), ALL);
            (ranks, pairs, there).prop_flat_map(|(mut ranks, pairs, there)| {
                ranks[..4].sort_unstable();
                let mut wishes = vec![Wishes::default(); ALL];
                for (one, other, says, contradicts) in pairs {
                    let backwards = (ranks[one] > ranks[other]) != contradicts;
                    let (first, then) = if backwards {
                        (other, one)
                    } else {
                        (one, other)
                    };
                    match says {
                        true if first != then || contradicts => wishes[then].0.push(first),
                        false if first != then || contradicts => wishes[first].1.push(then),
                        _ => {}
                    }
                }
                let wishes = (0..).zip(wishes).zip(there);
                let wishes = wishes.filter_map(|(wishes, there)| there.then_some(wishes));
                Just(Vec::from_iter(wishes)).prop_shuffle()
            })
        }

        fn described(wishes: &[(usize, Wishes)]) -> Vec<Phase> {
            let describe = |(number, (after, before)): &(usize, Wishes)| {
                let phase = Phase::new(name(*number));
                let phase = after.iter().fold(phase, |phase, &n| phase.after(name(n)));
                before.iter().fold(phase, |phase, &n| phase.before(name(n)))
            };
            wishes.iter().map(describe).collect()
        }

        /// Who comes before whom.
        fn edges(wishes: &[(usize, Wishes)]) -> BTreeSet<(usize, usize)> {
            let mut edges = BTreeSet::from([(0, 1), (1, 2), (2, 3)]);
            for (number, (after, before)) in wishes {
                edges.extend(after.iter().map(|other| (*other, *number)));
                edges.extend(before.iter().map(|other| (*number, *other)));
            }
            edges
        }

        fn has_cycle(edges: &BTreeSet<(usize, usize)>) -> bool {
            let mut reach = [[false; ALL]; ALL];
            for &(from, to) in edges {
                reach[from][to] = true;
            }
            for by in 0..ALL {
                for from in 0..ALL {
                    for to in 0..ALL {
                        reach[from][to] |= reach[from][by] && reach[by][to];
                    }
                }
            }
            (0..ALL).any(|place| reach[place][place])
        }

        proptest! {
            /// PK1, PK2: all phases, in an order that keeps every wish, or a
            /// cycle that is one.
            #[test]
            fn the_order_is_one_that_the_reference_allows(wishes in wishes()) {
                let there: BTreeSet<_> = (0..4).chain(wishes.iter().map(|(n, _)| *n)).collect();
                let edges = edges(&wishes);
                let known = edges.iter().all(|(a, b)| there.contains(a) && there.contains(b));
                match Plan::new(described(&wishes), GRACE) {
                    Err(PhasesError::Unknown { .. }) => prop_assert!(!known),
                    Err(PhasesError::Cycle(cycle)) => {
                        prop_assert!(known && has_cycle(&edges));
                        prop_assert!(cycle.len() > 1);
                        prop_assert_eq!(cycle.first(), cycle.last());
                        let number = |of: &PhaseName| (0..ALL).find(|n| name(*n) == *of).unwrap();
                        for pair in cycle.windows(2) {
                            prop_assert!(edges.contains(&(number(&pair[0]), number(&pair[1]))));
                        }
                    }
                    Err(other) => prop_assert!(false, "{}", other),
                    Ok(plan) => {
                        prop_assert!(known && !has_cycle(&edges));
                        prop_assert_eq!(plan.phases().len(), there.len());
                        let place = |n| plan.place(&name(n)).unwrap();
                        prop_assert!(there.iter().all(|n| plan.phases()[place(*n)].name == name(*n)));
                        for (first, then) in edges {
                            prop_assert!(place(first) < place(then));
                        }
                        let again = Plan::new(described(&wishes), GRACE).unwrap();
                        prop_assert!(plan.names().eq(again.names()));
                    }
                }
            }

            /// What fits, by the sum of what is asked for; and of what fits, that
            /// no phase can take what a later one reserves.
            #[test]
            fn no_phase_takes_what_a_later_one_reserves(
                asked in vec((option::weighted(0.3, 5..30_u64), 0..10_u64, any::<bool>()), ALL),
                grace in 0..200_u64,
                hang in vec(any::<bool>(), ALL),
                begun in 0..1000_u64,
            ) {
                let seconds = Duration::from_secs;
                let phases = asked.iter().enumerate().map(|(number, (budget, reserve, disabled))| {
                    let phase = Phase::new(name(number)).reserve(seconds(*reserve));
                    let phase = match budget {
                        Some(budget) => phase.budget(seconds(*budget)),
                        None => phase,
                    };
                    if *disabled { phase.disabled() } else { phase }
                });
                let enabled = || asked.iter().filter(|(.., disabled)| !disabled);
                let torn = enabled().any(|(budget, reserve, _)| budget.is_some_and(|b| b < *reserve));
                let sum: u64 = enabled().map(|(budget, reserve, _)| budget.unwrap_or(*reserve)).sum();
                let plan = match Plan::new(phases.collect(), seconds(grace)) {
                    Err(PhasesError::Reserve { .. }) => {
                        prop_assert!(torn);
                        return Ok(());
                    }
                    Err(PhasesError::Budgets { sum: said, grace: of, phases }) => {
                        prop_assert!(!torn && sum > grace);
                        prop_assert_eq!((said, of), (seconds(sum), seconds(grace)));
                        let listed: Duration = phases.iter().map(|(_, time)| *time).sum();
                        prop_assert_eq!(listed, said);
                        return Ok(());
                    }
                    Err(other) => return Err(TestCaseError::fail(other.to_string())),
                    Ok(plan) => plan,
                };
                prop_assert!(!torn && sum <= grace);

                // The phases are in the order of their numbers: the four, and
                // then the others. Each that hangs takes all it can get.
                let nanos = |seconds: u64| Nanos(seconds * 1_000_000_000);
                let deadline = nanos(begun + grace);
                let mut now = nanos(begun);
                for (place, phase) in plan.phases().iter().enumerate() {
                    let (budget, reserve, disabled) = asked[place];
                    let later: u64 = asked[place + 1..]
                        .iter()
                        .filter_map(|(_, reserve, disabled)| (!disabled).then_some(*reserve))
                        .sum();
                    let ends = phase.ends(now, deadline);
                    let most = deadline.saturating_sub(seconds(later));
                    let own = budget.map_or(most, |budget| now.saturating_add(seconds(budget)));
                    prop_assert!(ends == most.min(own));
                    prop_assert!(phase.ends(now.saturating_add(seconds(1)), deadline) >= ends);
                    prop_assert!(phase.ends(now, deadline.saturating_sub(seconds(1))) <= ends);
                    if disabled {
                        continue;
                    }
                    prop_assert!(ends.since(now) >= seconds(reserve), "{} of {}", place, reserve);
                    if hang[place] {
                        now = ends;
                    }
                }
            }
        }
    }
}
