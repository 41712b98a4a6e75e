//! Times a shutdown whose tasks do nothing, from just before the request to after the wait,
//! and compares it with two libraries.
//!
//! A process shuts down once, so a sample is a process: this program starts
//! itself with a library, a shape and a number of tasks, and the child prints
//! nanoseconds. The rows take turns, round by round, so that whatever else the
//! machine does falls on all of them alike. A sample that saw much of it is
//! discarded, counted, and taken again while there is time.
//!
//! ```text
//! cargo bench --bench coordinator -- [--rounds N] [--seconds N] [--csv FILE]
//!     [--foreign CORES] [--only "LIBRARY SHAPE TASKS"] [--sizes N,N,...]
//!     [--beside BENCH]
//! ```
//!
//! `--beside` takes this bench as it was built of another commit, and adds its
//! deadstop as a library: the two take turns in one run.

#![expect(
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program, not the library"
)]

#[expect(unsafe_code, reason = "a system call; its blocks argue their case")]
#[path = "lateness/other_load.rs"]
mod other_load;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use tokio_util::sync::CancellationToken;

use other_load::OtherLoad;

const SIZES: [usize; 3] = [1, 100, 10_000];
const ROUNDS: usize = 25;
const SECONDS: u64 = 55;

/// Between the start and the request: threads are parked by then, as they are
/// in a program that has been running.
const SETTLE: Duration = Duration::from_millis(10);

/// No shutdown here comes near it.
const GRACE: Duration = Duration::from_secs(60);

/// A sample counts if the rest of the machine used no more than this meanwhile,
/// in cores.
const FOREIGN: f64 = 0.1;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Library {
    Deadstop,
    SignalMod,
    /// On the runtime that `#[tokio::main]` makes.
    TokioGraceful,
    /// On a runtime of one thread, which is the one that asks and waits.
    TokioGracefulOneThread,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// All tasks in one phase.
    Phase,
    /// A phase for each task, one after another.
    Chain,
}

const LIBRARIES: [(&str, Library); 4] = [
    ("deadstop", Library::Deadstop),
    ("signal-mod", Library::SignalMod),
    ("tokio-graceful-shutdown", Library::TokioGraceful),
    (
        "tokio-graceful-shutdown-one-thread",
        Library::TokioGracefulOneThread,
    ),
];

const SHAPES: [(&str, Shape); 2] = [("phase", Shape::Phase), ("chain", Shape::Chain)];

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let text = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    if let Some(library) = text("--child") {
        let shape = named(&SHAPES, text("--shape").unwrap());
        let tasks = text("--tasks").unwrap().parse().unwrap();
        let took = shut_down(named(&LIBRARIES, library), shape, tasks);
        println!("{}", took.as_nanos());
        return;
    }
    if arguments.iter().any(|argument| argument == "--test") {
        return;
    }
    let rounds = text("--rounds").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    let seconds = text("--seconds").map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let foreign = text("--foreign").map_or(FOREIGN, |cores| cores.parse().unwrap());
    let sizes: Vec<usize> = match text("--sizes") {
        Some(sizes) => sizes.split(',').map(|size| size.parse().unwrap()).collect(),
        None => SIZES.to_vec(),
    };
    let mut rows = rows(text("--only").unwrap_or(""), &sizes, text("--beside"));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut round = 0;
    while rows.iter().any(|row| row.counted().count() < rounds) && Instant::now() < until {
        for row in &mut rows {
            if row.counted().count() < rounds {
                row.samples.push(sample(row, round, foreign));
            }
        }
        round += 1;
    }
    print!("{}", table(&rows));
    if let Some(file) = text("--csv") {
        fs::write(file, csv(&rows)).unwrap();
    }
}

fn named<T: Copy>(all: &[(&str, T)], name: &str) -> T {
    let found = all.iter().find(|(known, _)| *known == name);
    found.map_or_else(|| usage(name), |(_, found)| *found)
}

