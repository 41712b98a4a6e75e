//! Signals that the application's own handler forwards to the shutdown.

use super::*;
use std::sync::OnceLock;

static SHUTDOWN: OnceLock<Shutdown> = OnceLock::new();

extern "C" fn forward(number: i32) {
    let shutdown = SHUTDOWN
        .get()
        .expect("the program sets it before the handler");
    shutdown.notify_signal(Signal::from(number), None);
}

extern "C" fn note(_: i32) {
    let said = "asked\n";
    // SAFETY: the pointer is valid for reads of that many bytes, and `write` is
    // async-signal-safe.
    unsafe { libc::write(1, said.as_ptr().cast(), said.len()) };
}

fn handle(number: i32, handler: extern "C" fn(i32)) {
    // SAFETY: both handlers are async-signal-safe.
    unsafe { libc::signal(number, handler as *const () as libc::sighandler_t) };
}

#[test]
fn signal_forwarded_by_the_application_begins_the_shutdown() {
    let victim = victim(
        "forwarded::signal_forwarded_by_the_application_begins_the_shutdown",
        || {
            let builder = Shutdown::builder().grace(SHORT).signals([]);
            let shutdown = ok(builder.forwarded_signals([Signal::TERM]).install());
            let _ = SHUTDOWN.set(shutdown);
            handle(libc::SIGTERM, forward);
            say("ready");
            park();
        },
    );
    let output = send_after_line(victim, "ready", libc::SIGTERM);
    assert_status(&output, 124);
    // Only the first line: under load, the report may not be complete at so short a deadline.
    assert!(
        stderr(&output).contains("shutdown begins: SIGTERM"),
        "{output:?}"
    );
}

#[test]
fn forwarded_signal_gets_no_handler_from_install() {
    let victim = victim(
        "forwarded::forwarded_signal_gets_no_handler_from_install",
        || {
            let builder = Shutdown::builder().grace(LONG).signals([]);
            let _shutdown = ok(builder.forwarded_signals([Signal::TERM]).install());
            say("ready");
            park();
        },
    );
    let output = send_after_line(victim, "ready", libc::SIGTERM);
    assert_eq!(output.status.signal(), Some(libc::SIGTERM), "{output:?}");
}

#[test]
fn stack_dump_signal_is_sent_before_the_deadline_if_it_has_a_handler() {
    let command = victim(
        "forwarded::stack_dump_signal_is_sent_before_the_deadline_if_it_has_a_handler",
        || {
            handle(libc::SIGQUIT, note);
            let builder = Shutdown::builder().grace(SHORT).signals([]);
            let shutdown = ok(builder.stack_dump_signal(Signal::QUIT).install());
            shutdown.request(Cause::requested("a test"));
            park();
        },
    );
    let output = run(command);
    assert_status(&output, 124);
    assert_eq!(stdout(&output).matches("asked").count(), 1, "{output:?}");
}

/// The signal's default action would end the process with a core dump.
#[test]
fn stack_dump_signal_without_a_handler_is_not_sent() {
    let command = victim(
        "forwarded::stack_dump_signal_without_a_handler_is_not_sent",
        || {
            let builder = Shutdown::builder().grace(SHORT).signals([]);
            let shutdown = ok(builder.stack_dump_signal(Signal::QUIT).install());
            shutdown.request(Cause::requested("a test"));
            park();
        },
    );
    assert_status(&run(command), 124);
}
