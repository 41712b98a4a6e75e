//! The thread `deadstop-report`.
//!
//! # Orderings
//!
//! `retired` is set before the deadline's count of changes advances, and read
//! after it: `tests/loom` has a model of that. `answered` is advanced after a report is
//! written. Requests are in `schedule`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use log::Level;

use crate::error::InstallError;
use crate::process::report_requests::Request;
use crate::process::{self, FIRST, REPORT_REQUESTS, ROSTER, WATCH};
use crate::signal::Signal;
use crate::sys::signals;
use crate::threads::{self, Beginning};
use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{Facts, Kind, first_screen, text};
#[cfg(feature = "health")]
use deadstop_core::render::{json, thread};
use deadstop_core::stack::Stack;
use deadstop_core::sys::{SignalSet, ThreadSource, cpu_time};
use deadstop_core::threads::ThreadTable;
use deadstop_core::{CAUSE_LEN, EventCount, MAX_STACKS, Nanos};

use super::gather;
use super::patience::Patience;
use super::samples::Samples;
use super::schedule::{Next, Schedule};
use super::sinks::{MESSAGE_LEN, Open};
use super::stacks::{LookUp, Stacks, SymbolizerStart};
#[cfg(feature = "health")]
use super::stalled::{STALLED_STACKS, STALLED_TEXT};
use crate::cause_text::cause_text;

/// Bytes of the report for people, and of the one for programs.
const TEXT: usize = 64 * 1024;
const JSON: usize = 256 * 1024;
/// Bytes of the first screen alone.
const SCREEN: usize = 4096;

/// The stack on which a report is made: most of a megabyte, and more in a debug build.
const STACK: usize = 4 * 1024 * 1024;

/// Frames of a stack that the message has room for, and all there can be.
const FEW: usize = 16;
const ALL: usize = usize::MAX;

static BEGUN: EventCount = EventCount::new();
static WRITTEN: EventCount = EventCount::new();

/// Waits until the reports of abandoned tasks are written, or `patience` is over.
pub(crate) fn wait_for_abandoned(patience: Duration) {
    let now = deadstop_core::now();
    let left = WATCH.deadline().exit_at().map(|at| at.since(now));
    // The caller must end the process before its deadline.
    let patience = left.map_or(patience, |left| patience.min(left * 2 / 3));
    let until = now.saturating_add(patience);
    loop {
        let seen = WRITTEN.read();
        // The deadline's report, once due, is written first and names the abandoned tasks; the
        // request is settled after it.
        if REPORT_REQUESTS.is_settled() || until <= deadstop_core::now() {
            return;
        }
        WRITTEN.wait_past(seen, Some(until));
    }
}

/// `deadstop-report`. Dropped only by an `install` that failed later.
pub(crate) struct Reporter {
    retired: Arc<AtomicBool>,
    why_no_stacks: Option<&'static str>,
    symbolizer: Option<SymbolizerStart>,
}

impl Reporter {
    /// Starts the thread, which the caller waits for. It sends `signal` to this process
    /// before it writes the deadline's report. `replaced` returns the signals whose handler
    /// another library has replaced.
    pub(crate) fn start(
        sinks: Open,
        signal: Option<Signal>,
        replaced: fn() -> SignalSet,
    ) -> Result<(Self, Beginning), InstallError> {
        let retired = Arc::new(AtomicBool::new(false));
        // Requests from here on are answered.
        let schedule = Schedule::new(&REPORT_REQUESTS);
        let worker = Worker {
            retired: Arc::clone(&retired),
            signal,
            sinks,
            proc: ThreadSource::open(),
            stacks: Stacks::prepare(),
            replaced,
        };
        let why_no_stacks = worker.stacks.why_not();
        let symbolizer = worker.stacks.starting();
        // All that a report is made in is on its stack: memory that is there,
        // and is touched only if there is a hang.
        let run = move || worker.run(schedule);
        let beginning = threads::spawn_to_begin("deadstop-report", STACK, &BEGUN, run)?;
        let reporter = Self {
            retired,
            why_no_stacks,
            symbolizer,
        };
        Ok((reporter, beginning))
    }

    /// Returns the starter of the thread that finds the names of functions, if stacks can be
    /// captured.
    pub(crate) fn symbolizer(&self) -> Option<&SymbolizerStart> {
        self.symbolizer.as_ref()
    }

    /// Returns why no report will have stacks; `None` if they will.
    pub(crate) fn why_no_stacks(&self) -> Option<&'static str> {
        self.why_no_stacks
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.retired.store(true, Ordering::Release);
        WATCH.notify();
    }
}

/// The state of the thread.
struct Worker {
    retired: Arc<AtomicBool>,
    signal: Option<Signal>,
    sinks: Open,
    proc: ThreadSource,
    stacks: Stacks,
    replaced: fn() -> SignalSet,
}

