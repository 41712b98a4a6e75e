//! Side effects of deadstop on other processes and other code: readers of its standard error,
//! programs that it starts, its terminal, the program's own `sigwait`, and several shutdowns in
//! one test process.
//!
//! Each scenario is a function in this file. The test starts this program again as its victim,
//! with the name of the scenario.

#![expect(unsafe_code, reason = "replaces descriptors, forks, and sends signals")]
#![expect(clippy::exit, reason = "how a program exits is part of a scenario")]

use std::fmt::Debug;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Output};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

#[cfg(feature = "stacks")]
#[path = "harness/memory_limit.rs"]
mod memory_limit;
#[path = "harness/self_victim.rs"]
mod self_victim;
#[path = "harness/skip.rs"]
mod skip;

use deadstop::report::{Progress, Sinks};
use deadstop::{Cause, Panics, Shutdown, Signal};

use self_victim::{PATIENCE, finish, park, run, say, send, victim};
use skip::skip;

const LONG: Duration = Duration::from_secs(20);

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn ok<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("install succeeds")
}

mod exec {
    use super::*;

    const GRACE: Duration = Duration::from_millis(600);
    /// Longer than the grace and the delay of the backup timer.
    const SCRIPT: &str = "sleep 2; exit 7";

    /// Runs a victim that arms, and then does `next`. Returns its end and how long it took.
    fn armed(test: &str, next: impl FnOnce(Command)) -> (Output, Duration) {
        let command = victim(test, || {
            let builder = deadstop::Watchdog::builder().grace(GRACE);
            // Load must not change the status.
            let watchdog = ok(builder.backup_after(GRACE).install());
            watchdog.arm();
            let mut shell = Command::new("sh");
            shell.args(["-c", SCRIPT]);
            next(shell);
        });
        let begun = Instant::now();
        (run(command), begun.elapsed())
    }

    /// By `execve(2)` and `timer_create(2)`, threads and timers end.
    #[test]
    fn ends_an_armed_deadline() {
        let (output, length) = armed("exec::ends_an_armed_deadline", |mut shell| {
            let error = shell.exec();
            panic!("exec: {error}");
        });
        assert_eq!(output.status.code(), Some(7), "{output:?}");
        assert!(length >= Duration::from_secs(2), "{length:?}");
    }

    /// The control: the same program, started as a child.
    #[test]
    fn of_a_child_leaves_the_deadline() {
        let (output, length) = armed("exec::of_a_child_leaves_the_deadline", |mut shell| {
            let _ = shell.status();
        });
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        assert!(length >= GRACE, "too early: {length:?}");
    }
}

mod standard_error {
    use super::*;
    use std::fs;
    use std::os::fd::IntoRawFd;
    use std::path::{Path, PathBuf};

    /// Returns `true` if the reader of the victim's standard error sees its end while the victim
    /// lives.
    fn ends(test: &str, progress: Progress) -> bool {
        let mut command = victim(test, || {
            let sinks = Sinks::new().stderr(false);
            let builder = Shutdown::builder().progress(progress).sinks(sinks);
            let _shutdown = ok(builder.install());
            let null = ok(File::options().read(true).write(true).open("/dev/null"));
            for number in 0..3 {
                // SAFETY: two descriptors; this is what daemons do.
                assert_eq!(unsafe { libc::dup2(null.as_raw_fd(), number) }, number);
            }
            park();
        });
        let mut child = command.spawn().expect("it starts");
        let mut stderr = child.stderr.take().expect("piped");
        let (end, is_there) = mpsc::channel();
        thread::spawn(move || {
            let _ = stderr.read_to_end(&mut Vec::new());
            let _ = end.send(());
        });
        let ended = is_there.recv_timeout(PATIENCE).is_ok();
        assert!(child.try_wait().expect("its own child").is_none());
        send(&child, libc::SIGKILL);
        child.wait().expect("its own child");
        ended
    }

    #[test]
    fn reader_sees_the_end_where_a_daemon_lets_go_of_it() {
        let test = "standard_error::reader_sees_the_end_where_a_daemon_lets_go_of_it";
        assert!(ends(test, Progress::Auto));
    }

