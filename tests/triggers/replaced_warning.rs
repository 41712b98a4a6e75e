//! The warning about a handler that was set after `install`, at the first wait.

use deadstop::ShutdownBuilder;

use super::*;

/// The beginning of the line on standard error.
const WARNING: &str = "deadstop: other code has replaced deadstop's handler of ";

/// Returns the lines of the warning.
fn warnings(output: &Output) -> Vec<String> {
    let all = stderr(output);
    let warnings = all.lines().filter(|line| line.starts_with(WARNING));
    warnings.map(str::to_owned).collect()
}

/// Ends the process after the time in which `deadstop-log` writes a line.
fn exit_after_the_log() -> ! {
    thread::sleep(Duration::from_millis(500));
    std::process::exit(3);
}

/// Waits in each way, so that each may warn.
fn wait_in_each_way(shutdown: &Shutdown) {
    let moment = Duration::from_millis(1);
    for _ in 0..2 {
        assert!(!shutdown.requested().wait_timeout(moment));
        assert!(poll(shutdown.requested()).is_none());
        assert!(shutdown.ended().wait_timeout(moment).is_none());
        assert!(poll(shutdown.ended()).is_none());
    }
}

/// Polls a future once, and returns its value if it is ready.
fn poll<T>(future: impl Future<Output = T>) -> Option<T> {
    futures::FutureExt::now_or_never(future)
}

/// Has the process ignore a signal.
fn ignore(number: i32) {
    // SAFETY: `signal` takes a number and a valid action.
    let before = unsafe { libc::signal(number, libc::SIG_IGN) };
    assert_ne!(before, libc::SIG_ERR);
}

#[test]
fn handlers_replaced_after_install_are_warned_of_once() {
    let command = victim(
        "replaced_warning::handlers_replaced_after_install_are_warned_of_once",
        || {
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            ok(ctrlc::set_handler(|| ()));
            ignore(libc::SIGTERM);
            wait_in_each_way(&shutdown);
            exit_after_the_log();
        },
    );
    let output = run(command);
    assert_status(&output, 3);
    let warnings = warnings(&output);
    assert_eq!(warnings.len(), 1, "{output:?}");
    for part in ["SIGINT, SIGTERM since install", "`Shutdown::notify_signal`"] {
        assert!(warnings[0].contains(part), "{warnings:?}");
    }
}

/// Each way to wait, alone.
fn assert_wait_warns(test: &str, wait: fn(&Shutdown)) {
    let command = victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        ok(ctrlc::set_handler(|| ()));
        wait(&shutdown);
        exit_after_the_log();
    });
    let output = run(command);
    assert_status(&output, 3);
    assert_eq!(warnings(&output).len(), 1, "{output:?}");
}

#[test]
fn first_wait_for_the_request_warns_of_a_replaced_handler() {
    let test = "replaced_warning::first_wait_for_the_request_warns_of_a_replaced_handler";
    assert_wait_warns(test, |shutdown| {
        assert!(!shutdown.requested().wait_timeout(Duration::ZERO));
    });
}

#[test]
fn first_poll_for_the_request_warns_of_a_replaced_handler() {
    let test = "replaced_warning::first_poll_for_the_request_warns_of_a_replaced_handler";
    assert_wait_warns(test, |shutdown| {
        // A clone checks the handlers too.
        assert!(poll(shutdown.requested().clone()).is_none());
    });
}

#[test]
fn first_wait_for_the_end_warns_of_a_replaced_handler() {
    let test = "replaced_warning::first_wait_for_the_end_warns_of_a_replaced_handler";
    assert_wait_warns(test, |shutdown| {
        let shutdown = shutdown.clone();
        thread::spawn(move || shutdown.wait());
    });
}

#[test]
fn first_poll_for_the_end_warns_of_a_replaced_handler() {
    let test = "replaced_warning::first_poll_for_the_end_warns_of_a_replaced_handler";
    assert_wait_warns(test, |shutdown| {
        assert!(poll(shutdown.ended()).is_none());
    });
}

