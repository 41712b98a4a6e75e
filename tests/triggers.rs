//! Triggers that meet other code: libraries that take a signal or the panic hook
//! after `install`, second signals, children of `fork`, and early exits.
//!
//! Each scenario is a function here. The test runs this binary again as its
//! victim, with the scenario's name, and looks at how that process ends.

#![cfg(feature = "shutdown")]
#![expect(unsafe_code, reason = "forks, and sends signals to its victims")]
#![expect(clippy::print_stderr, reason = "victims say what happened")]
#![expect(clippy::exit, reason = "how a program exits is part of a scenario")]

use std::fmt::Debug;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[path = "harness/self_victim.rs"]
mod self_victim;

use deadstop::signals::Sender;
use deadstop::{Cause, Panics, Phase, SecondSignal, Shutdown, Signal, Watchdog};

use self_victim::{PATIENCE, finish, park, run, say, send, victim};

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// A grace that a test waits for.
const SHORT: Duration = Duration::from_millis(400);

/// Waits until the victim says `line`, and returns it with a reader of the rest.
fn wait_for(child: &mut Child, line: &str) {
    use std::io::Read;
    let stdout = child.stdout.as_mut().expect("piped");
    let mut said = Vec::new();
    let mut byte = [0];
    while stdout.read(&mut byte).expect("readable") == 1 {
        said.push(byte[0]);
        if String::from_utf8_lossy(&said)
            .lines()
            .any(|said| said.ends_with(line))
            && byte[0] == b'\n'
        {
            return;
        }
    }
    panic!(
        "it never said {line:?}: {:?}",
        String::from_utf8_lossy(&said)
    );
}

/// Sends `signal` to a victim that has said `line`, and waits for its end.
fn signaled(mut victim: Command, line: &str, signal: i32) -> Output {
    let mut child = victim.spawn().expect("it starts");
    wait_for(&mut child, line);
    send(&child, signal);
    finish(child)
}

fn is_alive(child: &mut Child, after: Duration) -> bool {
    thread::sleep(after);
    child.try_wait().expect("its own child").is_none()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn assert_status(output: &Output, status: i32) {
    assert_eq!(output.status.code(), Some(status), "{output:?}");
}

fn ok<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("nothing is in the way")
}

fn hung(shutdown: &Shutdown) {
    let task = shutdown.task("hang").phase(Phase::FLUSH);
    ok(task.on_shutdown(|_| {
        say("begun");
        park();
    }));
}

/// A library that sets its own handler or hook after `install`.
mod replaced {
    use super::*;

    #[test]
    fn ctrlc_set_after_install_is_noticed_by_protection() {
        let command = victim(
            "replaced::ctrlc_set_after_install_is_noticed_by_protection",
            || {
                let shutdown = ok(Shutdown::builder().grace(LONG).install());
                assert!(
                    shutdown
                        .watchdog()
                        .protection()
                        .replaced_signals()
                        .is_empty()
                );
                ok(ctrlc::set_handler(|| ()));
                let protection = shutdown.watchdog().protection();
                assert_eq!(protection.replaced_signals(), [Signal::INT]);
                let warnings = protection.warnings();
                assert!(warnings[0].contains("SIGINT"), "{warnings:?}");
                std::process::exit(3);
            },
        );
        assert_status(&run(command), 3);
    }

    #[test]
    fn ctrlc_set_before_install_is_called_too() {
        let victim = victim("replaced::ctrlc_set_before_install_is_called_too", || {
            ok(ctrlc::set_handler(|| say("callback")));
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            assert!(
                shutdown
                    .watchdog()
                    .protection()
                    .replaced_signals()
                    .is_empty()
            );
            say("ready");
            let _ = shutdown.wait();
            thread::sleep(Duration::from_millis(300));
            std::process::exit(4);
        });
        let output = signaled(victim, "ready", libc::SIGINT);
        assert_status(&output, 4);
        assert!(stdout(&output).contains("callback"), "{output:?}");
    }

