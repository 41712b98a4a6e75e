//! Malformed values of `DEADSTOP_FAULT`.

use super::*;

fn says_why(fault: &str) -> String {
    why(refused(app(LONG).env("DEADSTOP_FAULT", fault)))
}

fn why(death: Death) -> String {
    let why = death.stdout().strip_prefix("not installed: ");
    why.unwrap_or_else(|| panic!("{death}"))
        .trim_end()
        .to_owned()
}

#[test]
fn error_for_unknown_fault_lists_the_faults() {
    assert_eq!(
        says_why("flush the log=nap"),
        "DEADSTOP_FAULT: at \"flush the log\", \"nap\" is not a fault; allowed are \
         allocator-lock, blocked-pipe-write, blocked-read, child-process, panic, \
         self-deadlock, sleep, spin, stderr-lock, stdout-lock, \
         and slow(TIME), with a TIME such as 3s, 1500ms, 20us or 7ns"
    );
}

#[test]
fn error_for_malformed_entry_quotes_it_and_the_form() {
    assert_eq!(
        says_why("a=spin; flush the log"),
        "DEADSTOP_FAULT: \"flush the log\" is not of the form NAME=FAULT; separate \
         several by \";\"; a name may contain neither \"=\" nor \";\""
    );
}

#[test]
fn error_for_repeated_name_names_it() {
    assert_eq!(
        says_why("a=spin;b=panic;a=panic"),
        "DEADSTOP_FAULT names \"a\" twice; one fault per name is allowed"
    );
}

const DECLARES: &str = "APP_DECLARES";

/// From the environment, and by the program itself.
#[test]
fn error_for_undeclared_name_lists_the_declared_names() {
    let from_environment = app(LONG).env(DECLARES, "").plant("flush", Fault::Spin);
    let own = app(LONG).env(DECLARES, "").arg("flush=panic");
    for app in [from_environment, own] {
        assert_eq!(
            why(refused(app)),
            "a fault is planted at \"flush\", which the program does not declare; \
             declared are \"/store/close\", \"be brief\", \"flush the log\", \
             \"say \\\"goodbye\\\" to each of the peers on the lists, one by one: Zoë, Zoë, Zoë\", \
             \"the store is half closed\""
        );
    }
}

#[test]
fn fault_at_declared_name_strikes() {
    for name in ["flush the log", "/store/close", "the store is half closed"] {
        let death = stopped(app(LONG).env(DECLARES, "").plant(name, Fault::Panic));
        death.assert_status(1);
        assert!(!death.stdout().contains("missed"), "{death}");
    }
}

/// The control: the fault is missed, and the program ends well.
#[test]
fn any_name_is_accepted_without_a_declaration() {
    let death = stopped(app(LONG).plant("flush", Fault::Spin));
    death.assert_status(0);
    assert!(says(&death, "missed flush=spin"), "{death}");
}

#[test]
fn value_that_is_not_utf8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let broken = std::ffi::OsStr::from_bytes(b"a=\xff");
    let death = refused(app(LONG).env("DEADSTOP_FAULT", broken));
    let line = "not installed: DEADSTOP_FAULT is not UTF-8";
    assert!(says(&death, line), "{death}");
}

#[test]
fn empty_value_plants_nothing() {
    let death = stopped(app(LONG).env("DEADSTOP_FAULT", ""));
    death.assert_status(0);
    assert!(death.stderr().is_empty(), "{death}");
}

#[test]
fn allocator_lock_without_stuck_allocator_is_refused() {
    let app = Victim::command(env!("CARGO_BIN_EXE_testkit_system_allocator"));
    let death = refused(app.plant("a", Fault::AllocatorLock));
    let why = "not installed: allocator-lock is planted at \"a\"";
    assert!(death.stderr().contains(why), "{death}");
}
