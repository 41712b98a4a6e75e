//! The names at which a fault may be planted.

use super::*;

#[test]
fn task_of_scope_is_named_with_its_path() {
    let death = stopped(app(GRACE).plant("/store/close", Fault::Sleep));
    assert_hung(&death, "/store/close");
    assert!(says(&death, "flushed"), "{death}");
}

#[test]
fn hang_at_point_counts_for_the_task_that_reached_it() {
    let death = stopped(app(GRACE).plant("the store is half closed", Fault::Sleep));
    assert_hung(&death, "/store/close");
    assert!(!death.names("flush the log"), "{death}");
    assert!(!says(&death, "closed"), "{death}");
}

#[test]
fn long_escaped_name_is_found_in_the_report() {
    let name = "say \"goodbye\" to each of the peers on the lists, one by one: Zoë, Zoë, Zoë";
    assert!(!name.is_char_boundary(64));
    let death = stopped(app(GRACE).plant(name, Fault::Sleep));
    assert_hung(&death, name);
}

#[test]
fn hang_report_says_that_the_fault_was_planted() {
    let death = stopped(app(GRACE).plant(TASK, Fault::Spin));
    let planted = "says \"planted fault: spin\"";
    assert!(death.stderr().contains(planted), "{death}");
}

#[test]
fn hang_report_omits_fault_that_has_returned() {
    let slow = Fault::Slow(Duration::from_millis(1));
    let death = stopped(
        app(GRACE)
            .plant("/store/close", slow)
            .plant("the store is half closed", Fault::Sleep),
    );
    assert_hung(&death, "/store/close");
    assert!(!death.stderr().contains("planted fault"), "{death}");
}

#[test]
fn planted_faults_are_logged_at_install() {
    let planted = app(LONG).plant(TASK, Fault::Slow(Duration::from_millis(1)));
    let death = stopped(planted.plant("be brief", Fault::Panic));
    let line = "WARN: faults are planted: flush the log=slow(1ms); be brief=panic";
    assert!(death.stderr().lines().any(|said| said == line), "{death}");
}

#[test]
fn environment_takes_precedence_over_program() {
    let death = stopped(
        app(LONG)
            .plant(TASK, Fault::Panic)
            .args(["flush the log=sleep", "be brief=panic"]),
    );
    death.assert_status(1);
    for task in [TASK, "be brief"] {
        let outcome = format!("task {task:?} panicked: fault panic: planted");
        assert!(says(&death, &outcome), "{death}");
    }
    // The overridden fault is not reported as missed.
    assert!(!death.stdout().contains("missed"), "{death}");
}

#[test]
fn fault_at_unused_name_is_reported_at_the_end() {
    let death = stopped(app(LONG).plant("flsh the log", Fault::Spin));
    death.assert_status(0);
    assert!(says(&death, "missed flsh the log=spin"), "{death}");
    let warned = |line: &str| line.starts_with("WARN") && line.contains("flsh the log=spin");
    let warnings = death.stderr().lines().filter(|line| warned(line)).count();
    // As planted, and as missed.
    assert_eq!(warnings, 2, "{death}");
}
