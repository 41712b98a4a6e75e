//! Unit tests of the plan.

use super::*;

const GRACE: Duration = Duration::from_secs(10);

fn order_of(added: impl Into<Vec<Phase>>) -> Result<String, PhasesError> {
    let plan = Plan::new(added.into(), GRACE)?;
    Ok(plan.names().collect::<Vec<_>>().join(" "))
}

fn refusal(added: impl Into<Vec<Phase>>) -> String {
    Plan::new(added.into(), GRACE).unwrap_err().to_string()
}

/// The default configuration.
#[test]
fn four_phases_are_there_by_default() {
    assert_eq!(order_of([]).unwrap(), "unbind drain flush close");
}

#[test]
fn phase_is_placed_where_its_constraints_say() {
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
fn phase_is_as_near_to_the_named_one_as_can_be() {
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

/// Every phase comes after all it depends on, whatever the order in
/// which they were added.
#[test]
fn phase_comes_after_all_it_names() {
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

/// Cycles are refused, and named.
#[test]
fn cycle_is_refused_by_name() {
    assert_eq!(
        refusal([Phase::new("a").after("a")]),
        "phases must run after each other in a circle: a, a"
    );
    let two = [Phase::new("a").after("b"), Phase::new("b").after("a")];
    assert_eq!(
        refusal(two),
        "phases must run after each other in a circle: b, a, b"
    );
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
        "a phase has an empty name; any text that is not blank is allowed"
    );
    assert_eq!(
        refusal([Phase::new("a"), Phase::new("a")]),
        "phase \"a\" is added twice; a name may be added once"
    );
    assert_eq!(
        refusal([Phase::new("a").after("nowhere")]),
        "phase \"a\" names phase \"nowhere\", which does not exist"
    );
}

#[test]
fn plan_that_cannot_fit_is_refused_with_its_sum() {
    let phases = [
        Phase::DRAIN.budget(Duration::from_secs(8)),
        Phase::FLUSH.reserve(Duration::from_millis(2500)),
    ];
    assert_eq!(
        refusal(phases),
        "budgets and reserves of phases add up to 10.5s, more than the grace of 10s: drain 8s, flush 2.5s"
    );
    assert_eq!(
        refusal([Phase::FLUSH
            .reserve(Duration::from_secs(2))
            .budget(Duration::from_secs(1))]),
        "phase \"flush\" reserves 2s, more than its budget of 1s"
    );
    let disabled = [Phase::DRAIN.budget(Duration::from_secs(80)).disabled(true)];
    assert!(order_of(disabled).is_ok());
}

#[test]
fn reserves_without_end_fit_into_a_grace_without_end() {
    let all = [Phase::DRAIN, Phase::FLUSH].map(|phase| phase.reserve(Duration::MAX));
    let plan = Plan::new(all.into(), Duration::MAX).unwrap();
    let first = plan.phases().first().unwrap();
    let reserved = plan.reserved_after(0, Duration::MAX, |_| true);
    assert!(first.ends(Nanos(1), Nanos::LAST, reserved) == Nanos(0));
}

#[test]
fn reserve_is_kept_from_earlier_phases() {
    let phases = vec![
        Phase::DRAIN.budget(Duration::from_secs(4)),
        Phase::FLUSH.reserve(Duration::from_secs(3)),
    ];
    let plan = Plan::new(phases, GRACE).unwrap();
    let [unbind, drain, flush, close] = plan.phases() else {
        panic!("four phases");
    };
    let second = |n: u64| Nanos(n * 1_000_000_000);
    let reserved = |index| plan.reserved_after(index, GRACE, |_| false);
    let deadline = second(110);
    assert!(unbind.ends(second(100), deadline, reserved(0)) == second(107));
    assert!(drain.ends(second(100), deadline, reserved(1)) == second(104));
    assert!(drain.ends(second(106), deadline, reserved(1)) == second(107));
    assert!(flush.ends(second(107), deadline, reserved(2)) == second(110));
    assert!(close.ends(second(107), deadline, reserved(3)) == second(110));
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
        match Phase::defaults().get(number) {
            Some(default) => default.name.clone(),
            None => format!("phase {number}").into(),
        }
    }

    /// The numbers of the phases that one is after and before.
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
        (0..ALL).any(|index| reach[index][index])
    }

    proptest! {
        /// All phases, in an order that keeps every wish, or a
        /// cycle that is one.
        #[test]
        fn order_is_one_that_the_reference_allows(wishes in wishes()) {
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
                    let index = |n| plan.index_of(&name(n)).unwrap();
                    prop_assert!(there.iter().all(|n| plan.phases()[index(*n)].name == name(*n)));
                    for (first, then) in edges {
                        prop_assert!(index(first) < index(then));
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
                if *disabled { phase.disabled(true) } else { phase }
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
            for (index, phase) in plan.phases().iter().enumerate() {
                let (budget, reserve, disabled) = asked[index];
                let later: u64 = asked[index + 1..]
                    .iter()
                    .filter_map(|(_, reserve, disabled)| (!disabled).then_some(*reserve))
                    .sum();
                let reserved = plan.reserved_after(index, seconds(grace), |_| true);
                let ends = phase.ends(now, deadline, reserved);
                let most = deadline.saturating_sub(seconds(later));
                let own = budget.map_or(most, |budget| now.saturating_add(seconds(budget)));
                prop_assert!(ends == most.min(own));
                prop_assert!(phase.ends(now.saturating_add(seconds(1)), deadline, reserved) >= ends);
                prop_assert!(phase.ends(now, deadline.saturating_sub(seconds(1)), reserved) <= ends);
                if disabled {
                    continue;
                }
                prop_assert!(ends.since(now) >= seconds(reserve), "{} of {}", index, reserve);
                if hang[index] {
                    now = ends;
                }
            }
        }
    }
}
