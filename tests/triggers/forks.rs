//! Children of `fork`.

use super::*;

/// Runs `child` in a child of fork, and returns its wait status.
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

/// The child must not wait for the threads of the pool and the tasks, which only its parent has.
#[test]
fn drain_handles_return_at_once_in_a_child() {
    let command = victim("forks::drain_handles_return_at_once_in_a_child", || {
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
    });
    let output = run(command);
    assert_status(&output, 0);
    assert!(stderr(&output).contains("is a child of fork"), "{output:?}");
}

/// A server forks its workers in this way. The threads of a child reuse the stacks of its
/// parent's threads, some of which waited for a condition during the fork.
#[test]
fn children_that_install_run_their_tasks() {
    let test = "forks::children_that_install_run_their_tasks";
    let command = victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        // After this time, the shutdown's threads wait for work.
        thread::sleep(Duration::from_millis(100));
        for _ in 0..2 {
            let status = in_child(|| {
                let own = ok(Shutdown::builder().grace(LONG).install());
                static DONE: AtomicUsize = AtomicUsize::new(0);
                // Between two phases, the task threads wait.
                for phase in [Phase::DRAIN, Phase::FLUSH, Phase::CLOSE] {
                    for _ in 0..8 {
                        ok(own.task("worker").phase(phase.clone()).on_shutdown(|_| {
                            thread::sleep(Duration::from_millis(20));
                            DONE.fetch_add(1, Ordering::SeqCst);
                        }));
                    }
                }
                let _ = own.finish();
                i32::from(DONE.load(Ordering::SeqCst) != 24)
            });
            assert_eq!(status, 0, "{status:#x}");
        }
        shutdown.finish_and_exit();
    });
    assert_status(&run(command), 0);
}

/// In a child, these calls must return at once and do nothing. Otherwise they would repeat an
/// action of the parent, or wait for a lock or a phase that only the parent ends.
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
        // The parent's handles still work.
        assert!(waker.disable() && removed.cancel() && client.close_now());
        std::process::exit(0);
    });
    let output = run(command);
    assert_status(&output, 0);
    assert_eq!(stdout(&output).matches("closed").count(), 1, "{output:?}");
    assert!(!stdout(&output).contains("woken"), "{output:?}");
}

#[test]
fn child_refuses_tasks_and_prints_the_reason_once() {
    let command = victim(
        "forks::child_refuses_tasks_and_prints_the_reason_once",
        || {
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
        },
    );
    let output = run(command);
    assert_status(&output, 3);
    let said = stderr(&output);
    let lines = said
        .lines()
        .filter(|line| line.contains("is a child of fork"));
    assert_eq!(lines.count(), 1, "{said}");
}

/// Three threads of the parent register and cancel tasks while the parent forks 60 times. Each
/// child installs a shutdown, hangs, and must end at its deadline.
#[test]
fn child_can_install_while_threads_of_its_parent_use_the_shutdown() {
    let command = victim(
        "forks::child_can_install_while_threads_of_its_parent_use_the_shutdown",
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
    let mut child = spawn(command);
    let before = Instant::now();
    while child
        .try_wait()
        .expect("the victim is a child of the test")
        .is_none()
    {
        assert!(before.elapsed() < 8 * PATIENCE, "a child of fork hangs");
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

/// A fork handler that was registered before deadstop's raises SIGTERM in the child, so that
/// deadstop's signal handler runs with the parent's state. The signal must end the child by its
/// default action, and must change nothing in the parent.
#[test]
fn signal_before_the_fork_handler_ends_the_child_and_not_its_parent() {
    let test = "forks::signal_before_the_fork_handler_ends_the_child_and_not_its_parent";
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
        // In a parent that shuts down, this signal would be the second one, which would kill the
        // parent's children.
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
        assert!(
            child.try_wait().is_none(),
            "the signal killed the child process"
        );
        // `exit` would wait for the task.
        // SAFETY: `_exit` takes an integer.
        unsafe { libc::_exit(3) };
    });
    assert_status(&run(command), 3);
}

/// A child of fork has no shutdown. A status signal must have its default action there; these
/// three are ignored by default.
#[test]
fn status_signal_that_is_ignored_by_default_does_not_end_a_child() {
    let test = "forks::status_signal_that_is_ignored_by_default_does_not_end_a_child";
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

/// A task forks and returns in both processes. The child must end then, and must not run the
/// later tasks of its parent.
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

fn spawn(mut command: Command) -> Child {
    command.spawn().expect("the victim starts")
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