    #[test]
    fn signal_taken_by_a_library_can_be_handed_over() {
        let victim = victim(
            "replaced::signal_taken_by_a_library_can_be_handed_over",
            || {
                let shutdown = ok(Shutdown::builder().grace(SHORT).install());
                hung(&shutdown);
                let handed = shutdown.clone();
                ok(ctrlc::set_handler(move || {
                    assert!(!handed.notify_signal(Signal::USR1, None));
                    assert!(handed.notify_signal(Signal::INT, Some(Sender::new(7, 8))));
                    let cause = handed.cause().expect("it has begun").to_string();
                    say(&cause);
                }));
                say("ready");
                park();
            },
        );
        let output = signaled(victim, "ready", libc::SIGINT);
        assert_status(&output, 124);
        assert!(
            stdout(&output).contains("SIGINT from pid 7, uid 8"),
            "{output:?}"
        );
    }

    /// The control: without the call, nothing begins.
    #[test]
    fn signal_taken_by_a_library_begins_nothing_by_itself() {
        let mut child = victim(
            "replaced::signal_taken_by_a_library_begins_nothing_by_itself",
            || {
                let shutdown = ok(Shutdown::builder().grace(SHORT).install());
                hung(&shutdown);
                ok(ctrlc::set_handler(|| ()));
                say("ready");
                park();
            },
        )
        .spawn()
        .expect("it starts");
        wait_for(&mut child, "ready");
        send(&child, libc::SIGINT);
        assert!(is_alive(&mut child, 3 * SHORT));
        send(&child, libc::SIGKILL);
        finish(child);
    }

    #[test]
    fn panic_hook_set_after_install_is_noticed_by_protection() {
        let command = victim(
            "replaced::panic_hook_set_after_install_is_noticed_by_protection",
            || {
                let builder = Shutdown::builder().grace(LONG).panics(Panics::Shutdown);
                let shutdown = ok(builder.install());
                assert!(!shutdown.watchdog().protection().panic_hook_replaced());
                // Looking at it leaves it in place.
                assert!(!shutdown.watchdog().protection().panic_hook_replaced());
                let next = std::panic::take_hook();
                std::panic::set_hook(Box::new(move |info| next(info)));
                assert!(shutdown.watchdog().protection().panic_hook_replaced());
                std::process::exit(3);
            },
        );
        assert_status(&run(command), 3);
    }

    #[test]
    fn panic_hook_that_hangs_after_arming_is_ended_at_the_deadline() {
        let command = victim(
            "replaced::panic_hook_that_hangs_after_arming_is_ended_at_the_deadline",
            || panic_under_hook_that_hangs(true),
        );
        assert_status(&run(command), 124);
    }

    /// The control: deadstop's hook is never reached.
    #[test]
    fn panic_hook_that_hangs_without_arming_keeps_the_process() {
        let mut child = victim(
            "replaced::panic_hook_that_hangs_without_arming_keeps_the_process",
            || panic_under_hook_that_hangs(false),
        )
        .spawn()
        .expect("it starts");
        wait_for(&mut child, "hook");
        assert!(is_alive(&mut child, 3 * SHORT));
        send(&child, libc::SIGKILL);
        finish(child);
    }

    fn panic_under_hook_that_hangs(arms: bool) {
        let builder = Shutdown::builder().grace(SHORT).panics(Panics::Shutdown);
        let _shutdown = ok(builder.install());
        std::panic::set_hook(Box::new(move |info| {
            if arms {
                assert!(deadstop::arm_from_panic_hook(info));
            }
            say("hook");
            park();
        }));
        let worker = thread::spawn(|| panic!("of a worker"));
        let _ = worker.join();
        park();
    }
}

mod forwarded {
    use super::*;
    use std::sync::OnceLock;

    static SHUTDOWN: OnceLock<Shutdown> = OnceLock::new();