    /// Makes standard error a socket whose reader is gone, in a program that has left SIGPIPE
    /// at its default action.
    fn lose_the_reader() {
        // SAFETY: the default action runs no code.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let (ours, reader) = ok(std::os::unix::net::UnixStream::pair());
        // SAFETY: two descriptors.
        assert_eq!(unsafe { libc::dup2(ours.as_raw_fd(), 2) }, 2);
        drop(reader);
    }

    /// Makes standard error a file that takes nothing more.
    fn fill_the_file() {
        // SAFETY: the default action runs no code.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_DFL) };
        let file = ok(tempfile());
        // SAFETY: two descriptors.
        assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 2) }, 2);
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: 0,
        };
        // SAFETY: the pointer is valid for reads.
        let limited = unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const none) };
        assert_eq!(limited, 0);
    }

    fn tempfile() -> std::io::Result<File> {
        let name = format!("deadstop-surroundings-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let file = File::create(&path)?;
        fs::remove_file(path)?;
        Ok(file)
    }

    /// Sends two signals, and lets a task hang. The handler reports the second signal.
    fn hang_without_standard_error(test: &str, prepare: fn()) -> Output {
        run(victim(test, || {
            prepare();
            let builder = Shutdown::builder().grace(Duration::from_secs(1));
            let shutdown = ok(builder.install());
            ok(shutdown.task("hang").on_shutdown(|_| park()));
            for _ in 0..2 {
                // SAFETY: `raise` takes an integer.
                assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0);
                thread::sleep(Duration::from_millis(400));
            }
            say("alive after two signals");
            let _ = shutdown.wait();
        }))
    }

    #[test]
    fn without_a_reader_does_not_end_the_process_early() {
        let test = "standard_error::without_a_reader_does_not_end_the_process_early";
        let output = hang_without_standard_error(test, lose_the_reader);
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        assert!(
            said(&output).contains("alive after two signals"),
            "{output:?}"
        );
    }

    #[test]
    fn that_is_full_does_not_end_the_process_early() {
        let test = "standard_error::that_is_full_does_not_end_the_process_early";
        let output = hang_without_standard_error(test, fill_the_file);
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        assert!(
            said(&output).contains("alive after two signals"),
            "{output:?}"
        );
    }

    /// An empty folder for one test and its victim.
    fn folder(name: &str) -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
    }

    /// Runs a victim that hangs in `prepare` and after it, and returns its end with the texts
    /// of the files `old` and `new` in `folder`.
    fn hang_beside_files(test: &str, name: &str, prepare: fn(&Path)) -> (Output, [String; 2]) {
        let folder = folder(name);
        let mut command = victim(test, || {
            let handler: extern "C" fn(i32) = dump_stacks;
            // SAFETY: the handler makes one write(2).
            unsafe { libc::signal(libc::SIGUSR2, handler as libc::sighandler_t) };
            let builder = Shutdown::builder().grace(Duration::from_secs(1));
            let builder = builder.stack_dump_signal(Signal::USR2);
            let shutdown = ok(builder.progress(Progress::Stderr).install());
            prepare(&folder);
            ok(shutdown.task("hang").on_shutdown(|_| park()));
            let _ = shutdown.finish();
        });
        let _ = fs::remove_dir_all(&folder);
        ok(fs::create_dir(&folder));
        let old = ok(File::options()
            .create(true)
            .append(true)
            .open(folder.join("old")));
        command.stderr(old);
        let output = run(command);
        let texts = ["old", "new"].map(|it| fs::read_to_string(folder.join(it)));
        let texts = texts.map(Result::unwrap_or_default);
        let _ = fs::remove_dir_all(&folder);
        assert_eq!(output.status.code(), Some(124), "{output:?} {texts:?}");
        (output, texts)
    }

    /// As `faulthandler` of Python.
    extern "C" fn dump_stacks(_signal: i32) {
        // SAFETY: the pointer is valid for reads of the length given.
        unsafe { libc::write(2, b"stacks\n".as_ptr().cast(), 7) };
    }

    /// Makes a file standard error, as a program that rotates its log does.
    fn replace_by(file: &File) {
        // SAFETY: two descriptors.
        assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 2) }, 2);
    }

    /// Closes standard error, and opens a file, which gets its number.
    fn reuse_for(options: &fs::OpenOptions, path: &Path) {
        // SAFETY: no code of this process writes to it from here on but what is tested.
        unsafe { libc::close(2) };
        let file = ok(options.open(path)).into_raw_fd();
        assert_eq!(file, 2);
    }

    fn is_reported(text: &str) -> bool {
        text.contains("deadstop: shutdown begins") && text.contains("end of hang report 1")
    }

    #[test]
    fn that_the_program_has_replaced_has_lines_and_reports() {
        let test = "standard_error::that_the_program_has_replaced_has_lines_and_reports";
        let (_, [old, new]) = hang_beside_files(test, "replaced", |folder| {
            let mut options = File::options();
            let new = ok(options.create(true).append(true).open(folder.join("new")));
            replace_by(&new);
        });
        assert!(is_reported(&new), "{old} {new}");
        assert!(new.contains("stacks\n"), "{new}");
        assert_eq!(old, "");
    }

    /// The kernel does not say that it is no standard error, except by its access mode.
    #[test]
    fn that_was_replaced_by_a_database_is_not_written_to() {
        let test = "standard_error::that_was_replaced_by_a_database_is_not_written_to";
        let (_, [old, new]) = hang_beside_files(test, "database", |folder| {
            let mut options = File::options();
            let options = options.read(true).append(true).create(true);
            replace_by(&ok(options.open(folder.join("new"))));
        });
        assert!(old.contains("end of hang report 1"), "{old}");
        assert_eq!(new, "");
    }

    #[test]
    fn whose_number_goes_to_a_file_is_not_written_to() {
        let test = "standard_error::whose_number_goes_to_a_file_is_not_written_to";
        let (_, [old, new]) = hang_beside_files(test, "reused", |folder| {
            let mut options = File::options();
            reuse_for(options.append(true).create(true), &folder.join("new"));
        });
        assert!(old.contains("end of hang report 1"), "{old}");
        assert_eq!(new, "");
    }

    /// Closes all descriptors but the first three, as programs do before they start others.
    #[test]
    fn has_the_report_although_the_program_closed_all_other_descriptors() {
        let test =
            "standard_error::has_the_report_although_the_program_closed_all_other_descriptors";
        let (_, [old, _]) = hang_beside_files(test, "others", |_| {
            // SAFETY: no code of this process uses one from here on but what is tested.
            let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
            assert_eq!(closed, 0);
        });
        assert!(is_reported(&old), "{old}");
    }

    #[test]
    fn has_the_report_without_a_free_descriptor() {
        let test = "standard_error::has_the_report_without_a_free_descriptor";
        let (_, [old, _]) = hang_beside_files(test, "free", |_| limit_descriptors(3));
        assert!(is_reported(&old), "{old}");
    }

    /// A sandbox may set this limit. poll(2) then refuses to wait for even one descriptor.
    #[test]
    fn has_the_report_where_no_descriptor_may_be_open() {
        let test = "standard_error::has_the_report_where_no_descriptor_may_be_open";
        let (_, [old, _]) = hang_beside_files(test, "zero", |_| limit_descriptors(0));
        assert!(is_reported(&old), "{old}");
    }

    #[test]
    fn that_is_a_pipe_has_the_report_where_no_descriptor_may_be_open() {
        let test = "standard_error::that_is_a_pipe_has_the_report_where_no_descriptor_may_be_open";
        let output = run(victim(test, || {
            let builder = Shutdown::builder().grace(Duration::from_secs(1));
            let shutdown = ok(builder.install());
            limit_descriptors(0);
            ok(shutdown.task("hang").on_shutdown(|_| park()));
            let _ = shutdown.finish();
        }));
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("end of hang report 1"), "{text}");
    }

    #[test]
    fn has_the_report_where_none_was_free_at_install() {
        let test = "standard_error::has_the_report_where_none_was_free_at_install";
        let output = run(victim(test, || {
            limit_descriptors(3);
            let builder = Shutdown::builder().grace(Duration::from_secs(1));
            let shutdown = ok(builder.progress(Progress::Stderr).install());
            ok(shutdown.task("hang").on_shutdown(|_| park()));
            let _ = shutdown.finish();
        }));
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(is_reported(&text), "{text}");
    }

    fn limit_descriptors(number: u64) {
        let limit = libc::rlimit {
            rlim_cur: number,
            rlim_max: number,
        };
        // SAFETY: the pointer is valid for reads.
        let limited = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
        assert_eq!(limited, 0);
    }

    /// The exit handler writes a line on the thread that exits.
    #[test]
    fn without_a_reader_leaves_the_exit_status() {
        let test = "standard_error::without_a_reader_leaves_the_exit_status";
        let output = run(victim(test, || {
            lose_the_reader();
            let shutdown = ok(Shutdown::builder().install());
            ok(shutdown.task("never requested").on_shutdown(|_| {}));
            std::process::exit(7);
        }));
        assert_eq!(output.status.code(), Some(7), "{output:?}");
    }
}

