//! Times a shutdown whose tasks do nothing, from just before the request to after the wait,
//! and compares it with two libraries.
//!
//! A process shuts down once, so a sample is a process: this program starts
//! itself with a library, a shape and a number of tasks, and the child prints
//! nanoseconds. The rows take turns, round by round, so that whatever else the
//! machine does falls on all of them alike. A sample that saw much of it is
//! discarded, counted, and taken again while there is time.
//!
//! `cargo bench --bench coordinator -- --help` lists the options.

#![expect(
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program, not the library"
)]

#[path = "shared/arguments.rs"]
mod arguments;
#[path = "shared/chart.rs"]
mod chart;
#[path = "shared/measured_page.rs"]
mod measured_page;
#[expect(unsafe_code, reason = "a system call; its blocks argue their case")]
#[path = "lateness/other_load.rs"]
mod other_load;

use std::fmt::Write as _;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use tokio_util::sync::CancellationToken;

use arguments::CargoFlags;
use other_load::OtherLoad;

const SIZES: [usize; 3] = [1, 100, 10_000];
/// The sizes of `--scale`, and its maximum number of phases.
const SCALE: [usize; 6] = [1, 10, 100, 1_000, 10_000, 100_000];
const MOST_PHASES: usize = 1_000;

/// Between the start and the request: threads are parked by then, as they are
/// in a program that has been running.
const SETTLE: Duration = Duration::from_millis(10);

/// Far longer than any shutdown of this bench.
const GRACE: Duration = Duration::from_secs(60);