    extern "C" fn forward(number: i32) {
        let shutdown = SHUTDOWN.get().expect("it is set before the handler is");
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
    fn signal_that_the_application_hands_over_begins_the_shutdown() {
        let victim = victim(
            "forwarded::signal_that_the_application_hands_over_begins_the_shutdown",
            || {
                let builder = Shutdown::builder().grace(SHORT).signals([]);
                let shutdown = ok(builder.forwarded_signals([Signal::TERM]).install());
                let _ = SHUTDOWN.set(shutdown);
                handle(libc::SIGTERM, forward);
                say("ready");
                park();
            },
        );
        let output = signaled(victim, "ready", libc::SIGTERM);
        assert_status(&output, 124);
        // The first line, since under load the report may not be out by so short a deadline.
        assert!(
            stderr(&output).contains("shutdown begins: SIGTERM"),
            "{output:?}"
        );
    }

    #[test]
    fn signal_to_be_handed_over_gets_no_handler() {
        let victim = victim(
            "forwarded::signal_to_be_handed_over_gets_no_handler",
            || {
                let builder = Shutdown::builder().grace(LONG).signals([]);
                let _shutdown = ok(builder.forwarded_signals([Signal::TERM]).install());
                say("ready");
                park();
            },
        );
        let output = signaled(victim, "ready", libc::SIGTERM);
        assert_eq!(output.status.signal(), Some(libc::SIGTERM), "{output:?}");
    }

    #[test]
    fn report_signal_is_sent_before_the_deadline_to_a_handler() {
        let command = victim(
            "forwarded::report_signal_is_sent_before_the_deadline_to_a_handler",
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

    /// Its default action would end the process with a core dump.
    #[test]
    fn report_signal_without_a_handler_is_not_sent() {
        let command = victim(
            "forwarded::report_signal_without_a_handler_is_not_sent",
            || {
                let builder = Shutdown::builder().grace(SHORT).signals([]);
                let shutdown = ok(builder.stack_dump_signal(Signal::QUIT).install());
                shutdown.request(Cause::requested("a test"));
                park();
            },
        );
        assert_status(&run(command), 124);
    }
}

mod panics {
    use super::*;

    #[test]
    fn panic_that_the_predicate_refuses_begins_nothing() {
        let command = victim(
            "panics::panic_that_the_predicate_refuses_begins_nothing",
            || {
                let by_name: Panics =
                    Panics::When(|_| thread::current().name() == Some("consumer"));
                let shutdown = ok(Shutdown::builder().grace(LONG).panics(by_name).install());
                let start = |name: &str| {
                    let builder = thread::Builder::new().name(name.to_owned());
                    ok(builder.spawn(|| panic!("as asked"))).join()
                };
                assert!(start("request").is_err());
                assert!(!shutdown.is_requested());
                assert!(start("consumer").is_err());
                assert!(shutdown.is_requested());
                std::process::exit(3);
            },
        );
        // A panic was the cause: its status takes the place of no failure.
        assert_status(&run(command), 3);
    }

    #[test]
    fn panic_of_the_logger_begins_nothing() {
        struct Panicking;
        impl log::Log for Panicking {
            fn enabled(&self, _: &log::Metadata<'_>) -> bool {
                true
            }
            fn log(&self, record: &log::Record<'_>) {
                let is_ours = thread::current().name() == Some("deadstop-log");
                assert!(!is_ours, "a logger's: {}", record.args());
            }
            fn flush(&self) {}
        }
        let command = victim("panics::panic_of_the_logger_begins_nothing", || {
            ok(log::set_logger(&Panicking));
            log::set_max_level(log::LevelFilter::Trace);
            let builder = Shutdown::builder().grace(LONG).panics(Panics::Shutdown);
            let shutdown = ok(builder.install());
            assert!(shutdown.status_report());
            thread::sleep(Duration::from_millis(1500));
            assert!(!shutdown.is_requested());
            std::process::exit(3);
        });
        let output = run(command);
        assert_status(&output, 3);
        assert!(
            stderr(&output).contains("a logger's"),
            "it panicked: {output:?}"
        );
    }
}

mod second {
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
        let test = "second::repeated_sigterm_is_reported_and_ends_nothing";
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
        let test = "second::sigint_from_kill_is_no_key_of_the_terminal";
        assert_status(&sent_twice(start(test, None), libc::SIGINT), 0);
    }

    #[test]
    fn second_sigterm_ends_the_process_where_asked_for() {
        let test = "second::second_sigterm_ends_the_process_where_asked_for";
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
        let test = "second::pair_of_signals_is_one_request";
        let child = start(test, Some(SecondSignal::End));
        send(&child, libc::SIGTERM);
        send(&child, libc::SIGINT);
        let output = finish(child);
        assert_status(&output, 0);
        assert!(!stderr(&output).contains("repeated"), "{output:?}");
    }
}

mod senders {
    use super::*;

    #[test]
    fn sender_of_sigqueue_only_claims_its_pid() {
        let command = victim("senders::sender_of_sigqueue_only_claims_its_pid", || {
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            let value = libc::sigval {
                sival_ptr: std::ptr::null_mut(),
            };
            let pid = i32::try_from(std::process::id()).expect("a pid");
            // SAFETY: sigqueue(3) takes two integers and a value, to this process.
            unsafe { libc::sigqueue(pid, libc::SIGTERM, value) };
            while !shutdown.is_requested() {
                thread::yield_now();
            }
            let cause = shutdown.cause().expect("it has begun").to_string();
            let expected = format!("SIGTERM from a sender that claims to be pid {pid}, ");
            assert!(cause.starts_with(&expected), "{cause}");
            std::process::exit(3);
        });
        assert_status(&run(command), 3);
    }

    #[test]
    fn signal_that_does_not_end_a_process_is_refused_as_a_trigger() {
        for signal in [
            Signal::CHLD,
            Signal::WINCH,
            Signal::URG,
            Signal::CONT,
            Signal::TSTP,
        ] {
            let refused = Shutdown::builder().signals([signal]).install();
            let error = refused.expect_err("it cannot be a trigger");
            assert!(error.to_string().contains(&signal.to_string()), "{error}");
            let refused = Watchdog::builder().arm_on([signal]).install();
            assert!(refused.is_err());
        }
    }
}

mod forks {
    use super::*;

    /// Returns the status that `child` ends with.
    fn in_child(child: impl FnOnce() -> i32) -> i32 {
        // SAFETY: the child calls what this test is about, and ends.
        match unsafe { libc::fork() } {
            0 => {
                // A child that hangs must not keep the test's pipes open.
                // SAFETY: alarm(2) takes an integer.
                unsafe { libc::alarm(30) };
                let status = child();
                // SAFETY: `_exit` takes an integer.
                unsafe { libc::_exit(status) }
            }
            pid => {
                let mut status = 0;
                // SAFETY: the pointer is valid for writes.
                unsafe { libc::waitpid(pid, &raw mut status, 0) };
                status
            }
        }
    }

    fn sleeper() -> Command {
        let mut command = Command::new("sleep");
        command.arg("30");
        command
    }

    /// Fails if the child waits for threads that only its parent has.
    #[test]
    fn handles_of_the_drain_kit_are_over_in_a_child() {
        let command = victim(
            "forks::handles_of_the_drain_kit_are_over_in_a_child",
            || {
                let shutdown = ok(Shutdown::builder().grace(LONG).install());
                let pool = ok(shutdown.pool("mailer").threads(1).start());
                let job = ok(pool.submit(|| park()).map_err(|_| "rejected"));
                let kept = ok(shutdown.keep("uploader").spawn(|_| park()));
                let child = ok(shutdown.child("sleeper", sleeper()));
                let status = in_child(|| {
                    let rejected = pool.execute(|| ()).map_err(|it| it.why);
                    assert!(matches!(rejected, Err(deadstop::drain::Why::Closed)));
                    assert!(pool.is_closed() && !pool.close() && pool.stop().is_empty());
                    assert!(!pool.await_termination(LONG));
                    assert_eq!(pool.stats(), Default::default());
                    assert!(job.is_finished() && !job.cancel());
                    assert!(kept.join().is_err());
                    assert!(child.wait().is_none() && child.signal(Signal::TERM).is_err());
                    let ended: Result<(), _> = job.join();
                    assert!(matches!(ended, Err(deadstop::drain::JobError::Cancelled)));
                    drop(pool);
                    5
                });
                assert!(libc::WIFEXITED(status), "{status}");
                assert_eq!(libc::WEXITSTATUS(status), 5);
                std::process::exit(0);
            },
        );
        let output = run(command);
        assert_status(&output, 0);
        assert!(stderr(&output).contains("is a child of fork"), "{output:?}");
    }

    /// What a child would do twice, or would wait for a lock or a phase of its parent's for.
    #[test]
    fn resources_wakers_files_and_gates_do_nothing_in_a_child() {
        let test = "forks::resources_wakers_files_and_gates_do_nothing_in_a_child";
        let command = victim(test, || {
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            let client = ok(shutdown.resource("client", ()).close(|()| say("closed")));
            let waker = ok(shutdown.waker("loop", || say("woken")));
            let file = std::env::temp_dir().join(format!("forks-{}", std::process::id()));
            let removed = ok(shutdown.remove_file(&file));
            let closing = ok(shutdown.gate("requests").open()).closing();
            let status = in_child(|| {
                let own = shutdown.resource("own", ()).close(|()| ());
                assert!(matches!(own, Err(deadstop::RegisterError::Forked)));
                assert!(!client.close_now() && !client.release());
                assert!(client.waker().is_none());
                waker.wake();
                assert!(!waker.disable());
                assert!(!removed.cancel());
                closing.wait();
                5
            });
            assert!(libc::WIFEXITED(status), "{status}");
            assert_eq!(libc::WEXITSTATUS(status), 5);
            // The parent's are as they were.
            assert!(waker.disable() && removed.cancel() && client.close_now());
            std::process::exit(0);
        });
        let output = run(command);
        assert_status(&output, 0);
        assert_eq!(stdout(&output).matches("closed").count(), 1, "{output:?}");
        assert!(!stdout(&output).contains("woken"), "{output:?}");
    }

    #[test]
    fn child_refuses_a_task_and_says_so_once() {
        let command = victim("forks::child_refuses_a_task_and_says_so_once", || {
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            let status = in_child(|| {
                let first = shutdown.task("own").on_shutdown(|_| ());
                assert!(matches!(first, Err(deadstop::RegisterError::Forked)));
                shutdown.watchdog().arm();
                let _ = shutdown.wait();
                assert!(!shutdown.request(Cause::requested("a child")));
                5
            });
            assert!(libc::WIFEXITED(status), "{status}");
            assert_eq!(libc::WEXITSTATUS(status), 5);
            std::process::exit(3);
        });
        let output = run(command);
        assert_status(&output, 3);
        let said = stderr(&output);
        let lines = said
            .lines()
            .filter(|line| line.contains("is a child of fork"));
        assert_eq!(lines.count(), 1, "{said}");
    }

    /// Threads of the parent call everything that has state, and children install.
    #[test]
    fn child_installs_while_the_parents_threads_use_its_shutdown() {
        let command = victim(
            "forks::child_installs_while_the_parents_threads_use_its_shutdown",
            || {
                let shutdown = ok(Shutdown::builder().grace(LONG).install());
                for _ in 0..3 {
                    let shutdown = shutdown.clone();
                    thread::spawn(move || {
                        loop {
                            let _ = Shutdown::installed();
                            ok(shutdown.task("c").on_shutdown(|_| ())).cancel();
                        }
                    });
                }
                for _ in 0..60 {
                    let status = in_child(|| {
                        let own = ok(Shutdown::builder().grace(SHORT).install());
                        own.watchdog().arm();
                        park();
                    });
                    assert!(libc::WIFEXITED(status), "{status}");
                    assert_eq!(libc::WEXITSTATUS(status), 124);
                }
                std::process::exit(3);
            },
        );
        let mut child = command_with_patience(command);
        let before = Instant::now();
        while child.try_wait().expect("its own child").is_none() {
            assert!(before.elapsed() < 8 * PATIENCE, "a child hangs");
            thread::sleep(Duration::from_millis(10));
        }
        assert_status(&finish(child), 3);
    }

    /// Raises SIGTERM in a child of fork, while `RAISES` is set.
    extern "C" fn raise_in_child() {
        if RAISES.load(Ordering::Relaxed) {
            // SAFETY: `raise` takes an integer.
            unsafe { libc::raise(libc::SIGTERM) };
        }
    }

    static RAISES: AtomicBool = AtomicBool::new(false);

    /// The signal finds deadstop's handler and the parent's state: its own fork handler,
    /// which was registered later, has not run yet.
    #[test]
    fn signal_before_the_fork_handler_ends_the_child_and_leaves_the_parent_alone() {
        let test =
            "forks::signal_before_the_fork_handler_ends_the_child_and_leaves_the_parent_alone";
        let command = victim(test, || {
            // SAFETY: the function stays valid for the life of the process.
            unsafe { libc::pthread_atfork(None, None, Some(raise_in_child)) };
            let builder = Shutdown::builder().grace(LONG);
            let shutdown = ok(builder.second_signal(SecondSignal::End).install());
            let child = ok(shutdown.child("sleeper", sleeper()));
            RAISES.store(true, Ordering::Relaxed);
            let ends_by_sigterm = |status: i32| {
                assert!(libc::WIFSIGNALED(status), "{status}");
                assert_eq!(libc::WTERMSIG(status), libc::SIGTERM);
            };
            ends_by_sigterm(in_child(|| 5));
            assert!(!shutdown.is_requested());
            assert!(shutdown.watchdog().deadline().is_none());
            // Of a parent that is shutting down, it would be the second signal, which
            // kills the parent's children.
            let task = shutdown.task("slow").phase(Phase::UNBIND);
            ok(task.on_shutdown(|_| park()));
            shutdown.request(Cause::requested("a test"));
            RAISES.store(false, Ordering::Relaxed);
            // SAFETY: `raise` takes an integer.
            unsafe { libc::raise(libc::SIGTERM) };
            thread::sleep(Duration::from_millis(500));
            RAISES.store(true, Ordering::Relaxed);
            ends_by_sigterm(in_child(|| 5));
            thread::sleep(Duration::from_millis(100));
            assert!(child.try_wait().is_none(), "it was killed");
            // `exit` would wait for the task.
            // SAFETY: `_exit` takes an integer.
            unsafe { libc::_exit(3) };
        });
        assert_status(&run(command), 3);
    }

    /// The signals of status reports may be any. Without a shutdown, each does what it does
    /// by default: these are ignored.
    #[test]
    fn status_signal_that_is_ignored_by_default_leaves_a_child_alone() {
        let test = "forks::status_signal_that_is_ignored_by_default_leaves_a_child_alone";
        let command = victim(test, || {
            let signals = [Signal::CHLD, Signal::CONT, Signal::WINCH];
            let builder = Shutdown::builder().grace(LONG);
            let _shutdown = ok(builder.status_signals(signals).install());
            for signal in signals {
                let status = in_child(|| {
                    // SAFETY: `raise` takes an integer.
                    unsafe { libc::raise(signal.number()) };
                    5
                });
                assert!(libc::WIFEXITED(status), "{signal}: {status}");
                assert_eq!(libc::WEXITSTATUS(status), 5, "{signal}");
            }
            std::process::exit(3);
        });
        assert_status(&run(command), 3);
    }

    /// The child's copy of the task returns, and the child ends: it does not go on with the
    /// tasks of its parent.
    #[test]
    fn child_of_a_task_that_forks_runs_no_other_task() {
        let test = "forks::child_of_a_task_that_forks_runs_no_other_task";
        let command = victim(test, || {
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            let forks = shutdown.task("forks").phase(Phase::DRAIN);
            ok(forks.on_shutdown(|_| {
                // SAFETY: both sides return.
                let child = unsafe { libc::fork() };
                if child == 0 {
                    // SAFETY: alarm(2) takes an integer.
                    unsafe { libc::alarm(30) };
                    return;
                }
                let mut status = 0;
                // SAFETY: the pointer is valid for writes.
                unsafe { libc::waitpid(child, &raw mut status, 0) };
                say(&format!("child: {status}"));
            }));
            let commit = shutdown.task("commit").phase(Phase::FLUSH);
            ok(commit.on_shutdown(|_| say("ran commit")));
            shutdown.finish_and_exit();
        });
        let output = run(command);
        assert_status(&output, 0);
        let said = stdout(&output);
        assert_eq!(said.matches("ran commit").count(), 1, "{said}");
        assert!(said.contains("child: 0\n"), "{said}");
    }

    fn command_with_patience(mut command: Command) -> Child {
        command.spawn().expect("it starts")
    }

    #[test]
    fn sigint_ends_a_child_that_has_no_shutdown() {
        let command = victim("forks::sigint_ends_a_child_that_has_no_shutdown", || {
            let _shutdown = ok(Shutdown::builder().grace(LONG).install());
            let status = in_child(|| {
                // SAFETY: `raise` takes an integer.
                unsafe { libc::raise(libc::SIGINT) };
                5
            });
            assert!(libc::WIFSIGNALED(status), "{status}");
            assert_eq!(libc::WTERMSIG(status), libc::SIGINT);
            std::process::exit(3);
        });
        assert_status(&run(command), 3);
    }
}

mod exits {
    use super::*;

    /// How a program that leaves by itself ends.
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

    /// It holds up the end for a second at most.
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
}

mod level_1 {
    use super::*;

    #[test]
    fn deadline_says_one_line() {
        let output = run(victim("level_1::deadline_says_one_line", || {
            ok(Watchdog::builder().grace(Duration::from_secs(2)).install()).arm();
            park();
        }));
        assert_status(&output, 124);
        let said = stderr(&output);
        let line = said
            .lines()
            .find(|line| line.starts_with("deadstop: deadline reached 2."));
        let line = line.unwrap_or_else(|| panic!("{said}"));
        assert!(line.ends_with(" s after arm(); exit status 124"), "{said}");
    }

    #[test]
    fn deadline_says_what_each_thread_does() {
        let test = "level_1::deadline_says_what_each_thread_does";
        let output = run(victim(test, || {
            let watchdog = Watchdog::builder().grace(Duration::from_secs(2));
            let watchdog = ok(watchdog.install());
            let (reader, _writer) = ok(std::os::unix::net::UnixStream::pair());
            let builder = thread::Builder::new().name("consumer".to_owned());
            ok(builder.spawn(move || std::io::read_to_string(reader)));
            watchdog.arm();
            park();
        }));
        assert_status(&output, 124);
        let said = stderr(&output);
        assert!(said.starts_with("deadstop: deadline in 0."), "{said}");
        let consumer = said.lines().find(|line| line.contains("\"consumer\""));
        let reads = consumer.is_some_and(|line| line.contains("reads from descriptor"));
        assert!(reads, "{said}");
    }

    #[test]
    fn deadline_is_silent_where_asked_for() {
        let output = run(victim(
            "level_1::deadline_is_silent_where_asked_for",
            || {
                ok(Watchdog::builder().grace(SHORT).report(false).install()).arm();
                park();
            },
        ));
        assert_status(&output, 124);
        assert!(!stderr(&output).contains("deadstop:"), "{output:?}");
    }

    #[test]
    fn signal_arms_the_watchdog_beside_the_programs_own_handler() {
        extern "C" fn own(_: libc::c_int) {
            say("own handler");
        }
        let test = "level_1::signal_arms_the_watchdog_beside_the_programs_own_handler";
        let victim = victim(test, || {
            // SAFETY: the handler stays valid; that it writes is the test's risk.
            unsafe { libc::signal(libc::SIGTERM, own as *const () as libc::sighandler_t) };
            let builder = Watchdog::builder().grace(SHORT);
            let watchdog = ok(builder.arm_on([Signal::TERM, Signal::INT]).install());
            assert!(watchdog.deadline().is_none());
            say("ready");
            park();
        });
        let output = signaled(victim, "ready", libc::SIGTERM);
        assert_status(&output, 124);
        assert!(stdout(&output).contains("own handler"), "{output:?}");
        let said = stderr(&output);
        assert!(said.contains(" after SIGTERM; exit status 124"), "{said}");
    }
}

/// Handlers of the program run on a stack of the usual size.
#[test]
fn handler_with_a_large_frame_runs_where_signals_are_masked() {
    extern "C" fn large(_: libc::c_int) {
        let frame = [1_u8; 200 * 1024];
        assert_eq!(std::hint::black_box(&frame)[1000], 1);
        say("own handler");
    }
    let test = "handler_with_a_large_frame_runs_where_signals_are_masked";
    let mut command = victim(test, || {
        // SAFETY: the handler stays valid; that it writes is the test's risk.
        unsafe { libc::signal(libc::SIGTERM, large as *const () as libc::sighandler_t) };
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        say("ready");
        let _ = shutdown.wait();
        std::process::exit(5);
    });
    // So that every thread of the victim blocks it, except for `deadstop-signal`.
    // SAFETY: the closure makes three async-signal-safe calls in the child.
    unsafe { command.pre_exec(block_sigterm) };
    let mut child = command.spawn().expect("it starts");
    wait_for(&mut child, "ready");
    send(&child, libc::SIGTERM);
    let output = finish(child);
    assert_status(&output, 5);
    assert!(stdout(&output).contains("own handler"), "{output:?}");
}

/// Blocks SIGTERM in the calling thread. Async-signal-safe.
fn block_sigterm() -> std::io::Result<()> {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the pointer is valid for writes, and the call initializes the set.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set is initialized.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM) };
    // SAFETY: the set is initialized; the old set may be null.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) };
    Ok(())
}
