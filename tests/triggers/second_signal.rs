//! A second signal.

use super::*;

const APART: Duration = Duration::from_millis(500);

fn start(test: &str, second: Option<SecondSignal>) -> Child {
    let mut command = victim(test, || {
        let builder = Shutdown::builder().grace(LONG);
        let shutdown = ok(match second {
            Some(second) => builder.second_signal(second),
            None => builder,
        }
        .install());
        ok(shutdown.task("slow").on_shutdown(|_| {
            say("begun");
            thread::sleep(3 * APART);
        }));
        say("ready");
        let _ = shutdown.wait();
        std::process::exit(0);
    });
    let mut child = command.spawn().expect("it starts");
    wait_for(&mut child, "ready");
    child
}

fn sent_twice(mut child: Child, signal: i32) -> Output {
    send(&child, signal);
    wait_for(&mut child, "begun");
    thread::sleep(APART);
    send(&child, signal);
    finish(child)
}

#[test]
fn repeated_sigterm_is_reported_and_ends_nothing() {
    let test = "second_signal::repeated_sigterm_is_reported_and_ends_nothing";
    let output = sent_twice(start(test, None), libc::SIGTERM);
    assert_status(&output, 0);
    let said = stderr(&output);
    assert!(
        said.contains("deadstop: repeated SIGTERM from pid "),
        "{said}"
    );
    assert!(said.contains("the shutdown goes on"), "{said}");
}

#[test]
fn sigint_from_kill_is_no_key_of_the_terminal() {
    let test = "second_signal::sigint_from_kill_is_no_key_of_the_terminal";
    assert_status(&sent_twice(start(test, None), libc::SIGINT), 0);
}

#[test]
fn second_sigterm_ends_the_process_where_asked_for() {
    let test = "second_signal::second_sigterm_ends_the_process_where_asked_for";
    let output = sent_twice(start(test, Some(SecondSignal::End)), libc::SIGTERM);
    assert_eq!(output.status.signal(), Some(libc::SIGTERM), "{output:?}");
    let said = stderr(&output);
    assert!(
        said.contains("deadstop: second SIGTERM from pid "),
        "{said}"
    );
    assert!(said.contains("ending the process by it"), "{said}");
}

/// A pair is one request.
#[test]
fn pair_of_signals_is_one_request() {
    let test = "second_signal::pair_of_signals_is_one_request";
    let child = start(test, Some(SecondSignal::End));
    send(&child, libc::SIGTERM);
    send(&child, libc::SIGINT);
    let output = finish(child);
    assert_status(&output, 0);
    assert!(!stderr(&output).contains("repeated"), "{output:?}");
}
