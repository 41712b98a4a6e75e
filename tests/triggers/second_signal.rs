//! A second signal during the shutdown.

use super::*;

/// The time between two signals, long enough that they are two requests.
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
    let mut child = command.spawn().expect("the victim starts");
    wait_for(&mut child, "ready");
    child
}

fn send_twice(mut child: Child, signal: i32) -> Output {
    send(&child, signal);
    wait_for(&mut child, "begun");
    thread::sleep(APART);
    send(&child, signal);
    finish(child)
}

#[test]
fn repeated_sigterm_is_logged_and_the_shutdown_goes_on() {
    let test = "second_signal::repeated_sigterm_is_logged_and_the_shutdown_goes_on";
    let output = send_twice(start(test, None), libc::SIGTERM);
    assert_status(&output, 0);
    let said = stderr(&output);
    assert!(
        said.contains("deadstop: repeated SIGTERM from pid "),
        "{said}"
    );
    assert!(said.contains("the shutdown goes on"), "{said}");
}

#[test]
fn second_sigint_from_kill_does_not_end_the_process() {
    let test = "second_signal::second_sigint_from_kill_does_not_end_the_process";
    assert_status(&send_twice(start(test, None), libc::SIGINT), 0);
}

#[test]
fn second_sigterm_ends_the_process_if_configured() {
    let test = "second_signal::second_sigterm_ends_the_process_if_configured";
    let output = send_twice(start(test, Some(SecondSignal::End)), libc::SIGTERM);
    assert_eq!(output.status.signal(), Some(libc::SIGTERM), "{output:?}");
    let said = stderr(&output);
    assert!(
        said.contains("deadstop: second SIGTERM from pid "),
        "{said}"
    );
    assert!(said.contains("ending the process by it"), "{said}");
}

/// Process managers may send two signals as one request to stop. The second one must not end
/// the process, although `SecondSignal::End` is set.
#[test]
fn sigterm_and_sigint_at_once_count_as_one_request() {
    let test = "second_signal::sigterm_and_sigint_at_once_count_as_one_request";
    let child = start(test, Some(SecondSignal::End));
    send(&child, libc::SIGTERM);
    send(&child, libc::SIGINT);
    let output = finish(child);
    assert_status(&output, 0);
    assert!(!stderr(&output).contains("repeated"), "{output:?}");
}