impl Worker {
    /// Runs the thread. It is as prompt as the watchdog: otherwise there would be
    /// an end and no report under load.
    fn run(&self, mut schedule: Schedule) {
        let deadline = WATCH.deadline();
        let is_retired = || self.retired.load(Ordering::Acquire);
        let mut samples = Samples::none();
        let mut number = 0;
        let mut report = |patience, to, samples: &mut Samples| {
            number += 1;
            self.report(patience, to, samples, number);
        };
        loop {
            let next = schedule.next(deadline, &REPORT_REQUESTS, is_retired, deadstop_core::now);
            let now = deadstop_core::now();
            match next {
                Next::Leave => return,
                Next::Report => report(Patience::at_deadline(now), To::Sinks, &mut samples),
                Next::Answer {
                    request,
                    report_follows,
                } => {
                    // The deadline's report names abandoned tasks too.
                    if report_follows || request != Request::Abandoned {
                        let patience = Patience::on_request(request, now, report_follows);
                        let to = match request {
                            Request::Serve => To::Server,
                            _ => To::Sinks,
                        };
                        report(patience, to, &mut samples);
                    }
                    REPORT_REQUESTS.settle(request, schedule.answered(request));
                    WRITTEN.advance();
                }
                Next::Sample => sample(&mut samples),
                Next::Wait { seen, due } => {
                    let next = due.map(|due| deadstop_core::kill_path::next_wakeup(now, due));
                    deadline.wait_for_change(seen, next);
                }
            }
        }
    }

    /// Writes a report to all sinks, as long as they take it in time.
    ///
    /// The files are written twice: at once, with what is known without an
    /// allocator, and with the names of functions when these are found. The
    /// other sinks get one report, with the names if they come in half of
    /// the time that is left.
    #[cold]
    fn report(&self, patience: Patience, to: To, samples: &mut Samples, number: u32) {
        sample(samples);
        let mut table = ThreadTable::empty();
        let mut stacks = [const { Stack::empty() }; MAX_STACKS];
        let mut cause = [0; CAUSE_LEN];
        let signaled = FIRST.signaled().map(|cause| cause_text(&cause));
        let cause = match &signaled {
            Some(words) => Some(words.as_str()),
            None => ROSTER
                .cause
                .read(&mut cause)
                .filter(|text| !text.is_empty()),
        };
        gather::threads(&mut table, &self.proc, patience);
        let asked = gather::stacks(&mut stacks, &table, &self.stacks, patience);
        let repeats = gather::repeats(&stacks, &table, &self.stacks, patience);
        samples.forgive(cpu_time);
        let replaced = names((self.replaced)());
        if let Some(signal) = self.signal.filter(|_| patience.kind == Kind::Deadline) {
            // After the stacks were taken: its handler runs on a thread of the program.
            signals::send_if_handled(signal.number());
        }
        let facts = |now| Facts {
            kind: patience.kind,
            pid: deadstop_core::pid(),
            roster: &ROSTER,
            threads: &table,
            stacks: &[],
            cause,
            begun: WATCH.deadline().begun(),
            now,
            at: WATCH.deadline().exit_at(),
            exit_status: exit_status(),
            still: samples.still(),
            number,
            replaced: replaced.as_str(),
            repeats,
        };
        let unnamed = Facts {
            stacks: &stacks,
            ..facts(deadstop_core::now())
        };
        #[cfg(feature = "health")]
        keep_stalled(&unnamed, |stall| !STALLED_STACKS.has_text(stall));
        if to == To::Sinks {
            self.write_files(&unnamed);
        }

        let names_until = patience.half(deadstop_core::now());
        // The names of all before the lines of the first: a line takes longer, and a
        // thread without a name is no suspect.
        for what in [LookUp::Names, LookUp::OwnLines, LookUp::Lines] {
            self.look_up(&mut stacks[..asked], what, names_until, patience);
        }
        let named = Facts {
            stacks: &stacks,
            ..facts(deadstop_core::now())
        };
        #[cfg(feature = "health")]
        keep_stalled(&named, |_| true);
        if to == To::Server {
            #[cfg(feature = "health")]
            serve(&named);
            return;
        }
        self.write_files(&named);
        if matches!(patience.kind, Kind::Deadline) {
            // Before the streams, whose readers may have stopped.
            process::kill_cgroups_and_remove_files();
        }
        self.write_streams(&named, patience);
    }

    /// Looks up `what` of each stack, as long as there is time.
    #[cold]
    #[inline(never)]
    fn look_up(&self, stacks: &mut [Stack], what: LookUp, until: Nanos, patience: Patience) {
        for stack in stacks {
            if patience.makes_way() || until <= deadstop_core::now() {
                break;
            }
            self.stacks
                .look_up(stack, what, || until.min(patience.end()));
        }
    }