/// A program with more rights than its caller.
mod set_user_id {
    use super::*;
    use std::ffi::CString;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    /// The caller of the program.
    const OTHER: u32 = 54_327;

    /// The caller passes a descriptor of a file that it may not open. Standard error is
    /// opened anew where it is a pipe, and the program, which is root's, may open this one.
    #[test]
    fn standard_error_is_not_opened_with_rights_that_the_caller_does_not_have() {
        let test =
            "set_user_id::standard_error_is_not_opened_with_rights_that_the_caller_does_not_have";
        let started = victim(test, || {
            let builder = Shutdown::builder().grace(Duration::from_secs(1));
            let shutdown = ok(builder.install());
            ok(shutdown.task("hang").on_shutdown(|_| park()));
            let _ = shutdown.finish();
        });
        // SAFETY: no precondition.
        if unsafe { libc::geteuid() } != 0 {
            return skip("only root can make a set-user-ID program");
        }
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("set-user-id");
        let _ = fs::remove_dir_all(&folder);
        ok(fs::create_dir(&folder));
        let program = folder.join("program");
        ok(fs::copy(started.get_program(), &program));
        ok(fs::set_permissions(
            &program,
            fs::Permissions::from_mode(0o4755),
        ));
        let fifo = folder.join("fifo");
        let name = ok(CString::new(fifo.as_os_str().as_bytes()));
        // SAFETY: the pointer is to a text that ends with zero.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        let open = |flags| ok(File::options().read(true).custom_flags(flags).open(&fifo));
        let mut reader = open(libc::O_NONBLOCK);
        let mut command = Command::new(&program);
        command.args(started.get_args());
        for (name, value) in started.get_envs() {
            command.env(name, value.unwrap_or_default());
        }
        command.stdout(std::process::Stdio::piped()).uid(OTHER);
        command.stderr(open(libc::O_PATH));
        let output = run(command);
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        let mut report = Vec::new();
        let read = reader.read_to_end(&mut report);
        assert!(
            report.is_empty(),
            "{read:?} {}",
            String::from_utf8_lossy(&report)
        );
        let _ = fs::remove_dir_all(&folder);
    }
}

