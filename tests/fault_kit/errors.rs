//! Texts that make no sense.

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
fn a_fault_that_there_is_not_lists_those_there_are() {
    assert_eq!(
        says_why("flush the log=nap"),
        "DEADSTOP_FAULT: at \"flush the log\", \"nap\" is no fault; allowed are \
         allocator-lock, blocked-pipe-write, blocked-read, child-process, panic, \
         self-deadlock, sleep, spin, stderr-lock, stdout-lock, \
         and slow(TIME), with a TIME such as 3s, 1500ms, 20us or 7ns"
    );
}

#[test]
fn a_malformed_entry_is_quoted_with_the_form_it_should_have() {
    assert_eq!(
        says_why("a=spin; flush the log"),
        "DEADSTOP_FAULT: \"flush the log\" is not of the form NAME=FAULT; several are \
         separated by \";\", and a name has neither \"=\" nor \";\""
    );
}

#[test]
fn a_name_that_is_there_twice_is_named() {
    assert_eq!(
        says_why("a=spin;b=panic;a=panic"),
        "DEADSTOP_FAULT names \"a\" twice; one fault at each name is allowed"
    );
}

const DECLARES: &str = "APP_DECLARES";

/// From the environment, and by the program itself.
#[test]
fn a_name_that_is_not_declared_lists_those_that_are() {
    let from_environment = app(LONG).env(DECLARES, "").plant("flush", Fault::Spin);
    let own = app(LONG).env(DECLARES, "").arg("flush=panic");
    for app in [from_environment, own] {
        assert_eq!(
            why(refused(app)),
            "a fault is planted at \"flush\", which is no name that the program declares; \
             it declares \"/store/close\", \"be brief\", \"flush the log\", \
             \"say \\\"goodbye\\\" to each of the peers on the lists, one by one: Zoë, Zoë, Zoë\", \
             \"the store is half closed\""
        );
    }
}

#[test]
fn a_fault_strikes_at_a_name_that_is_declared() {
    for name in ["flush the log", "/store/close", "the store is half closed"] {
        let death = stopped(app(LONG).env(DECLARES, "").plant(name, Fault::Panic));
        death.assert_status(1);
        assert!(!death.stdout().contains("missed"), "{death}");
    }
}

/// The control: it is a fault that is missed, and the program ends well.
#[test]
fn where_nothing_is_declared_any_name_will_do() {
    let death = stopped(app(LONG).plant("flush", Fault::Spin));
    death.assert_status(0);
    assert!(says(&death, "missed flush=spin"), "{death}");
}

#[test]
fn a_text_that_is_none_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let broken = std::ffi::OsStr::from_bytes(b"a=\xff");
    let death = refused(app(LONG).env("DEADSTOP_FAULT", broken));
    let line = "not installed: DEADSTOP_FAULT is not UTF-8";
    assert!(says(&death, line), "{death}");
}

#[test]
fn an_empty_text_plants_nothing() {
    let death = stopped(app(LONG).env("DEADSTOP_FAULT", ""));
    death.assert_status(0);
    assert!(death.stderr().is_empty(), "{death}");
}

/// The scenario has an allocator as programs have it, and an `expect` behind
/// its `install`.
#[test]
fn the_allocators_lock_needs_an_allocator_of_ours() {
    let mut scenario = Victim::command(env!("CARGO_BIN_EXE_scenario"))
        .arg("every_outcome")
        .plant("a", Fault::AllocatorLock)
        .start()
        .expect("the scenario starts");
    let death = scenario.wait(PATIENCE).expect("the scenario ends");
    death.assert_status(43);
    let why = "NoStuckAllocator { name: \"a\" }";
    assert!(death.stderr().contains(why), "{death}");
}
