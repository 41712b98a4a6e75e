//! The fault kit, on a program like a user's: every fault strikes where it is
//! planted, by the environment and by code, and the program ends as it should.
//!
//! Each hang has a control: the same, in a program whose grace never ends, is
//! still there long after. The harness that is used here is the kit's own.

#![expect(
    unsafe_code,
    reason = "blocks a signal, which victims are not to inherit"
)]

use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use deadstop::Signal;
use deadstop::fault::{Death, Fault, Victim, VictimBuilder};

/// Long enough for the hang report to be there in time under load: it comes a
/// tenth of this before the deadline.
const GRACE: Duration = Duration::from_millis(1500);

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// How long what should have happened is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

const TASK: &str = "flush the log";

fn app(grace: Duration) -> VictimBuilder {
    Victim::command(env!("CARGO_BIN_EXE_app")).arg(grace.as_millis().to_string())
}

fn endless_app() -> VictimBuilder {
    Victim::command(env!("CARGO_BIN_EXE_app")).arg("endless")
}

/// Starts a victim, and has it begin to stop.
fn stopping(app: VictimBuilder) -> Victim {
    let mut victim = app.start().expect("the app starts");
    let ready = victim.wait_for_line("ready", PATIENCE);
    ready.expect("the app gets ready");
    let sent = victim.signal(Signal::Terminate);
    sent.expect("the app is there");
    victim
}

/// Runs a victim from its request to its end.
fn stopped(app: VictimBuilder) -> Death {
    let death = stopping(app).wait(PATIENCE);
    death.expect("the app ends")
}

/// What an app says that cannot be installed.
fn refused(app: VictimBuilder) -> Death {
    let mut victim = app.start().expect("the app starts");
    let death = victim.wait(PATIENCE).expect("the app ends");
    death.assert_status(2);
    death
}

fn says(death: &Death, line: &str) -> bool {
    death.stdout().lines().any(|said| said == line)
}

fn assert_hung(death: &Death, task: &str) {
    death
        .assert_status(124)
        .assert_not_before(GRACE)
        .assert_names(task);
}

/// Those that hang.
macro_rules! hangs {
    ($($name:ident => $fault:expr,)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn strikes_where_the_environment_plants_it() {
                let death = stopped(app(GRACE).plant(TASK, $fault));
                assert_hung(&death, TASK);
                assert!(!says(&death, "flushed"), "{death}");
            }

            #[test]
            fn strikes_where_the_program_plants_it() {
                let death = stopped(app(GRACE).arg(format!("{TASK}={}", $fault)));
                assert_hung(&death, TASK);
                assert!(!says(&death, "flushed"), "{death}");
            }

            #[test]
            fn is_stuck_in_a_program_without_a_deadline() {
                let mut victim = stopping(endless_app().plant(TASK, $fault));
                let alive = victim.wait(3 * GRACE).expect_err("it is stuck");
                assert!(alive.waited() >= 3 * GRACE, "{alive}");
                assert!(!alive.stdout().contains("flushed"), "{alive}");
            }
        }
    )*};
}

hangs! {
    allocator_lock => Fault::AllocatorLock,
    blocked_pipe_write => Fault::BlockedPipeWrite,
    blocked_read => Fault::BlockedRead,
    child_process => Fault::ChildProcess,
    self_deadlock => Fault::SelfDeadlock,
    sleep => Fault::Sleep,
    spin => Fault::Spin,
    stderr_lock => Fault::StderrLock,
    stdout_lock => Fault::StdoutLock,
}

/// Those that do not.
mod ends {
    use super::*;

    const SLOW: Duration = Duration::from_millis(300);

    #[test]
    fn an_app_without_a_fault_ends_well() {
        let death = stopped(app(LONG));
        death.assert_status(0);
        for line in ["flushed", "closed", "was brief"] {
            assert!(says(&death, line), "{death}");
        }
        assert!(death.stderr().is_empty(), "{death}");
    }