mod masks {
    use super::*;

    fn blocked_of_a_child(command: &mut Command) -> String {
        let output = command.output().expect("grep starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        said.trim().trim_start_matches("SigBlk:\t").to_owned()
    }

    fn grep() -> Command {
        // No shell: dash clears its mask.
        let mut command = Command::new("grep");
        command.args(["SigBlk", "/proc/self/status"]);
        command
    }

    struct StartsAProgram;

    impl log::Log for StartsAProgram {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            if record.args().to_string().contains("shutdown begins") {
                say(&format!("logger: {}", blocked_of_a_child(&mut grep())));
            }
        }
        fn flush(&self) {}
    }

    extern "C" fn at_exit() {
        say(&format!(
            "exit handler: {}",
            blocked_of_a_child(&mut grep())
        ));
    }

    #[test]
    fn programs_started_by_a_logger_and_an_exit_handler_have_no_signal_blocked() {
        let test = "masks::programs_started_by_a_logger_and_an_exit_handler_have_no_signal_blocked";
        let output = run(victim(test, || {
            static LOG: StartsAProgram = StartsAProgram;
            ok(log::set_logger(&LOG));
            log::set_max_level(log::LevelFilter::Info);
            // SAFETY: the function stays valid and does not unwind.
            unsafe { libc::atexit(at_exit) };
            let builder = Shutdown::builder().grace(LONG).progress(Progress::Log);
            let shutdown = ok(builder.when_done(deadstop::WhenDone::Exit).install());
            ok(shutdown.task("a task").on_shutdown(|_| {
                say(&format!("task: {}", blocked_of_a_child(&mut grep())));
            }));
            shutdown.request(Cause::requested("a test"));
            // The coordinator's thread exits.
            park();
        }));
        let said = said(&output);
        for who in ["logger", "task", "exit handler"] {
            let line = format!("{who}: 0000000000000000");
            assert!(said.contains(&line), "{who}: {output:?}");
        }
    }

