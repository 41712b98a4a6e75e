//! Exits before the shutdown is over.

use super::*;

/// Runs a program that exits by itself.
fn left(test: &str, fails: bool, leave: fn()) -> Output {
    run(victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        ok(shutdown.task("commit").on_shutdown(move |_| {
            thread::sleep(Duration::from_millis(300));
            say("ran commit");
            match fails {
                true => Err("the broker said no"),
                false => Ok(()),
            }
        }));
        assert!(shutdown.request(Cause::requested("a test")));
        leave();
    }))
}

#[test]
fn exit_with_0_becomes_the_status_of_a_failure() {
    let test = "exits::exit_with_0_becomes_the_status_of_a_failure";
    let output = left(test, true, || std::process::exit(0));
    assert_status(&output, 1);
    assert!(stdout(&output).contains("ran commit"), "{output:?}");
}

#[test]
fn exit_with_0_stays_where_every_task_is_done() {
    let test = "exits::exit_with_0_stays_where_every_task_is_done";
    assert_status(&left(test, false, || std::process::exit(0)), 0);
}

#[test]
fn exit_with_a_status_of_its_own_keeps_it() {
    let test = "exits::exit_with_a_status_of_its_own_keeps_it";
    assert_status(&left(test, true, || std::process::exit(7)), 7);
}

#[test]
fn second_thread_that_calls_c_exit_is_held_too() {
    let test = "exits::second_thread_that_calls_c_exit_is_held_too";
    let output = left(test, false, || {
        thread::spawn(|| {
            thread::sleep(Duration::from_millis(100));
            // SAFETY: `exit` takes an integer; the first caller is held.
            unsafe { libc::exit(7) }
        });
        // SAFETY: as above.
        unsafe { libc::exit(0) }
    });
    assert!(stdout(&output).contains("ran commit"), "{output:?}");
}

/// More than have a registration at the start.
#[test]
fn many_threads_that_call_c_exit_are_held() {
    let test = "exits::many_threads_that_call_c_exit_are_held";
    let output = left(test, true, || {
        for _ in 0..40 {
            // SAFETY: `exit` takes an integer; each caller is held.
            thread::spawn(|| unsafe { libc::exit(0) });
        }
        park();
    });
    assert_status(&output, 1);
    assert!(stdout(&output).contains("ran commit"), "{output:?}");
}

#[test]
fn exit_handler_of_a_library_set_up_after_install_runs_after_the_tasks() {
    extern "C" fn library_is_torn_down() {
        say("torn down");
    }
    let test = "exits::exit_handler_of_a_library_set_up_after_install_runs_after_the_tasks";
    let output = run(victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        // SAFETY: the function stays valid and does not unwind.
        unsafe { libc::atexit(library_is_torn_down) };
        ok(shutdown.task("commit").on_shutdown(|_| {
            say("begun");
            thread::sleep(Duration::from_millis(300));
            say("ran commit");
        }));
        assert!(shutdown.request(Cause::requested("a test")));
        thread::sleep(Duration::from_millis(100));
        std::process::exit(0);
    }));
    let said = stdout(&output);
    let at = |line: &str| said.find(line).unwrap_or_else(|| panic!("{line}: {said}"));
    assert!(at("ran commit") < at("torn down"), "{said}");
}

/// The coordinator may not have run yet when the process exits.
#[test]
fn library_outlives_tasks_where_exit_follows_the_request_at_once() {
    extern "C" fn library_is_torn_down() {
        say("torn down");
    }
    let test = "exits::library_outlives_tasks_where_exit_follows_the_request_at_once";
    let leave = |by_signal: bool| {
        move || {
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            // SAFETY: the function stays valid and does not unwind.
            unsafe { libc::atexit(library_is_torn_down) };
            ok(shutdown.task("commit").on_shutdown(|_| {
                thread::sleep(Duration::from_millis(300));
                say("ran commit");
            }));
            match by_signal {
                // SAFETY: `raise` takes an integer.
                true => assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0),
                false => assert!(shutdown.request(Cause::requested("a test"))),
            }
            shutdown.requested().wait();
            std::process::exit(0);
        }
    };
    // The victim is this test again: it reads which of the two it is.
    let by_signal = |value: &str| {
        let mut victim = victim(test, leave(std::env::var_os("BY_SIGNAL").is_some()));
        if !value.is_empty() {
            victim.env("BY_SIGNAL", value);
        }
        stdout(&run(victim))
    };
    for said in [by_signal(""), by_signal("1")] {
        let at = |line: &str| said.find(line).unwrap_or_else(|| panic!("{line}: {said}"));
        assert!(at("ran commit") < at("torn down"), "{said}");
    }
}

#[test]
fn last_call_comes_after_the_summary_and_before_the_exit() {
    let test = "exits::last_call_comes_after_the_summary_and_before_the_exit";
    let output = run(victim(test, || {
        let builder = Shutdown::builder().grace(LONG);
        let builder = builder.progress(deadstop::report::Progress::Stderr);
        let shutdown = ok(builder.install());
        shutdown.at_end(|| eprintln!("second"));
        shutdown.at_end(|| eprintln!("first"));
        ok(shutdown
            .task("commit")
            .on_shutdown(|_| eprintln!("ran commit")));
        shutdown.request(Cause::requested("a test"));
        shutdown.wait_and_exit();
    }));
    assert_status(&output, 0);
    let said = stderr(&output);
    let at = |line: &str| said.find(line).unwrap_or_else(|| panic!("{line}: {said}"));
    let order = [
        at("ran commit"),
        at("deadstop: shutdown is over after"),
        at("first"),
        at("second"),
    ];
    assert!(order.is_sorted(), "{said}");
}

/// The call holds up the end for a second at most.
#[test]
fn last_call_that_hangs_costs_no_more_than_its_patience() {
    let test = "exits::last_call_that_hangs_costs_no_more_than_its_patience";
    let output = run(victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        shutdown.at_end(|| park());
        let _ = shutdown.finish();
        std::process::exit(0);
    }));
    assert_status(&output, 0);
}

#[test]
fn early_exit_says_how_many_tasks_were_never_asked_for() {
    let test = "exits::early_exit_says_how_many_tasks_were_never_asked_for";
    let output = run(victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        ok(shutdown.task("a").on_shutdown(|_| ()));
        ok(shutdown.task("b").on_shutdown(|_| ()));
        std::process::exit(9);
    }));
    assert_status(&output, 9);
    let said = stderr(&output);
    let line = "deadstop: the process exits and 2 tasks were never asked for";
    assert!(said.contains(line), "{said}");
}
