//! Counts the instructions of deadstop's calls in a healthy process. Times vary on a machine
//! that other programs use. The counts are the same in every run of one build, so they show
//! a call that has grown.
//!
//! ```text
//! cargo bench --features health --bench counts               compare with benches/counts.txt
//! cargo bench --features health --bench counts -- --update   write it anew
//! ```
//!
//! The bench runs itself under `valgrind --tool=callgrind`, once for each row. A row counts
//! the calling thread alone. The exception is `task, dispatched`: the share of one of a
//! thousand tasks in a whole shutdown, on all threads. Its tasks run one at a time, because
//! the number of threads depends on timing otherwise.

#![expect(
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program, not the library"
)]

#[path = "shared/arguments.rs"]
mod arguments;

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs, process};

use deadstop::health::Heartbeat;
use deadstop::report::Progress;
use deadstop::{Shutdown, TaskHandle, Watchdog};

use arguments::CargoFlags;

/// Counts the instructions of deadstop's calls, and compares them with benches/counts.txt
#[derive(clap::Parser)]
#[command(bin_name = "cargo bench --features health --bench counts --")]
struct Arguments {
    /// Write benches/counts.txt anew
    #[arg(long)]
    update: bool,
    #[command(flatten)]
    cargo: CargoFlags,
}

/// The rows.
const ROWS: [Row; 19] = [
    Row::of_caller("arm, first", 1, arm_first),
    Row::of_caller("arm, again", 1_000, arm_again),
    Row::of_caller("is_requested", 1_000, is_requested),
    Row::of_caller("requested, made", 1_000, requested),
    Row::of_caller("requested, looked at", 1_000, look_at_requested),
    Row::of_caller("scope, opened", 1_000, open_scope),
    Row::of_caller("scope, is_requested", 1_000, is_scope_requested),
    Row::of_caller("progress", 1_000, progress),
    Row::of_caller("label", 1_000, label),
    Row::of_caller("task, registered", 1_000, register),
    Row::of_caller("task, cancelled", 1_000, cancel),
    Row::of_all_threads("task, dispatched", 1_000, dispatch),
    Row::of_caller("gate, enter", 1_000, enter),
    Row::of_caller("gate, enter_named", 1_000, enter_named),
    Row::of_caller("gate, should_close", 1_000, should_close),
    Row::of_caller("pool, execute", 1_000, execute).with_others(),
    Row::of_caller("heartbeat, tick", 1_000, tick),
    Row::of_caller("heartbeat, expect", 1_000, expect),
    Row::of_caller("heartbeat, pause", 1_000, pause),
];

/// The counts that are kept, beside this file.
const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/counts.txt");

/// The runs of a row whose threads wait for each other.
const RUNS: usize = 7;

/// The allowed growth of a count, in percent.
const PER_CENT: u64 = 3;

/// Longer than any shutdown of this bench. It ends one that hangs.
const GRACE: Duration = Duration::from_secs(60);

struct Row {
    name: &'static str,
    times: u32,
    act: fn(u32),
    threads: Threads,
    /// The number of runs. The least count of them is taken.
    runs: usize,
}

enum Threads {
    /// Between the beginning and the end of `counted`, on its thread.
    Caller,
    /// From the beginning of `counted` to the end of the process, on any thread.
    All,
}

impl Row {
    const fn of_caller(name: &'static str, times: u32, act: fn(u32)) -> Self {
        Self {
            name,
            times,
            act,
            threads: Threads::Caller,
            runs: 1,
        }
    }

    const fn of_all_threads(name: &'static str, times: u32, act: fn(u32)) -> Self {
        Self {
            name,
            times,
            act,
            threads: Threads::All,
            runs: RUNS,
        }
    }

    /// For a call that depends on other threads' progress.
    const fn with_others(self) -> Self {
        Self { runs: RUNS, ..self }
    }
}