    #[test]
    fn unmasked_child_keeps_blocked_what_was_blocked_before_install() {
        let test = "masks::unmasked_child_keeps_blocked_what_was_blocked_before_install";
        let mut command = victim(test, || {
            let builder = Shutdown::builder().grace(LONG).block_signals(true);
            let _shutdown = ok(builder.install());
            say(&format!("plain: {}", blocked_of_a_child(&mut grep())));
            let mut unmasked = grep();
            deadstop::signals::unblock_signals(&mut unmasked);
            say(&format!("unmasked: {}", blocked_of_a_child(&mut unmasked)));
            std::process::exit(0);
        });
        let block_hup = || {
            block(libc::SIGHUP);
            Ok(())
        };
        // SAFETY: the closure makes async-signal-safe calls in the child.
        unsafe { command.pre_exec(block_hup) };
        let output = run(command);
        let said = said(&output);
        // SIGHUP is bit 0, SIGINT 1, SIGTERM 14.
        assert!(said.contains("plain: 0000000000004003"), "{output:?}");
        assert!(said.contains("unmasked: 0000000000000001"), "{output:?}");
    }
}

/// Blocks a signal in the calling thread. Async-signal-safe.
fn block(signal: i32) -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: `sigemptyset` has initialized it.
    let mut set = unsafe { set.assume_init() };
    // SAFETY: an initialized set and a signal.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    // SAFETY: an initialized set; the old one is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    set
}

mod own_wait {
    use super::*;

    /// A program that takes SIGTERM by sigwait, and says so to deadstop or not.
    fn waits(test: &str, hands_over: bool) -> Output {
        run(victim(test, || {
            let set = block(libc::SIGTERM);
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            let protection = shutdown.watchdog().protection();
            assert_eq!(protection.blocked_signals(), [Signal::TERM]);
            let warnings = protection.warnings();
            let warns = |text: &String| text.contains("SIGTERM") && text.contains("sigwait");
            assert!(warnings.iter().any(warns), "{warnings:?}");
            // The signal goes to this thread, so that no other thread can take it.
            // SAFETY: `raise` takes an integer.
            assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0);
            let mut heard = 0;
            // SAFETY: both pointers are valid.
            assert_eq!(unsafe { libc::sigwait(&raw const set, &raw mut heard) }, 0);
            if hands_over {
                shutdown.notify_signal(Signal::TERM, None);
                let _ = shutdown.wait();
                say(&format!("cause: {:?}", shutdown.cause()));
            }
            say(&format!("requested: {}", shutdown.is_requested()));
            std::process::exit(0);
        }))
    }

    #[test]
    fn sigwait_is_warned_of_and_can_hand_the_signal_over() {
        let test = "own_wait::sigwait_is_warned_of_and_can_hand_the_signal_over";
        let output = waits(test, true);
        assert!(said(&output).contains("requested: true"), "{output:?}");
        assert!(said(&output).contains("SIGTERM"), "{output:?}");
    }

    /// The control.
    #[test]
    fn sigwait_that_hands_nothing_over_begins_no_shutdown() {
        let test = "own_wait::sigwait_that_hands_nothing_over_begins_no_shutdown";
        let output = waits(test, false);
        assert!(said(&output).contains("requested: false"), "{output:?}");
    }
}

