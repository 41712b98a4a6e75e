//! Where a fault may be planted.

use super::*;

#[test]
fn a_task_of_a_scope_has_its_path() {
    let death = stopped(app(GRACE).plant("/store/close", Fault::Sleep));
    assert_hung(&death, "/store/close");
    assert!(says(&death, "flushed"), "{death}");
}

#[test]
fn a_point_is_part_of_the_task_that_reaches_it() {
    let death = stopped(app(GRACE).plant("the store is half closed", Fault::Sleep));
    assert_hung(&death, "/store/close");
    assert!(!death.names("flush the log"), "{death}");
    assert!(!says(&death, "closed"), "{death}");
}

#[test]
fn a_name_is_found_as_the_report_cuts_and_escapes_it() {
    let name = "say \"goodbye\" to each of the peers on the lists, one by one: Zoë, Zoë, Zoë";
    assert!(!name.is_char_boundary(64));
    let death = stopped(app(GRACE).plant(name, Fault::Sleep));
    assert_hung(&death, name);
}

#[test]
fn the_hang_report_says_that_it_was_planted() {
    let death = stopped(app(GRACE).plant(TASK, Fault::Spin));
    let planted = "says \"planted fault: spin\"";
    assert!(death.stderr().contains(planted), "{death}");
}

/// A fault that has let go is not to blame for what comes after it.
#[test]
fn the_hang_report_says_nothing_of_a_fault_that_is_over() {
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
fn what_is_planted_is_logged_at_install() {
    let planted = app(LONG).plant(TASK, Fault::Slow(Duration::from_millis(1)));
    let death = stopped(planted.plant("be brief", Fault::Panic));
    let line = "WARN: faults are planted: flush the log=slow(1ms); be brief=panic";
    assert!(death.stderr().lines().any(|said| said == line), "{death}");
}

#[test]
fn the_environment_goes_before_the_program() {
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
    // The one that was overruled is not missed.
    assert!(!death.stdout().contains("missed"), "{death}");
}

#[test]
fn a_name_that_nobody_has_is_heard_of_at_the_end() {
    let death = stopped(app(LONG).plant("flsh the log", Fault::Spin));
    death.assert_status(0);
    assert!(says(&death, "missed flsh the log=spin"), "{death}");
    let warned = |line: &str| line.starts_with("WARN") && line.ends_with(": flsh the log=spin");
    let warnings = death.stderr().lines().filter(|line| warned(line)).count();
    // As planted, and as missed.
    assert_eq!(warnings, 2, "{death}");
}