fn main() {
    let given: Vec<_> = env::args().skip(1).collect();
    if let [act, name] = given.as_slice()
        && act == "--act"
    {
        let row = ROWS.iter().find(|row| row.name == name).unwrap();
        return (row.act)(row.times);
    }
    let arguments: Arguments = arguments::read();
    if !arguments.cargo.wants_measurements() {
        return;
    }
    let counts: Vec<_> = ROWS.iter().map(count).collect();
    if arguments.update {
        fs::write(KEPT, file(&counts)).unwrap();
        println!("written to {KEPT}");
        return;
    }
    let kept = fs::read_to_string(KEPT).unwrap();
    println!("counted with {}; kept: {}", built_with(), first_line(&kept));
    let mut grown = String::new();
    for (row, now) in ROWS.iter().zip(counts) {
        let before =
            of(&kept, row.name).unwrap_or_else(|| fail(&format!("{} is not in it", row.name)));
        println!("{:20}{now:8}{before:8}", row.name);
        if now > most(before) {
            writeln!(
                grown,
                "`{}` has grown: {before} instructions before, {now} now; {} are let pass",
                row.name,
                most(before)
            )
            .unwrap();
        }
    }
    if !grown.is_empty() {
        fail(&format!(
            "{grown}If it is worth it, keep the new counts, and say why in the commit:\n\
             \n    cargo bench --features health --bench counts -- --update"
        ));
    }
}

/// The most that is let pass: the linker and libc make a difference of a few.
fn most(before: u64) -> u64 {
    before + (before * PER_CENT / 100).max(2)
}

/// Instructions per call. Where threads meet, no two runs are quite the same: what one of
/// them does more than another is waiting, and the least is the call's own.
fn count(row: &Row) -> u64 {
    let counts = (0..row.runs).map(|_| count_once(row));
    counts.min().unwrap_or_default()
}

fn count_once(row: &Row) -> u64 {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("counts");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let out = folder.join("out");
    let window = match row.threads {
        Threads::Caller => "--toggle-collect=*counted*",
        Threads::All => "--zero-before=*counted*",
    };
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", out.display()))
        .args([window, "--fair-sched=try"])
        .arg(env::current_exe().unwrap())
        .args(["--act", row.name])
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| fail(&format!("valgrind: {error}")));
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        fail(&format!("{}: {}\n{said}", row.name, output.status));
    }
    let out = fs::read_to_string(out).unwrap();
    let total = out.lines().find_map(|line| line.strip_prefix("totals: "));
    let total: u64 = total
        .and_then(|total| total.parse().ok())
        .unwrap_or_default();
    if total < u64::from(row.times) {
        fail(&format!("{}: {total} instructions cannot be", row.name));
    }
    total / u64::from(row.times)
}

fn file(counts: &[u64]) -> String {
    let mut file = format!("{}\n", built_with());
    for (row, count) in ROWS.iter().zip(counts) {
        writeln!(file, "{}: {count}", row.name).unwrap();
    }
    file
}

fn of(kept: &str, name: &str) -> Option<u64> {
    let value = |line: &str| line.strip_prefix(name)?.strip_prefix(": ")?.parse().ok();
    kept.lines().find_map(value)
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The compiler and the machine, on which the counts depend besides the code.
fn built_with() -> String {
    let said_by = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
        said.unwrap_or_else(|_| format!("{program} unknown"))
    };
    format!(
        "{}, {}, {}",
        env::consts::ARCH,
        said_by("rustc", "--version"),
        said_by("getconf", "GNU_LIBC_VERSION")
    )
}

fn fail(why: &str) -> ! {
    eprintln!("{why}");
    process::exit(1);
}

/// The calls whose instructions are counted.
#[inline(never)]
fn counted(times: u32, mut call: impl FnMut(u32)) {
    for time in 0..times {
        call(time);
    }
}

fn watchdog() -> Watchdog {
    Watchdog::builder().grace(GRACE).install().unwrap()
}

fn shutdown() -> Shutdown {
    let builder = Shutdown::builder().grace(GRACE).progress(Progress::Off);
    builder.install().unwrap()
}

fn arm_first(times: u32) {
    let watchdog = watchdog();
    counted(times, |_| watchdog.arm());
}

fn arm_again(times: u32) {
    let watchdog = watchdog();
    watchdog.arm();
    counted(times, |_| watchdog.arm());
}

