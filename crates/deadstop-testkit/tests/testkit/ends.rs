//! Faults that return or panic.

use super::*;

const SLOW: Duration = Duration::from_millis(300);

#[test]
fn program_without_fault_ends_with_status_0() {
    let death = stopped(app(LONG));
    death.assert_status(0);
    for line in ["flushed", "closed", "was brief"] {
        assert!(says(&death, line), "{death}");
    }
    assert!(death.stderr().is_empty(), "{death}");
}

fn assert_panicked(death: &Death) {
    death.assert_status(1);
    let outcome = "task \"flush the log\" panicked: fault panic: planted";
    assert!(says(death, outcome), "{death}");
    assert!(!says(death, "flushed"), "{death}");
    assert!(says(death, "closed"), "{death}");
}

#[test]
fn planted_panic_fails_its_task() {
    assert_panicked(&stopped(app(LONG).plant(TASK, Fault::Panic)));
    assert_panicked(&stopped(app(LONG).arg("flush the log=panic")));
    // The grace has no part in it.
    assert_panicked(&stopped(endless_app().plant(TASK, Fault::Panic)));
}

fn assert_slow(death: &Death) {
    death.assert_status(0).assert_not_before(SLOW);
    assert!(says(death, "flushed"), "{death}");
}

#[test]
fn slow_task_completes() {
    assert_slow(&stopped(app(LONG).plant(TASK, Fault::Slow(SLOW))));
    assert_slow(&stopped(app(LONG).arg("flush the log=slow(300ms)")));
    assert_slow(&stopped(endless_app().plant(TASK, Fault::Slow(SLOW))));
}

#[test]
fn hung_task_is_abandoned_after_its_budget() {
    let death = stopped(app(LONG).plant("be brief", Fault::Sleep));
    death
        .assert_status(1)
        .assert_not_before(Duration::from_millis(100));
    let outcome = "task \"be brief\" over budget, abandoned";
    assert!(says(&death, outcome), "{death}");
    assert!(death.after() < LONG, "{death}");
}