    fn assert_panicked(death: &Death) {
        death.assert_status(1);
        let outcome = "task \"flush the log\" panicked: fault panic: planted";
        assert!(says(death, outcome), "{death}");
        assert!(!says(death, "flushed"), "{death}");
        assert!(says(death, "closed"), "{death}");
    }

    #[test]
    fn a_planted_panic_is_the_tasks_own() {
        assert_panicked(&stopped(app(LONG).plant(TASK, Fault::Panic)));
        assert_panicked(&stopped(app(LONG).arg("flush the log=panic")));
        // The grace has no part in it.
        assert_panicked(&stopped(endless_app().plant(TASK, Fault::Panic)));
    }

    fn assert_slow(death: &Death) {
        death.assert_status(0).assert_not_before(SLOW);
        assert!(says(death, "flushed"), "{death}");
    }

    #[test]
    fn a_slow_task_comes_to_its_end() {
        assert_slow(&stopped(app(LONG).plant(TASK, Fault::Slow(SLOW))));
        assert_slow(&stopped(app(LONG).arg("flush the log=slow(300ms)")));
        assert_slow(&stopped(endless_app().plant(TASK, Fault::Slow(SLOW))));
    }

    #[test]
    fn a_fault_uses_up_the_budget_of_its_task_and_no_more() {
        let death = stopped(app(LONG).plant("be brief", Fault::Sleep));
        death
            .assert_status(1)
            .assert_not_before(Duration::from_millis(100));
        let outcome = "task \"be brief\" over budget, abandoned";
        assert!(says(&death, outcome), "{death}");
        assert!(death.after() < LONG, "{death}");
    }
}

/// Where a fault may be planted.
mod places {
    use super::*;

    #[test]
    fn a_task_of_a_scope_has_its_path() {
        let death = stopped(app(GRACE).plant("/store/close", Fault::Sleep));
        assert_hung(&death, "/store/close");
        assert!(says(&death, "flushed"), "{death}");
    }

    #[test]
    fn a_point_is_part_of_the_task_that_reaches_it() {
        let death = stopped(app(GRACE).plant("the store is half closed", Fault::Sleep));
        assert_hung(&death, "/store/close");
        assert!(!death.names("flush the log"), "{death}");
        assert!(!says(&death, "closed"), "{death}");
    }

    #[test]
    fn the_hang_report_says_that_it_was_planted() {
        let death = stopped(app(GRACE).plant(TASK, Fault::Spin));
        let planted = "says \"planted fault: spin\"";
        assert!(death.stderr().contains(planted), "{death}");
    }

    #[test]
    fn what_is_planted_is_logged_at_install() {
        let planted = app(LONG).plant(TASK, Fault::Slow(Duration::from_millis(1)));
        let death = stopped(planted.plant("be brief", Fault::Panic));
        let line = "WARN: faults are planted: flush the log=slow(1ms); be brief=panic";
        assert!(death.stderr().lines().any(|said| said == line), "{death}");
    }

    #[test]
    fn the_environment_goes_before_the_program() {
        let death = stopped(
            app(LONG)
                .plant(TASK, Fault::Panic)
                .args(["flush the log=sleep", "be brief=panic"]),
        );
        death.assert_status(1);
        for task in [TASK, "be brief"] {
            let outcome = format!("task {task:?} panicked: fault panic: planted");
            assert!(says(&death, &outcome), "{death}");
        }
        // The one that was overruled is not missed.
        assert!(!death.stdout().contains("missed"), "{death}");
    }

    #[test]
    fn a_name_that_nobody_has_is_heard_of_at_the_end() {
        let death = stopped(app(LONG).plant("flsh the log", Fault::Spin));
        death.assert_status(0);
        assert!(says(&death, "missed flsh the log=spin"), "{death}");
        let warned = |line: &str| line.starts_with("WARN") && line.ends_with(": flsh the log=spin");
        let warnings = death.stderr().lines().filter(|line| warned(line)).count();
        // As planted, and as missed.
        assert_eq!(warnings, 2, "{death}");
    }
}

/// The child of `child-process`.
mod endless_child {
    use super::*;

