//! Programs that call `exit` before the shutdown has ended.

use super::*;

/// Runs a program that requests a shutdown and then calls `leave`, which exits. Its task takes
/// 300 ms, and fails if `fails` is set.
fn run_and_exit(test: &str, fails: bool, leave: fn()) -> Output {
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
fn exit_with_0_becomes_1_if_a_task_fails() {
    let test = "exits::exit_with_0_becomes_1_if_a_task_fails";
    let output = run_and_exit(test, true, || std::process::exit(0));
    assert_status(&output, 1);
    assert!(stdout(&output).contains("ran commit"), "{output:?}");
}

#[test]
fn exit_with_0_stays_0_if_all_tasks_succeed() {
    let test = "exits::exit_with_0_stays_0_if_all_tasks_succeed";
    assert_status(&run_and_exit(test, false, || std::process::exit(0)), 0);
}

#[test]
fn exit_with_7_stays_7_if_a_task_fails() {
    let test = "exits::exit_with_7_stays_7_if_a_task_fails";
    assert_status(&run_and_exit(test, true, || std::process::exit(7)), 7);
}

#[test]
fn two_threads_that_call_c_exit_wait_for_the_tasks() {
    let test = "exits::two_threads_that_call_c_exit_wait_for_the_tasks";
    let output = run_and_exit(test, false, || {
        thread::spawn(|| {
            thread::sleep(Duration::from_millis(100));
            // SAFETY: `exit` takes an integer; the first caller is held.
            unsafe { libc::exit(7) }
        });
        // SAFETY: `exit` takes an integer, and runs the exit handlers once.
        unsafe { libc::exit(0) }
    });
    assert!(stdout(&output).contains("ran commit"), "{output:?}");
}

/// 40 threads call `exit`, which is more than the 32 exit handlers that C guarantees.
#[test]
fn forty_threads_that_call_c_exit_wait_for_the_tasks() {
    let test = "exits::forty_threads_that_call_c_exit_wait_for_the_tasks";
    let output = run_and_exit(test, true, || {
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
fn atexit_handler_registered_after_install_runs_after_the_tasks() {
    extern "C" fn library_is_torn_down() {
        say("torn down");
    }
    let test = "exits::atexit_handler_registered_after_install_runs_after_the_tasks";
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

/// The program calls `exit` immediately after the request, possibly before the coordinator
/// runs. A library's exit handler must still run after the tasks.
#[test]
fn atexit_handler_runs_after_the_tasks_if_exit_follows_the_request_at_once() {
    extern "C" fn library_is_torn_down() {
        say("torn down");
    }
    let test = "exits::atexit_handler_runs_after_the_tasks_if_exit_follows_the_request_at_once";
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
    // The victim executes this test again, and reads the variable to choose the trigger.
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
fn at_end_calls_run_after_the_summary_in_reverse_order() {
    let test = "exits::at_end_calls_run_after_the_summary_in_reverse_order";
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

/// A call registered by `at_end` hangs. The library waits for it for a second, and the process
/// must then exit.
#[test]
fn at_end_call_that_hangs_does_not_prevent_the_exit() {
    let test = "exits::at_end_call_that_hangs_does_not_prevent_the_exit";
    let output = run(victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        shutdown.at_end(|| park());
        let _ = shutdown.finish();
        std::process::exit(0);
    }));
    assert_status(&output, 0);
}

#[test]
fn early_exit_prints_the_number_of_tasks_not_requested() {
    let test = "exits::early_exit_prints_the_number_of_tasks_not_requested";
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
