//! Stack captures of threads that are easily harmed. The program must run as if there were no
//! captures.
//!
//! Each test starts this program again as its victim. The victim counts its work, while a thread
//! requests status reports all the time. The control is the same victim without reports.

#![cfg(all(
    feature = "stacks",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
#![expect(unsafe_code, reason = "victims use stacks and frames of their own")]
#![expect(clippy::print_stdout, reason = "a victim prints what it counts")]

#[path = "fixtures/stack_victims.rs"]
mod stack_victims;

use std::env;
use std::fs;
use std::io::Write;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::Shutdown;
use deadstop::report::{Progress, Sinks};
use stack_victims::{cxx_thrower, in_coroutine, on_signal_stack, register_frames, throws};

const VICTIM: &str = "DEADSTOP_STACKS_VICTIM";
const QUIET: &str = "DEADSTOP_STACKS_QUIET";

/// Duration of a victim's work.
const WORK: Duration = Duration::from_secs(4);
/// Maximum wait of the parent. It only bounds a run that fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// Amount of work that a victim has done.
static DONE: AtomicU64 = AtomicU64::new(0);

/// Starts `victim`, with or without reports, and waits for its end.
fn run(victim: &str, quiet: bool) -> Output {
    let out = env::temp_dir().join(format!("deadstop-{victim}-{quiet}-{}", std::process::id()));
    let stderr = fs::File::create(&out).expect("a temporary file");
    let mut command = Command::new(env::current_exe().expect("this program"));
    // With one test thread, the test runs on the main thread, which is the one
    // that every report has the stack of.
    command.args([
        "--exact",
        "victim",
        "--ignored",
        "--nocapture",
        "--test-threads=1",
    ]);
    command
        .env(VICTIM, victim)
        .stdout(Stdio::piped())
        .stderr(stderr);
    if quiet {
        command.env(QUIET, "1");
    }
    let mut child = command.spawn().expect("the victim starts");
    let by = Instant::now() + PATIENCE;
    while child.try_wait().expect("the child is ours alone").is_none() {
        if Instant::now() > by {
            let state = fs::read_to_string(format!("/proc/{}/wchan", child.id()));
            child.kill().expect("the child is ours alone");
            child.wait().expect("the child is ours alone");
            panic!("{victim} stands still in {state:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
    let mut output = child.wait_with_output().expect("the child is ours alone");
    output.stderr = fs::read(&out).unwrap_or_default();
    let _ = fs::remove_file(&out);
    output
}

/// Asserts that `victim` works on while it is captured, and prints how many of its
/// stacks were useful: they have a caller.
fn is_not_harmed(victim: &str) {
    for quiet in [true, false] {
        let output = run(victim, quiet);
        let stdout = String::from_utf8_lossy(&output.stdout);
        if stdout.contains("skipped:") {
            return;
        }
        let end = (output.status.code(), output.status.signal());
        assert_eq!(end, (Some(0), None), "{victim}, quiet: {quiet}, {stdout}");
        assert!(stdout.contains("work done: "), "{victim}: {stdout}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<_> = stderr.lines().collect();
        let all = lines.iter().filter(|line| line.contains("   #0 ")).count();
        // The report folds frames of the standard library and of deadstop into one line.
        let has_caller = |pair: &&[&str]| {
            let [innermost, next] = pair else {
                return false;
            };
            let is_frame = next.contains("   #1 ") || next.contains("   \u{2026} ");
            innermost.contains("   #0 ") && is_frame
        };
        let useful = lines.windows(2).filter(has_caller).count();
        let work = stdout.lines().find(|line| line.contains("work done: "));
        let _ = writeln!(
            std::io::stderr(),
            "{victim}, quiet: {quiet}: {all} stacks, {useful} of use; {}",
            work.unwrap_or_default()
        );
        assert_eq!(all == 0, quiet, "{victim}: {all} stacks");
        assert!(quiet || useful * 2 > all, "{victim}: {useful} of {all}");
    }
}

#[test]
fn thread_that_panics_and_catches_is_not_harmed() {
    is_not_harmed("rust_throw");
}

#[test]
fn thread_that_throws_in_cxx_is_not_harmed() {
    is_not_harmed("cxx_throw");
}

#[test]
#[cfg(target_env = "gnu")]
fn thread_that_registers_frames_is_not_harmed() {
    is_not_harmed("register_frames");
}

#[test]
fn thread_on_a_small_signal_stack_is_not_harmed() {
    is_not_harmed("signal_stack");
}

#[test]
#[cfg(target_env = "gnu")]
fn thread_in_a_coroutine_is_not_harmed() {
    is_not_harmed("coroutine");
}

/// With two megabytes of arguments, `exec` takes long enough for a signal to stay
/// pending for the new program.
#[test]
fn program_started_by_exec_is_not_ended() {
    for n in 0..100 {
        let output = run(&format!("exec {}", n * 37), false);
        let end = (output.status.code(), output.status.signal());
        assert_eq!(end, (Some(0), None), "run {n}");
    }
}

#[test]
#[ignore = "the other tests start it"]
fn victim() {
    let Ok(name) = env::var(VICTIM) else {
        return;
    };
    let sinks = Sinks::new().log(false);
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(5))
        .progress(Progress::Off)
        .sinks(sinks)
        .install()
        .expect("the first in this process");
    if env::var_os(QUIET).is_none() {
        let pause = Duration::from_micros(300);
        thread::spawn(move || {
            loop {
                shutdown.status_report();
                thread::sleep(pause);
            }
        });
    } else {
        drop(shutdown);
    }
    match name.split_once(' ') {
        Some(("exec", micros)) => exec(micros.parse().expect("a number")),
        _ => work(&name),
    }
    println!("work done: {}", DONE.load(Ordering::Relaxed));
    // Without the handlers of `exit`, which would wait for reports.
    // SAFETY: it has no precondition.
    unsafe { libc::_exit(0) };
}

fn work(name: &str) {
    match name {
        "rust_throw" => repeat(&mut || {
            let caught = std::panic::catch_unwind(|| throws(5));
            assert!(caught.is_err());
        }),
        "cxx_throw" => match cxx_thrower() {
            Some(throw_and_catch) => repeat(&mut || {
                // SAFETY: the function takes nothing and catches what it throws.
                unsafe { throw_and_catch() };
            }),
            None => println!("skipped: no g++"),
        },
        "register_frames" => register_frames(&repeat),
        "signal_stack" => on_signal_stack(&repeat),
        "coroutine" => in_coroutine(&repeat),
        _ => panic!("no victim {name}"),
    }
}

/// Does `one` piece of work after the other, as long as a victim works.
fn repeat(one: &mut dyn FnMut()) {
    let by = Instant::now() + WORK;
    while Instant::now() < by {
        for _ in 0..100 {
            one();
            DONE.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn exec(micros: u64) {
    thread::sleep(Duration::from_millis(20) + Duration::from_micros(micros));
    let arguments = (0..14).map(|_| "x".repeat(130_000));
    let error = Command::new("/bin/true").args(arguments).exec();
    panic!("{error}");
}