fn is_requested(times: u32) {
    let shutdown = shutdown();
    counted(times, |_| {
        black_box(shutdown.is_requested());
    });
}

fn requested(times: u32) {
    let shutdown = shutdown();
    counted(times, |_| {
        drop(black_box(shutdown.requested()));
    });
}

fn look_at_requested(times: u32) {
    let shutdown = shutdown();
    let requested = shutdown.requested();
    counted(times, |_| {
        assert!(!requested.wait_timeout(Duration::ZERO));
    });
}

/// A scope that is there: each time one more handle, which is dropped.
fn open_scope(times: u32) {
    let shutdown = shutdown();
    let _first = shutdown.scope("tenant");
    counted(times, |_| {
        black_box(shutdown.scope("tenant"));
    });
}

fn is_scope_requested(times: u32) {
    let shutdown = shutdown();
    let scope = shutdown.scope("tenant");
    counted(times, |_| {
        black_box(scope.is_requested());
    });
}

fn label(times: u32) {
    let _shutdown = shutdown();
    counted(times, |_| drop(deadstop::label(black_box("GET /report"))));
}

fn enter(times: u32) {
    let gate = shutdown().gate("requests").open().unwrap();
    counted(times, |_| drop(gate.enter().unwrap()));
}

fn enter_named(times: u32) {
    let gate = shutdown().gate("requests").open().unwrap();
    counted(times, |_| {
        drop(gate.enter_named(black_box("GET /report")).unwrap());
    });
}

fn should_close(times: u32) {
    let gate = shutdown().gate("requests").open().unwrap();
    counted(times, |_| {
        black_box(gate.should_close());
    });
}

/// The pool's one thread is busy, so the call wakes no thread.
fn execute(times: u32) {
    let shutdown = shutdown();
    let pool = shutdown.pool("mailer").threads(1).queue(times as usize);
    let pool = pool.start().unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let (runs, running) = std::sync::mpsc::channel();
    let first = pool.execute(move || {
        runs.send(()).unwrap();
        let _ = held.recv();
    });
    first.unwrap();
    running.recv().unwrap();
    counted(times, |_| {
        pool.execute(|| {}).unwrap();
    });
    drop(release);
}

fn progress(times: u32) {
    let shutdown = shutdown();
    let task = shutdown.task("say how far it is");
    let says = move |cx: &deadstop::TaskContext| {
        counted(times, |_| cx.progress(black_box("segment 12 of 40")));
    };
    task.on_shutdown(says).unwrap();
    shutdown.finish();
}

fn tasks(shutdown: &Shutdown, times: u32) -> Vec<TaskHandle> {
    let mut tasks = Vec::with_capacity(times as usize);
    for _ in 0..times {
        tasks.push(shutdown.task("close").on_shutdown(|_| {}).unwrap());
    }
    tasks
}

fn register(times: u32) {
    let shutdown = shutdown();
    let mut tasks = Vec::with_capacity(times as usize);
    counted(times, |_| {
        tasks.push(shutdown.task("close").on_shutdown(|_| {}).unwrap());
    });
}

fn cancel(times: u32) {
    let shutdown = shutdown();
    let mut tasks = tasks(&shutdown, times).into_iter();
    counted(times, |_| {
        assert!(tasks.next().unwrap().cancel());
    });
}

fn dispatch(times: u32) {
    let builder = Shutdown::builder().grace(GRACE).progress(Progress::Off);
    let shutdown = builder.max_concurrent_tasks(1).install().unwrap();
    drop(tasks(&shutdown, times));
    counted(1, |_| {
        shutdown.finish();
    });
}

/// An interval in which the watcher looks once, at the start.
fn heartbeat() -> Heartbeat {
    let builder = shutdown().heartbeat("loop").every(GRACE);
    builder.start().unwrap()
}

fn tick(times: u32) {
    let beat = heartbeat();
    counted(times, |_| beat.tick());
}

fn expect(times: u32) {
    let beat = heartbeat();
    counted(times, |_| drop(beat.expect(black_box(GRACE))));
}

fn pause(times: u32) {
    let beat = heartbeat();
    counted(times, |_| drop(beat.pause()));
}