/// Threads that start early wait for the request before the program has set its handlers.
#[test]
fn handler_replaced_after_the_first_wait_for_the_request_is_warned_of_at_the_end() {
    let test = "replaced_warning::handler_replaced_after_the_first_wait_for_the_request_is_warned_of_at_the_end";
    let command = victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        assert!(!shutdown.requested().wait_timeout(Duration::ZERO));
        ok(ctrlc::set_handler(|| ()));
        assert!(shutdown.ended().wait_timeout(Duration::ZERO).is_none());
        exit_after_the_log();
    });
    let output = run(command);
    assert_status(&output, 3);
    assert_eq!(warnings(&output).len(), 1, "{output:?}");
}

/// Expects no warning if `set` changes handlers after an install as `built` says.
fn assert_no_warning(test: &str, built: fn(ShutdownBuilder) -> ShutdownBuilder, set: fn()) {
    let command = victim(test, || {
        let builder = built(Shutdown::builder().grace(LONG));
        let shutdown = ok(builder.install());
        set();
        wait_in_each_way(&shutdown);
        exit_after_the_log();
    });
    let output = run(command);
    assert_status(&output, 3);
    assert_eq!(warnings(&output), [""; 0], "{output:?}");
}

/// The control.
#[test]
fn handlers_of_deadstop_are_not_warned_of() {
    let test = "replaced_warning::handlers_of_deadstop_are_not_warned_of";
    assert_no_warning(test, |builder| builder, || ());
}

#[test]
fn handler_of_signal_hook_is_not_warned_of() {
    let test = "replaced_warning::handler_of_signal_hook_is_not_warned_of";
    assert_no_warning(
        test,
        |builder| builder,
        || {
            let flag = std::sync::Arc::new(AtomicBool::new(false));
            ok(signal_hook::flag::register(libc::SIGTERM, flag));
        },
    );
}

#[test]
fn handler_of_a_forwarded_signal_is_not_warned_of() {
    let test = "replaced_warning::handler_of_a_forwarded_signal_is_not_warned_of";
    assert_no_warning(
        test,
        |builder| {
            let builder = builder.signals([Signal::TERM]);
            builder.forwarded_signals([Signal::INT])
        },
        || ok(ctrlc::set_handler(|| ())),
    );
}

/// The warning is about signals that begin the shutdown.
#[test]
fn replaced_handler_of_a_status_signal_is_not_warned_of() {
    let test = "replaced_warning::replaced_handler_of_a_status_signal_is_not_warned_of";
    assert_no_warning(
        test,
        |builder| builder.status_signals([Signal::USR1]),
        || ignore(libc::SIGUSR1),
    );
}

#[test]
fn replaced_handler_is_not_warned_of_after_the_request() {
    let test = "replaced_warning::replaced_handler_is_not_warned_of_after_the_request";
    let command = victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        ok(ctrlc::set_handler(|| ()));
        let _ = shutdown.finish();
        exit_after_the_log();
    });
    let output = run(command);
    assert_status(&output, 3);
    assert_eq!(warnings(&output), [""; 0], "{output:?}");
}

/// A check makes system calls, and a program may wait in a loop.
#[test]
fn second_wait_for_the_request_does_not_check_again() {
    let test = "replaced_warning::second_wait_for_the_request_does_not_check_again";
    let command = victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        assert!(!shutdown.requested().wait_timeout(Duration::ZERO));
        ok(ctrlc::set_handler(|| ()));
        assert!(!shutdown.requested().wait_timeout(Duration::ZERO));
        exit_after_the_log();
    });
    let output = run(command);
    assert_status(&output, 3);
    assert_eq!(warnings(&output), [""; 0], "{output:?}");
}

/// A kept thread waits for the request before the program has set its handlers.
#[test]
fn wait_of_a_kept_thread_does_not_use_up_the_check() {
    let test = "replaced_warning::wait_of_a_kept_thread_does_not_use_up_the_check";
    let command = victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        let (sender, has_waited) = std::sync::mpsc::channel();
        let kept = shutdown.keep("kept").spawn(move |cx| {
            let _ = cx.sleep(Duration::ZERO);
            sender.send(()).expect("main waits");
            let _ = cx.sleep(LONG);
        });
        let _kept = ok(kept);
        ok(has_waited.recv());
        ok(ctrlc::set_handler(|| ()));
        assert!(!shutdown.requested().wait_timeout(Duration::ZERO));
        exit_after_the_log();
    });
    let output = run(command);
    assert_status(&output, 3);
    assert_eq!(warnings(&output).len(), 1, "{output:?}");
}