fn usage(what: &str) -> ! {
    eprintln!("what is {what:?}?");
    process::exit(2);
}

/// One library at one shape and size.
struct Row {
    library: &'static str,
    shape: &'static str,
    tasks: usize,
    /// The program that is the child, and what it calls the library.
    program: PathBuf,
    name: &'static str,
    samples: Vec<Sample>,
}

struct Sample {
    round: usize,
    took: Duration,
    /// What the rest of the machine used meanwhile, in cores.
    foreign: f64,
    counts: bool,
}

impl Row {
    fn counted(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|sample| sample.counts)
    }
}

fn rows(only: &str, sizes: &[usize], beside: Option<&str>) -> Vec<Row> {
    let own = env::current_exe().unwrap();
    let mut rows = Vec::new();
    for (shape, _) in SHAPES {
        for &tasks in sizes {
            let mut row = |library, name, program: &Path| {
                if format!("{library} {shape} {tasks}").contains(only) {
                    rows.push(Row {
                        library,
                        shape,
                        tasks,
                        program: program.to_owned(),
                        name,
                        samples: Vec::new(),
                    });
                }
            };
            for (library, _) in LIBRARIES {
                row(library, library, &own);
            }
            if let Some(beside) = beside {
                row("deadstop, before", "deadstop", Path::new(beside));
            }
        }
    }
    rows
}