mod one_process {
    use super::*;

    /// Unit tests may start a program twice in one process.
    #[test]
    fn detached_shutdowns_run_side_by_side_and_arm_nothing() {
        let shutdowns: Vec<_> = (0..3)
            .map(|_| ok(Shutdown::builder().grace(LONG).detached()))
            .collect();
        let (done, is_done) = mpsc::channel();
        for (n, shutdown) in shutdowns.iter().enumerate() {
            let done = done.clone();
            ok(shutdown.task("close").on_shutdown(move |_| done.send(n)));
        }
        for shutdown in shutdowns.iter().rev() {
            let _ = shutdown.finish();
            assert!(shutdown.watchdog().deadline().is_none());
        }
        drop(done);
        let order: Vec<_> = is_done.iter().collect();
        assert_eq!(order, [2, 1, 0]);
        assert!(Shutdown::installed().is_none());
    }

    /// `install` in a launcher that then goes into the background.
    #[test]
    fn daemon_that_was_forked_after_install_says_that_nothing_protects_it() {
        let test =
            "one_process::daemon_that_was_forked_after_install_says_that_nothing_protects_it";
        says_that_nothing_protects_it(test, Panics::Ignore, |shutdown| {
            let refused = shutdown.task("in the daemon").on_shutdown(|_| ());
            assert!(refused.is_err());
            assert!(!shutdown.watchdog().protection().watchdog());
            let _ = shutdown.wait();
        });
    }

    #[test]
    fn panic_of_a_forked_daemon_says_that_nothing_protects_it() {
        let test = "one_process::panic_of_a_forked_daemon_says_that_nothing_protects_it";
        says_that_nothing_protects_it(test, Panics::Shutdown, |_| {
            let caught = std::panic::catch_unwind(|| panic!("of the daemon"));
            assert!(caught.is_err());
        });
    }

    /// Runs `daemon` in a child of `fork` of a process with a shutdown.
    fn says_that_nothing_protects_it(test: &str, panics: Panics, daemon: fn(&Shutdown)) {
        let output = run(victim(test, || {
            let shutdown = ok(Shutdown::builder().grace(LONG).panics(panics).install());
            // SAFETY: the child makes calls that the documentation allows there.
            let child = unsafe { libc::fork() };
            if child > 0 {
                let mut status = 0;
                // SAFETY: its own child, and a pointer that is valid.
                unsafe { libc::waitpid(child, &raw mut status, 0) };
                std::process::exit(libc::WEXITSTATUS(status));
            }
            daemon(&shutdown);
            // `std::process::exit` may wait for a lock that a starting thread of the parent had.
            // SAFETY: an integer.
            unsafe { libc::_exit(3) };
        }));
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let line = "is a child of fork and has no watchdog and no shutdown; call install after";
        assert_eq!(stderr.matches(line).count(), 1, "{stderr}");
    }
}

mod terminal {
    use super::*;

    /// The end of a victim in raw mode.
    #[derive(Clone, Copy)]
    enum End {
        Deadline,
        SecondInterrupt,
        Clean,
    }

    fn attributes(terminal: &OwnedFd) -> libc::termios {
        let mut attributes = std::mem::MaybeUninit::<libc::termios>::zeroed();
        // SAFETY: a descriptor, and a pointer that is valid for writes.
        let read = unsafe { libc::tcgetattr(terminal.as_raw_fd(), attributes.as_mut_ptr()) };
        assert_eq!(read, 0, "tcgetattr");
        // SAFETY: zeroed, and now written.
        unsafe { attributes.assume_init() }
    }

