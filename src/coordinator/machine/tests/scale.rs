//! Costs grow with the number of tasks and phases, and no faster: counted in slots of tasks,
//! runs and scopes that the machine looks at, which are the same in each run.

use super::super::slab::looks;
use super::*;

/// By how much the cost of one may grow.
const MOST: f64 = 1.1;

/// A machine with so many phases beside the four, and as many tasks in each.
fn machine(phases: usize, tasks_each: usize, rules: Rules) -> Machine<&'static str, usize> {
    let name = |phase: usize| format!("phase {phase}");
    let added = (0..phases).map(|phase| Phase::new(name(phase))).collect();
    let plan = Plan::new(added, Duration::from_secs(10)).unwrap();
    let mut machine = Machine::new(Arc::new(plan), rules);
    for phase in 0..phases {
        let phase = machine.plan.index_of(&name(phase).into()).unwrap();
        for task in 0..tasks_each {
            let new = NewTask {
                site: Location::caller(),
                scope: ScopeId::ROOT,
                phase,
                budget: None,
            };
            let registered = machine.register(new, "task", task, Nanos(0));
            assert!(registered.is_ok());
        }
    }
    machine
}

/// Shuts down, and returns the looks per task. `at_once` tasks run at a time.
fn looks_per_task(phases: usize, tasks_each: usize, at_once: usize) -> f64 {
    let rules = Rules {
        max_concurrent_tasks: at_once,
        ..rules()
    };
    let mut machine = machine(phases, tasks_each, rules);
    let now = Nanos(SECOND);
    looks::take();
    machine.set_deadline(Nanos(11 * SECOND), now);
    machine.begin(Cause::Finished, now, 0, now);
    let mut count = 0;
    loop {
        let started: Vec<_> = std::iter::from_fn(|| machine.start_next(now)).collect();
        if started.is_empty() {
            break;
        }
        for start in started {
            machine.task_ended(start.task, Outcome::Done, now);
            count += 1;
        }
        machine.take_actions(Vec::new());
    }
    assert_eq!(count, phases * tasks_each);
    assert!(machine.is_over());
    looks::take() as f64 / count as f64
}

#[track_caller]
fn assert_linear(few: f64, many: f64) {
    assert!(
        many <= few * MOST,
        "{few} looks for one of few, {many} of many"
    );
}

#[test]
fn hundred_thousand_tasks_cost_as_much_each_as_a_thousand() {
    for at_once in [1, 8, usize::MAX] {
        let [few, many] = [1_000, 100_000].map(|tasks| looks_per_task(1, tasks, at_once));
        assert_linear(few, many);
    }
}

#[test]
fn thousand_phases_cost_as_much_each_as_ten() {
    let [few, many] = [10, 1_000].map(|phases| looks_per_task(phases, 1, usize::MAX));
    assert_linear(few, many);
    let [few, many] = [10, 1_000].map(|phases| looks_per_task(phases, 100, usize::MAX));
    assert_linear(few, many);
}

#[test]
fn registering_and_cancelling_cost_the_same_among_many() {
    let looks = |tasks: usize| {
        let mut machine = machine(1, tasks, rules());
        looks::take();
        let new = NewTask {
            site: Location::caller(),
            scope: ScopeId::ROOT,
            phase: machine.plan.index_of(&Phase::CLOSE.into()).unwrap(),
            budget: None,
        };
        let Ok(task) = machine.register(new, "one more", 0, Nanos(0)) else {
            panic!("it is accepted");
        };
        assert!(machine.cancel(task, Nanos(0)).is_some());
        looks::take() as f64
    };
    assert_linear(looks(1_000), looks(100_000));
}

/// The hang report names those that run.
#[test]
fn look_for_tasks_without_a_name_does_not_grow_with_those_that_have_one() {
    let looks = |tasks: usize| {
        let mut machine = machine(1, tasks, rules());
        let now = Nanos(SECOND);
        machine.set_deadline(Nanos(11 * SECOND), now);
        machine.begin(Cause::Finished, now, 0, now);
        while machine.start_next(now).is_some() {}
        looks::take();
        let mut unnamed = 10;
        machine.each_running_back(|_, _, _| {
            unnamed -= 1;
            unnamed > 0
        });
        looks::take() as f64
    };
    assert_linear(looks(1_000), looks(100_000));
}
