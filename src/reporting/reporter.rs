//! The thread `deadstop-report`: does what the schedule says is next.
//!
//! # Orderings
//!
//! `retired` is set before the deadline's count of changes advances, and read
//! after it: `tests/loom` has a model of that. `answered` is advanced after a report is
//! written. Requests are in `schedule`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::InstallError;
use crate::process::report_requests::Request;
use crate::process::{REPORT_REQUESTS, WATCH};
use crate::signal::Signal;
use crate::threads::{self, Beginning};
use deadstop_core::EventCount;
use deadstop_core::sys::{SignalSet, ThreadSource};

use super::patience::Patience;
use super::report_writer::{Destination, ReportWriter, sample};
use super::samples::Samples;
use super::schedule::{Next, Schedule};
use super::sinks::OpenSinks;
use super::stacks::{Stacks, SymbolizerStart};

/// The stack on which a report is made: most of a megabyte, and more in a debug build.
const STACK: usize = 4 * 1024 * 1024;

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
        sinks: OpenSinks,
        signal: Option<Signal>,
        replaced: fn() -> SignalSet,
    ) -> Result<(Self, Beginning), InstallError> {
        let retired = Arc::new(AtomicBool::new(false));
        // Requests from here on are answered.
        let schedule = Schedule::new(&REPORT_REQUESTS);
        let stacks = Stacks::prepare();
        let why_no_stacks = stacks.why_not();
        let symbolizer = stacks.starting();
        let worker = Worker {
            retired: Arc::clone(&retired),
            writer: ReportWriter {
                sinks,
                proc: ThreadSource::open(),
                stacks,
                signal,
                replaced,
            },
        };
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
    writer: ReportWriter,
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
            self.writer.write(patience, to, samples, number);
        };
        loop {
            let next = schedule.next(deadline, &REPORT_REQUESTS, is_retired, deadstop_core::now);
            let now = deadstop_core::now();
            match next {
                Next::Leave => return,
                Next::Report => {
                    report(Patience::at_deadline(now), Destination::Sinks, &mut samples);
                }
                Next::Answer {
                    request,
                    report_follows,
                } => {
                    // The deadline's report names abandoned tasks too.
                    if report_follows || request != Request::Abandoned {
                        let patience = Patience::on_request(request, now, report_follows);
                        let to = match request {
                            Request::Serve => Destination::Server,
                            _ => Destination::Sinks,
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
}