    /// A pseudo-terminal: the test's end and the victim's end.
    fn pair() -> (OwnedFd, OwnedFd) {
        let (mut ours, mut theirs) = (0, 0);
        let (name, attributes, size) = (std::ptr::null_mut(), std::ptr::null(), std::ptr::null());
        // SAFETY: two pointers valid for writes, and three that may be null.
        let opened =
            unsafe { libc::openpty(&raw mut ours, &raw mut theirs, name, attributes, size) };
        assert_eq!(opened, 0, "openpty");
        for number in [ours, theirs] {
            // SAFETY: two integers. The victim gets a copy without this.
            unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
        // SAFETY: open, and owned by nothing else.
        let ours = unsafe { OwnedFd::from_raw_fd(ours) };
        // SAFETY: as above.
        let theirs = unsafe { OwnedFd::from_raw_fd(theirs) };
        (ours, theirs)
    }

    /// Runs a program that switches its terminal to raw mode, and returns whether
    /// the terminal echoes after its end, and how it ended.
    fn echoes_after(test: &str, end: End, restores: bool) -> (bool, Output) {
        let mut command = victim(test, || {
            let builder = Shutdown::builder().grace(match end {
                End::Deadline => Duration::from_millis(600),
                _ => LONG,
            });
            let shutdown = ok(builder.install());
            if restores {
                assert!(shutdown.keep_terminal());
            }
            let mut raw = attributes(&ok(
                std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned()
            ));
            // SAFETY: initialized attributes.
            unsafe { libc::cfmakeraw(&raw mut raw) };
            // The key for SIGINT still works.
            raw.c_lflag |= libc::ISIG;
            // SAFETY: a descriptor, and a pointer that is valid for reads.
            unsafe { libc::tcsetattr(0, libc::TCSANOW, &raw const raw) };
            let hangs = !matches!(end, End::Clean);
            ok(shutdown.task("restore the terminal").on_shutdown(move |_| {
                if hangs {
                    park();
                }
            }));
            say("ready");
            let _ = shutdown.wait();
            std::process::exit(0);
        });
        let (ours, theirs) = pair();
        let before = attributes(&theirs);
        assert!(before.c_lflag & libc::ECHO != 0);
        command.stdin(theirs.try_clone().expect("a descriptor"));
        let lead = || {
            // SAFETY: without arguments; the child leads no group yet.
            unsafe { libc::setsid() };
            // SAFETY: descriptor 0 is the terminal; the last argument is an integer.
            unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) };
            Ok(())
        };
        // SAFETY: the closure makes two async-signal-safe calls in the child.
        unsafe { command.pre_exec(lead) };
        let mut child = command.spawn().expect("it starts");
        let mut stdout = child.stdout.take().expect("piped");
        let mut text = Vec::new();
        let mut byte = [0];
        while !text.ends_with(b"ready\n") && stdout.read(&mut byte).expect("readable") == 1 {
            text.push(byte[0]);
        }
        assert!(text.ends_with(b"ready\n"), "{:?}", finish(child));
        assert!(attributes(&theirs).c_lflag & libc::ECHO == 0, "not raw");
        let mut keyboard = File::from(ours);
        keyboard
            .write_all(b"\x03")
            .expect("the terminal takes a key");
        if let End::SecondInterrupt = end {
            // A second one counts 200 ms after the first was acted upon, so it is
            // repeated until the process is gone.
            let begun = Instant::now();
            while child.try_wait().expect("its own child").is_none() && begun.elapsed() < PATIENCE {
                thread::sleep(Duration::from_millis(250));
                let _ = keyboard.write_all(b"\x03");
            }
        }
        let output = finish(child);
        (attributes(&theirs).c_lflag & libc::ECHO != 0, output)
    }

    #[test]
    fn in_raw_mode_is_restored_by_the_deadline() {
        let test = "terminal::in_raw_mode_is_restored_by_the_deadline";
        let (echoes, output) = echoes_after(test, End::Deadline, true);
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        assert!(echoes);
    }

    #[test]
    fn in_raw_mode_is_restored_by_a_second_interrupt() {
        let test = "terminal::in_raw_mode_is_restored_by_a_second_interrupt";
        let (echoes, output) = echoes_after(test, End::SecondInterrupt, true);
        assert_eq!(output.status.signal(), Some(libc::SIGINT), "{output:?}");
        assert!(echoes);
    }

    #[test]
    fn in_raw_mode_is_restored_by_a_clean_end() {
        let test = "terminal::in_raw_mode_is_restored_by_a_clean_end";
        let (echoes, output) = echoes_after(test, End::Clean, true);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(echoes);
    }

    /// The control.
    #[test]
    fn in_raw_mode_stays_raw_without_the_setting() {
        let test = "terminal::in_raw_mode_stays_raw_without_the_setting";
        let (echoes, output) = echoes_after(test, End::Deadline, false);
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        assert!(!echoes);
    }
}