/// Times shutdowns whose tasks do nothing
#[derive(clap::Parser)]
#[command(bin_name = "cargo bench --bench coordinator --")]
struct Arguments {
    /// Samples of each row
    #[arg(long, value_name = "N", default_value_t = 25)]
    rounds: usize,
    /// Maximum time of the whole run
    #[arg(long, value_name = "SECONDS", default_value_t = 55)]
    seconds: u64,
    /// Discard a sample if other processes used more cores than this during it
    #[arg(long, value_name = "CORES", default_value_t = 0.1)]
    foreign: f64,
    /// Measure the rows that contain this, as in "deadstop phase 100"
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Numbers of tasks
    #[arg(long, value_name = "N", value_delimiter = ',')]
    sizes: Option<Vec<usize>>,
    /// Add the deadstop of this bench, built from another commit, as a library
    #[arg(long, value_name = "BENCH")]
    beside: Option<String>,
    /// Measure deadstop and signal-mod with 1 to 100,000 tasks in a phase, 1 to 1,000 phases,
    /// and 1 to 100,000 futures that wait for the request
    #[arg(long)]
    scale: bool,
    /// Write the samples to this file
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write docs/bench/coordinator.{md,csv}; with --scale, docs/bench/scale.{md,csv,svg}
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    cargo: CargoFlags,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Library {
    Deadstop,
    SignalMod,
    /// On the runtime that `#[tokio::main]` makes.
    TokioGraceful,
    /// On a runtime of one thread, which requests the shutdown and waits for it.
    TokioGracefulOneThread,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// All tasks in one phase.
    Phase,
    /// A phase for each task, one after another.
    Chain,
    /// No tasks: futures that wait for the request. It ends when all were woken.
    Waiters,
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

const SHAPES: [(&str, Shape); 3] = [
    ("phase", Shape::Phase),
    ("chain", Shape::Chain),
    ("waiters", Shape::Waiters),
];

fn main() {
    let given: Vec<_> = env::args().skip(1).collect();
    let words: Vec<_> = given.iter().map(String::as_str).collect();
    if let ["--child", library, "--shape", shape, "--tasks", tasks] = words[..] {
        let library = named(&LIBRARIES, library);
        let took = shut_down(library, named(&SHAPES, shape), tasks.parse().unwrap());
        println!("{}", took.as_nanos());
        return;
    }
    let arguments: Arguments = arguments::read();
    if !arguments.cargo.wants_measurements() {
        return;
    }
    let Arguments { rounds, scale, .. } = arguments;
    let usual = if scale { &SCALE[..] } else { &SIZES };
    let sizes = arguments.sizes.as_deref().unwrap_or(usual);
    let mut rows = rows(&arguments.only, sizes, arguments.beside.as_deref());
    match scale {
        true => rows.retain(|row| ["deadstop", "signal-mod"].contains(&row.library)),
        false => rows.retain(|row| row.shape != "waiters"),
    }
    if scale {
        rows.retain(|row| row.shape != "chain" || row.tasks <= MOST_PHASES);
    }
    let until = Instant::now() + Duration::from_secs(arguments.seconds);
    let mut round = 0;
    while rows.iter().any(|row| row.counted().count() < rounds) && Instant::now() < until {
        for row in &mut rows {
            if row.counted().count() < rounds {
                row.samples.push(sample(row, round, arguments.foreign));
            }
        }
        round += 1;
    }
    print!("{}", table(&rows));
    if let Some(file) = &arguments.csv {
        fs::write(file, csv(&rows)).unwrap();
    }
    if arguments.keep {
        let name = if scale { "scale" } else { "coordinator" };
        keep(name, &given, &rows);
    }
}

/// Writes the page, the samples and, of the scale, the picture.
fn keep(name: &str, arguments: &[String], rows: &[Row]) {
    let given = arguments.iter().filter(|argument| *argument != "--bench");
    let mut given: String = given.map(|argument| format!(" {argument}")).collect();
    let mut beside = arguments
        .iter()
        .skip_while(|argument| *argument != "--beside");
    if let Some(path) = beside.nth(1) {
        given = given.replace(path, "PATH");
    }
    let command = format!("cargo bench --bench coordinator --{given}");
    let mut measured = format!("{}\n{}", measured_page::machine(&command), table(rows));
    write!(
        measured,
        "\nThe raw samples are in [{name}.csv]({name}.csv).\n"
    )
    .unwrap();
    if name == "scale" {
        measured.push_str("\n![From the request to the end, against size](scale.svg)\n");
        fs::write(measured_page::file("scale.svg"), charts(rows)).unwrap();
    }
    fs::write(measured_page::file(&format!("{name}.csv")), csv(rows)).unwrap();
    measured_page::keep(&format!("{name}.md"), &measured);
}

/// A panel for each shape, a line for each library.
fn charts(rows: &[Row]) -> String {
    let panels = [
        ("phase", "One phase", "tasks"),
        ("chain", "A phase for each task", "phases"),
        ("waiters", "Futures that wait for the request", "futures"),
    ];
    let panels = panels.map(|(shape, title, sizes)| {
        let line = |library: &str| {
            let rows = rows
                .iter()
                .filter(|it| it.shape == shape && it.library == library);
            let points = rows.filter_map(|row| {
                let median = quantile(&row.sorted(), 0.5)?;
                Some((row.tasks as f64, median.as_nanos() as f64))
            });
            chart::Line {
                name: library.into(),
                points: points.collect(),
            }
        };
        chart::Panel {
            title: format!("{title}: from the request to the end"),
            sizes,
            value: chart::time,
            lines: vec![line("deadstop"), line("signal-mod")],
        }
    });
    chart::draw(&panels)
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
    /// The child's program, and the name that it prints for the library.
    program: PathBuf,
    name: &'static str,
    samples: Vec<Sample>,
}

struct Sample {
    round: usize,
    took: Duration,
    /// The processor time of other processes meanwhile, in cores.
    foreign: f64,
    counts: bool,
}

impl Row {
    fn counted(&self) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(|sample| sample.counts)
    }

    fn sorted(&self) -> Vec<Duration> {
        let mut sorted: Vec<_> = self.counted().map(|sample| sample.took).collect();
        sorted.sort();
        sorted
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

/// Runs a child, and measures the processor time of other processes meanwhile.
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
        "| shape | tasks | library | median | p90 | per task | median, times deadstop's | discarded |\n\
         | --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |\n",
    );
    let mut ours = None;
    for row in rows {
        let sorted = row.sorted();
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
        Library::Deadstop if shape == Shape::Waiters => deadstop_waiters(tasks),
        Library::SignalMod if shape == Shape::Waiters => signal_mod_waiters(tasks),
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
            Shape::Phase | Shape::Waiters => Phase::CLOSE.into(),
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
            Shape::Phase | Shape::Waiters => 0,
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

/// Counts the futures that were woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Release);
    }
}

/// Polls `count` futures once, calls `request`, and waits until all were woken.
fn wake_futures<F: Future>(count: usize, make: impl Fn() -> F, request: impl FnOnce()) -> Duration {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    let mut context = Context::from_waker(&waker);
    let mut futures: Vec<Pin<Box<F>>> = (0..count).map(|_| Box::pin(make())).collect();
    for future in &mut futures {
        assert!(future.as_mut().poll(&mut context).is_pending());
    }
    thread::sleep(SETTLE);
    let begun = Instant::now();
    request();
    while woken.0.load(Ordering::Acquire) < count {
        thread::yield_now();
    }
    begun.elapsed()
}

fn deadstop_waiters(count: usize) -> Duration {
    use deadstop::report::Progress;
    use deadstop::{Cause, Shutdown};

    let builder = Shutdown::builder().grace(GRACE).progress(Progress::Off);
    let shutdown = builder.install().unwrap();
    let request = || assert!(shutdown.request(Cause::requested("the bench")));
    wake_futures(count, || shutdown.requested(), request)
}

fn signal_mod_waiters(count: usize) -> Duration {
    use signal_mod::{Coordinator, ShutdownReason};

    let coordinator = Coordinator::builder().build();
    let (trigger, token) = (coordinator.trigger(), coordinator.token());
    let request = || assert!(trigger.trigger(ShutdownReason::Requested));
    wake_futures(count, || token.wait(), request)
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