    use std::fs;
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    /// The children of a process, which has some.
    fn children(id: u32) -> Vec<u32> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let tasks = fs::read_dir(format!("/proc/{id}/task")).expect("it is there");
            let children = tasks.flat_map(|task| {
                let path = task.expect("a thread").path().join("children");
                let text = fs::read_to_string(path).unwrap_or_default();
                let ids = text.split_whitespace().map(|id| id.parse().expect("an id"));
                ids.collect::<Vec<_>>()
            });
            let children: Vec<_> = children.collect();
            if !children.is_empty() {
                return children;
            }
            assert!(Instant::now() < patience, "process {id} has no child");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn until(what: &str, holds: impl Fn() -> bool) {
        let patience = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < patience, "{what}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Not by the harness, which would kill it.
    #[test]
    fn holds_no_file_and_dies_with_the_process() {
        let mut command = Command::new(env!("CARGO_BIN_EXE_app"));
        let command = command
            .arg("endless")
            .env("DEADSTOP_FAULT", "flush the log=child-process")
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut app = command.spawn().expect("the app starts");
        let stdout = app.stdout.take().expect("stdout is piped");
        let mut lines = BufReader::new(stdout).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line == "ready")));
        let kill = |signal: &str, id: u32| {
            let mut kill = Command::new("kill");
            let sent = kill.args([signal, &id.to_string()]).status();
            assert!(sent.is_ok_and(|status| status.success()), "kill(1)");
        };
        kill("-TERM", app.id());
        let child = children(app.id())[0];
        let files = || fs::read_dir(format!("/proc/{child}/fd")).map(Iterator::count);
        until("it holds files", || files().is_ok_and(|files| files == 0));
        // What can be blocked, it does not hear.
        kill("-TERM", child);
        kill("-INT", child);
        app.kill().expect("the app is there");
        app.wait().expect("the app is ours");
        let stat = || fs::read_to_string(format!("/proc/{child}/stat"));
        until("it is still there", || {
            stat().map_or(true, |stat| stat.contains(") Z "))
        });
    }
}

/// Texts that make no sense.
mod errors {
    use super::*;

    fn says_why(fault: &str) -> String {
        let death = refused(app(LONG).env("DEADSTOP_FAULT", fault));
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
}

/// The harness itself.
mod harness {
    use super::*;

    fn sh(script: &str) -> VictimBuilder {
        Victim::command("sh").args(["-c", script])
    }

    fn start(builder: VictimBuilder) -> Victim {
        builder.start().expect("the victim starts")
    }

    /// Whether a process of this number is there, and not a zombie.
    fn is_there(id: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    }