/// The name of the function that hangs. Not of the closure that calls it: in a release build
/// all closures that call it alone are one function, with the name of any of them.
#[cfg(feature = "stacks")]
const PARK: &str = "surroundings::self_victim::park";

/// Limits the memory of the process, so that symbols do not fit.
#[cfg(feature = "stacks")]
mod address_space {
    use super::*;

    fn leave(mib: u64) {
        let used = ok(std::fs::read_to_string("/proc/self/statm"));
        let pages: u64 = ok(used.split(' ').next().unwrap_or_default().parse());
        let most = pages * 4096 + (mib << 20);
        let limit = libc::rlimit {
            rlim_cur: most,
            rlim_max: most,
        };
        // SAFETY: the pointer is to a limit.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    }

    fn hang_with(test: &str, mib: u64) -> Output {
        run(victim(test, || {
            let builder = Shutdown::builder().grace(Duration::from_secs(2));
            let shutdown = ok(builder.install());
            ok(shutdown.task("hangs").on_shutdown(|_| park()));
            leave(mib);
            let _ = shutdown.finish();
        }))
    }

    /// An allocation that fails aborts the process.
    #[test]
    fn that_is_too_small_for_names_does_not_end_the_process_early() {
        let test = "address_space::that_is_too_small_for_names_does_not_end_the_process_early";
        let output = hang_with(test, 16);
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains("end of hang report 1"), "{text}");
        assert!(!text.contains(PARK), "{text}");
    }

    #[test]
    fn that_is_large_enough_has_names() {
        let test = "address_space::that_is_large_enough_has_names";
        let output = hang_with(test, 4096);
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(text.contains(PARK), "{text}");
    }
}

/// Limits the memory of the process as a container does, so that symbols do not fit.
#[cfg(feature = "stacks")]
mod container {
    use std::io::BufRead as _;
    use std::process::Stdio;

    use super::memory_limit::MemoryLimit;
    use super::*;

    /// Lets a task hang in a process whose cgroup leaves it so many MiB. `None` if the test is
    /// skipped.
    fn hang_with(test: &str, mib: u64) -> Option<Output> {
        let mut victim = victim(test, || {
            let builder = Shutdown::builder().grace(Duration::from_secs(3));
            let shutdown = ok(builder.install());
            ok(shutdown.task("hangs").on_shutdown(|_| park()));
            say("installed");
            let _ = shutdown.wait();
        });
        let Some(limit) = MemoryLimit::new(1 << 30) else {
            skip("no memory cgroup can be made");
            return None;
        };
        victim.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = victim.spawn().expect("this program starts");
        let mut lines = std::io::BufReader::new(child.stdout.take().expect("a pipe")).lines();
        assert!(lines.any(|line| line.is_ok_and(|line| line.ends_with("installed"))));
        limit.add(i32::try_from(child.id()).expect("a pid"));
        limit.leave(mib << 20);
        send(&child, libc::SIGTERM);
        Some(finish(child))
    }

    fn report_with(test: &str, mib: u64) -> Option<String> {
        let output = hang_with(test, mib)?;
        assert_eq!(output.status.code(), Some(124), "{output:?}");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("end of hang report 1"), "{text}");
        Some(text)
    }

    /// Without a look at the limit, the kernel kills the process as it reads the symbols.
    #[test]
    fn that_leaves_too_little_for_names_does_not_kill_the_process() {
        let test = "container::that_leaves_too_little_for_names_does_not_kill_the_process";
        if let Some(text) = report_with(test, 6) {
            assert!(!text.contains(PARK), "{text}");
        }
    }

    #[test]
    fn that_leaves_enough_has_names() {
        let test = "container::that_leaves_enough_has_names";
        if let Some(text) = report_with(test, 1024) {
            assert!(text.contains(PARK), "{text}");
        }
    }
}