/// Runs a child, and measures what the rest of the machine did meanwhile.
fn sample(row: &Row, round: usize, most: f64) -> Sample {
    let foreign = OtherLoad::begin();
    let output = Command::new(&row.program)
        .args(["--child", row.name, "--shape", row.shape])
        .args(["--tasks", &row.tasks.to_string()])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let foreign = foreign.cores();
    let took = String::from_utf8(output.stdout).unwrap();
    let Ok(took) = u64::from_str(took.trim()) else {
        eprintln!(
            "{} {} {}: {}\n{}",
            row.library,
            row.shape,
            row.tasks,
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        process::exit(1);
    };
    Sample {
        round,
        took: Duration::from_nanos(took),
        foreign,
        counts: foreign <= most,
    }
}

/// The value below which `share` of the samples lie.
fn quantile(sorted: &[Duration], share: f64) -> Option<Duration> {
    let last = sorted.len().checked_sub(1)?;
    Some(sorted[(last as f64 * share).round() as usize])
}

fn table(rows: &[Row]) -> String {
    let mut table = String::from(
        "| shape | tasks | library | median | p90 | per task | median, of deadstop's | discarded |\n\
         | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let mut ours = None;
    for row in rows {
        let mut sorted: Vec<_> = row.counted().map(|sample| sample.took).collect();
        sorted.sort();
        let (all, discarded) = (row.samples.len(), row.samples.len() - sorted.len());
        let (median, p90) = (quantile(&sorted, 0.5), quantile(&sorted, 0.9));
        if row.library == "deadstop" {
            ours = median;
        }
        let show = |length: Option<Duration>| {
            length.map_or("-".into(), |length| {
                format!("{:.1} µs", length.as_secs_f64() * 1e6)
            })
        };
        let ratio = median.zip(ours).map_or("-".into(), |(median, ours)| {
            format!("{:.2}", median.as_secs_f64() / ours.as_secs_f64())
        });
        let each = median.map_or("-".into(), |median| {
            format!("{:.0} ns", median.as_nanos() as f64 / row.tasks as f64)
        });
        writeln!(
            table,
            "| {} | {} | {} | {} | {} | {each} | {ratio} | {discarded} of {all} |",
            row.shape,
            row.tasks,
            row.library,
            show(median),
            show(p90),
        )
        .unwrap();
    }
    table
}

fn csv(rows: &[Row]) -> String {
    let mut csv = String::from("shape,tasks,library,round,nanoseconds,foreign_cores,counted\n");
    for row in rows {
        for sample in &row.samples {
            writeln!(
                csv,
                "{},{},{},{},{},{:.3},{}",
                row.shape,
                row.tasks,
                row.library,
                sample.round,
                sample.took.as_nanos(),
                sample.foreign,
                sample.counts
            )
            .unwrap();
        }
    }
    csv
}

/// Registers the tasks, waits a moment, and shuts down.
fn shut_down(library: Library, shape: Shape, tasks: usize) -> Duration {
    match library {
        Library::Deadstop => deadstop(shape, tasks),
        Library::SignalMod => signal_mod(shape, tasks),
        Library::TokioGraceful => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(tokio_graceful(shape, tasks))
        }
        Library::TokioGracefulOneThread => {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(tokio_graceful(shape, tasks))
        }
    }
}

fn deadstop(shape: Shape, tasks: usize) -> Duration {
    use deadstop::report::Progress;
    use deadstop::task::PhaseName;
    use deadstop::{Phase, Shutdown};

    // The others say nothing either.
    let mut builder = Shutdown::builder().grace(GRACE).progress(Progress::Off);
    if shape == Shape::Chain {
        for place in 0..tasks {
            builder = builder.phase(Phase::new(format!("phase {place}")));
        }
    }
    let shutdown = builder.install().unwrap();
    for place in 0..tasks {
        let phase = match shape {
            Shape::Phase => Phase::CLOSE.into(),
            Shape::Chain => PhaseName::from(format!("phase {place}")),
        };
        let task = shutdown.task(format!("task {place}")).phase(phase);
        let _handle = task.on_shutdown(|_| {}).unwrap();
    }
    thread::sleep(SETTLE);
    let begun = Instant::now();
    shutdown.finish();
    let took = begun.elapsed();
    let report = shutdown.report().unwrap();
    assert!(report.is_clean());
    assert_eq!(report.tasks().count(), tasks);
    took
}

fn signal_mod(shape: Shape, tasks: usize) -> Duration {
    use signal_mod::{Coordinator, ShutdownReason, hook_from_fn};

    let mut builder = Coordinator::builder()
        .graceful_timeout(GRACE)
        .force_timeout(2 * GRACE);
    for place in 0..tasks {
        let priority = match shape {
            Shape::Phase => 0,
            Shape::Chain => -(place as i32),
        };
        builder = builder.hook(hook_from_fn(format!("task {place}"), priority, |_| {}));
    }
    let coordinator = builder.build();
    let (trigger, token) = (coordinator.trigger(), coordinator.token());
    thread::sleep(SETTLE);
    let begun = Instant::now();
    trigger.trigger(ShutdownReason::Requested);
    token.wait_blocking();
    let report = coordinator.run_hooks_with_report(ShutdownReason::Requested);
    let took = begun.elapsed();
    assert_eq!(report.completed(), tasks);
    took
}

async fn tokio_graceful(shape: Shape, tasks: usize) -> Duration {
    use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};

    type Nothing = Result<(), std::io::Error>;

    let token = CancellationToken::new();
    let start = async move |top: &mut SubsystemHandle| {
        let mut before = None;
        for place in 0..tasks {
            let previous = before.take();
            let started = top.start(SubsystemBuilder::new(
                format!("task {place}"),
                async move |task: &mut SubsystemHandle| -> Nothing {
                    match previous {
                        None => task.on_shutdown_requested().await,
                        Some(previous) => {
                            tokio::join!(task.on_shutdown_requested(), previous);
                        }
                    }
                    Ok(())
                },
            ));
            if shape == Shape::Chain {
                before = Some(started.finished());
            }
        }
    };
    let top: Toplevel = Toplevel::new_with_shutdown_token(start, token.clone());
    tokio::time::sleep(SETTLE).await;
    let begun = Instant::now();
    token.cancel();
    let done = top.handle_shutdown_requests(GRACE).await;
    let took = begun.elapsed();
    assert!(done.is_ok());
    took
}