    /// Writes to the sinks that cannot block.
    #[cold]
    #[inline(never)]
    fn write_files(&self, facts: &Facts<'_>) {
        if self.sinks.has_message() && facts.kind != Kind::Status {
            let mut message = TextBuffer::<MESSAGE_LEN>::new();
            text(&mut message, facts, FEW);
            self.sinks.message(&message);
        }
        if let Some(json) = self.sinks.json_file() {
            let mut object = TextBuffer::<JSON>::new();
            json.render(&mut object, facts);
            self.sinks.json(&object);
        }
    }

    /// Writes to those that may block, and hands the log what is not on standard
    /// error: the two are often one stream.
    #[cold]
    fn write_streams(&self, facts: &Facts<'_>, patience: Patience) {
        #[cfg(feature = "terminal")]
        let _way = Way::taken_for(facts.kind);
        // A stream that takes nothing leaves the log the rest of the time.
        let half = patience.half(deadstop_core::now());
        let until = || half.min(patience.end());
        let level = level(facts.kind);
        let mut screen = TextBuffer::<SCREEN>::new();
        first_screen(&mut screen, facts);
        let mut lines = TextBuffer::<TEXT>::new();
        text(&mut lines, facts, ALL);
        let is_journaled = self.sinks.notify(screen.as_str(), lines.as_str(), facts);
        if let Some(json) = self.sinks.json_line() {
            let mut object = TextBuffer::<JSON>::new();
            json.render_line(&mut object, facts);
            self.sinks.stderr(object.as_str(), &until);
            self.sinks.log(screen.as_str(), level);
            return;
        }
        match is_journaled || self.sinks.stderr(lines.as_str(), &until) {
            // The reader of the one stream has it in front of them.
            true if self.sinks.is_one_stream() => {
                let line = screen.as_str().lines().next().unwrap_or_default();
                self.sinks.log(line, level);
            }
            true => self.sinks.log(screen.as_str(), level),
            false => self.sinks.log(lines.as_str(), level),
        }
    }
}

/// The terminal, without the live view for as long as this lives; for good before the
/// report of the deadline.
#[cfg(feature = "terminal")]
struct Way {
    is_last: bool,
}

#[cfg(feature = "terminal")]
impl Way {
    fn taken_for(kind: Kind) -> Self {
        super::progress::make_way();
        Self {
            is_last: kind == Kind::Deadline,
        }
    }
}

#[cfg(feature = "terminal")]
impl Drop for Way {
    fn drop(&mut self) {
        if !self.is_last {
            super::progress::give_way_back();
        }
    }
}

/// The destination of a report.
#[derive(Clone, Copy, Eq, PartialEq)]
enum To {
    Sinks,
    /// To the client of the health server that asked.
    Server,
}

/// Keeps the stacks of threads whose heartbeat is stalled, for the health server.
#[cfg(feature = "health")]
fn keep_stalled(facts: &Facts<'_>, is_wanted: impl Fn(u64) -> bool) {
    for (stall, tid) in ROSTER
        .stalls
        .threads()
        .filter(|(stall, _)| is_wanted(*stall))
    {
        let mut lines = TextBuffer::<STALLED_TEXT>::new();
        thread(&mut lines, facts, tid);
        if !lines.as_bytes().is_empty() {
            STALLED_STACKS.set_text(stall, lines.as_str());
        }
    }
}

#[cfg(feature = "health")]
fn serve(facts: &Facts<'_>) {
    let mut object = TextBuffer::<JSON>::new();
    json(&mut object, facts);
    super::SERVED.fill(object.as_bytes());
}

/// Looks whether the threads of hung tasks have moved.
#[cold]
fn sample(samples: &mut Samples) {
    let mut threads = [0; MAX_STACKS];
    let hung = ROSTER.hung_threads(&mut threads);
    samples.update(&threads[..hung], deadstop_core::now(), cpu_time);
}

/// The names of signals.
#[cold]
fn names(signals: SignalSet) -> TextBuffer<128> {
    let mut names = TextBuffer::new();
    for number in signals.numbers() {
        if !names.as_str().is_empty() {
            names.text(", ");
        }
        match Signal::from(number).name() {
            Some(name) => names.text(name),
            None => names.text("signal ").number(number.unsigned_abs().into()),
        };
    }
    names
}

fn exit_status() -> Option<u8> {
    u8::try_from(WATCH.status()).ok()
}

fn level(kind: Kind) -> Level {
    match kind {
        Kind::Abandoned | Kind::Deadline | Kind::Stall => Level::Error,
        Kind::Status => Level::Warn,
    }
}