    fn assert_goes(id: u32) {
        let patience = Instant::now() + PATIENCE;
        while is_there(id) {
            assert!(Instant::now() < patience, "process {id} is still there");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The number in a line that begins with `word`.
    fn number(victim: &mut Victim, word: &str) -> u32 {
        let line = victim.wait_for_line(word, PATIENCE).expect("it says it");
        let number = line.rsplit(' ').next().map(str::parse);
        number.expect("a word").expect("a number")
    }

    #[test]
    fn a_victim_is_waited_for_without_a_bound_if_need_be() {
        let mut victim = start(sh("echo ready; exit 6"));
        let line = victim.wait_for_line("ready", Duration::MAX);
        assert_eq!(line.expect("it is said"), "ready");
        let death = victim.wait(Duration::MAX).expect("it ends");
        death.assert_status(6);
        assert_eq!(death.code(), Some(6));
        assert_eq!(death.signal(), None);
    }

    #[test]
    fn what_a_test_holds_goes_to_any_thread() {
        fn goes<T: Send + Sync + std::fmt::Debug + 'static>() {}
        goes::<Victim>();
        goes::<VictimBuilder>();
        goes::<Death>();
        goes::<deadstop::fault::StillAlive>();
        goes::<deadstop::fault::NotSaid>();
    }

    #[test]
    fn a_victim_that_is_dropped_is_gone_with_its_children() {
        let mut victim = start(sh("sleep 600 & echo child $!; wait"));
        let child = number(&mut victim, "child");
        let id = victim.id();
        assert!(is_there(id) && is_there(child));
        drop(victim);
        assert!(!is_there(id));
        assert_goes(child);
    }

    #[test]
    fn a_victim_that_ends_takes_its_children_along() {
        let mut victim = start(sh("sleep 600 & echo child $!"));
        let child = number(&mut victim, "child");
        let death = victim.wait(PATIENCE).expect("it ends");
        death.assert_status(0);
        assert_goes(child);
    }

    #[test]
    fn a_victim_outlives_the_thread_that_started_it() {
        let started = std::thread::spawn(|| start(sh("sleep 0.3; echo done; exit 7")));
        let mut victim = started.join().expect("the thread ends");
        let death = victim.wait(PATIENCE).expect("it ends");
        death.assert_status(7);
        assert!(says(&death, "done"), "{death}");
    }

    #[test]
    fn a_victim_dies_with_the_process_that_started_it() {
        // A victim whose victim is `sleep`: itself, run again.
        let this = std::env::current_exe().expect("it has a path");
        let mut parent = start(
            Victim::command(this)
                .args(["--ignored", "--exact", "--nocapture"])
                .arg("harness::starts_a_victim_and_is_killed"),
        );
        let child = number(&mut parent, "child");
        assert!(is_there(child));
        parent
            .signal(Signal::Other(9))
            .expect("the parent is there");
        let death = parent.wait(PATIENCE).expect("it ends");
        death.assert_signal(Signal::Other(9));
        assert_goes(child);
    }

    #[test]
    #[ignore = "the other half of a_victim_dies_with_the_process_that_started_it"]
    fn starts_a_victim_and_is_killed() {
        use std::io::Write;

        let mut victim = start(Victim::command("sleep").arg("600"));
        let line = format!("child {}\n", victim.id());
        let said = std::io::stdout().write_all(line.as_bytes());
        said.expect("somebody reads");
        // For as long as nobody kills it, and no longer than a test may last.
        let _ = victim.wait(PATIENCE);
    }

    #[test]
    fn output_without_end_blocks_nobody_and_is_bounded() {
        let mut victim = start(sh(
            "head -c 50000000 /dev/zero | tr '\\0' x; head -c 50000000 /dev/zero >&2; exit 3",
        ));
        let death = victim.wait(PATIENCE).expect("it ends");
        death.assert_status(3);
        for text in [death.stdout(), death.stderr()] {
            assert!(text.len() < 1_000_000, "{}", text.len());
            assert!(text.contains("bytes are left out here"));
        }
    }

    #[test]
    fn the_time_is_counted_from_the_first_signal() {
        let mut victim = start(sh(
            "trap 'sleep 0.4; exit 5' TERM; echo ready; sleep 600 & wait",
        ));
        let ready = victim.wait_for_line("ready", PATIENCE);
        ready.expect("it gets ready");
        let before = Instant::now();
        victim.signal(Signal::Terminate).expect("it is there");
        std::thread::sleep(Duration::from_millis(200));
        victim.signal(Signal::Terminate).expect("it is there");
        let death = victim.wait(PATIENCE).expect("it ends");
        let at_most = before.elapsed();
        death.assert_status(5);
        death.assert_not_before(Duration::from_millis(400));
        assert!(death.after() <= at_most, "{death}");
        let late = death.lateness(Duration::from_millis(400));
        assert_eq!(late, death.after() - Duration::from_millis(400));
        assert_eq!(death.lateness(PATIENCE), Duration::ZERO);
        // Its number may be somebody else's from here on.
        assert!(victim.signal(Signal::Terminate).is_err());
        // Who asks again is told the same.
        let again = victim.wait(Duration::ZERO).expect("it has ended");
        assert_eq!(again.after(), death.after());
    }

    #[test]
    fn a_line_that_does_not_come_is_an_error_that_says_what_did() {
        let mut victim = start(sh("echo nearly; sleep 600"));
        victim
            .wait_for_line("nearly", PATIENCE)
            .expect("it is said");
        let waited = Duration::from_millis(200);
        let before = Instant::now();
        let error = victim.wait_for_line("ready", waited);
        let error = error.expect_err("nobody says so").to_string();
        assert!(before.elapsed() >= waited);
        for part in ["has not said \"ready\"", "still there", "stdout:\nnearly"] {
            assert!(error.contains(part), "{error}");
        }
        // Who ends without it is not waited for.
        let mut victim = start(sh("echo sorry >&2; exit 4"));
        let error = victim.wait_for_line("ready", LONG).expect_err("it ends");
        let error = error.to_string();
        assert!(error.contains("stderr:\nsorry"), "{error}");
    }

    #[test]
    fn an_assertion_that_fails_says_all_there_is() {
        let mut victim = start(sh("echo out; echo err >&2; exit 4").plant("a", Fault::Spin));
        let death = victim.wait(PATIENCE).expect("it ends");
        let failed = std::panic::catch_unwind(|| death.assert_status(124).code());
        let failed = failed.expect_err("the status is another");
        let text = failed.downcast_ref::<String>().expect("a text");
        for part in [
            "did not end with status 124",
            "DEADSTOP_FAULT=\"a=spin\" sh \"-c\"",
            "ended by exit status: 4",
            "after it was started",
            "stdout:\nout\n",
            "stderr:\nerr\n",
        ] {
            assert!(text.contains(part), "{text}");
        }
        let fails = |assert: fn(&Death) -> &Death| {
            std::panic::catch_unwind(|| assert(&death).code()).is_err()
        };
        assert!(fails(|death| death.assert_names("a")));
        assert!(fails(|death| death.assert_not_before(LONG)));
        assert!(fails(|death| death.assert_signal(Signal::Terminate)));
    }

    #[test]
    fn a_victim_inherits_no_fault_unless_it_is_told_to() {
        let ask = "echo \"<$DEADSTOP_FAULT>\"";
        let said = |inner: VictimBuilder| {
            let death = start(inner).wait(PATIENCE).expect("it ends");
            death.stdout().trim_end().to_owned()
        };
        assert_eq!(said(sh(ask)), "<>");
        assert_eq!(said(sh(ask).env("DEADSTOP_FAULT", "own")), "<own>");
        let planted = sh(ask).plant("a b", Fault::Spin).plant("/c", Fault::Panic);
        assert_eq!(said(planted), "<a b=spin;/c=panic>");
        // And of a command that inherits one: this very process's environment.
        let mut command = std::process::Command::new("sh");
        command.args(["-c", ask]);
        assert_eq!(said(VictimBuilder::from(command)), "<>");
    }

    #[test]
    fn a_fault_that_cannot_be_written_down_is_an_error() {
        for name in ["a=b", "a;b", "", " a", "a ", " "] {
            let error = sh("").plant(name, Fault::Spin).start();
            let error = error.expect_err("it cannot be planted");
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{name:?}");
        }
        let twice = sh("").plant("a", Fault::Spin).plant("a", Fault::Panic);
        assert!(twice.start().is_err());
        let missing = Victim::command("/no/such/program").start();
        assert!(missing.is_err());
    }

    /// Blocks it in the calling thread, and in those that it starts.
    fn block_sigterm() {
        let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
        // SAFETY: the pointer is valid for writes.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: the set is initialised.
        unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM) };
        // SAFETY: the first pointer is valid for reads, the second may be null.
        let blocked =
            unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) };
        assert_eq!(blocked, 0, "pthread_sigmask");
    }

    #[test]
    fn a_victim_hears_signals_whatever_the_test_blocks() {
        block_sigterm();
        let mut victim = start(sh("echo ready; sleep 600"));
        let ready = victim.wait_for_line("ready", PATIENCE);
        ready.expect("it gets ready");
        victim.signal(Signal::Terminate).expect("it is there");
        let death = victim.wait(PATIENCE).expect("it ends");
        death.assert_signal(Signal::Terminate);
    }
}
