//! Writes one report: looks at the threads, renders, and hands the text to the sinks.

use std::io;

use log::Level;

use super::gather;
use super::patience::Patience;
use super::samples::Samples;
use super::sinks::{MESSAGE_LEN, OpenSinks};
use super::stacks::{LookUp, Stacks};
#[cfg(feature = "health")]
use super::stalled::{STALLED_STACKS, STALLED_TEXT};
use crate::cause_text::cause_text;
use crate::process::{self, FIRST, ROSTER, WATCH};
use crate::signal::Signal;
use crate::sys::{signals, standard_error};
use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{Facts, Kind, first_screen, text};
#[cfg(feature = "health")]
use deadstop_core::render::{json, thread};
use deadstop_core::stack::Stack;
use deadstop_core::sys::{SignalSet, ThreadSource, cpu_time};
use deadstop_core::threads::ThreadTable;
use deadstop_core::{CAUSE_LEN, MAX_STACKS};

/// Bytes of the report for people, and of the one for programs.
const TEXT: usize = 64 * 1024;
const JSON: usize = 256 * 1024;
/// Bytes of the first screen alone.
const SCREEN: usize = 4096;

/// Frames of a stack that the termination message has room for.
const MESSAGE_FRAMES: usize = 16;

/// What reports are made from, and where they go.
pub(super) struct ReportWriter {
    pub(super) sinks: OpenSinks,
    pub(super) proc: ThreadSource,
    pub(super) stacks: Stacks,
    /// A signal that this process gets before the deadline's report.
    pub(super) signal: Option<Signal>,
    /// Returns the signals whose handler another library has replaced.
    pub(super) replaced: fn() -> SignalSet,
}

/// The destination of a report.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Destination {
    Sinks,
    /// To the client of the health server that asked.
    Server,
}

impl ReportWriter {
    /// Writes a report to all sinks, as long as they take it in time; `number` counts the reports
    /// of the process from 1 on.
    ///
    /// The files are written twice: at once, with what is known without an
    /// allocator, and with the names of functions when these are found. The
    /// other sinks get one report, with the names if they come in half of
    /// the time that is left.
    #[cold]
    pub(super) fn write(
        &self,
        patience: Patience,
        to: Destination,
        samples: &mut Samples,
        number: u32,
    ) {
        sample(samples);
        let mut table = ThreadTable::empty();
        let mut stacks = [const { Stack::empty() }; MAX_STACKS];
        let cause = cause();
        let begun = WATCH.deadline().begun();
        let requested = cause.as_ref().and(begun);
        gather::threads(&mut table, &self.proc, requested, patience);
        let asked = gather::stacks(&mut stacks, &table, &self.stacks, patience);
        let repeats = gather::repeats(&stacks, &table, &self.stacks, patience);
        samples.forgive(cpu_time);
        let replaced = names((self.replaced)());
        self.send_signal(patience.kind);
        let found = Facts {
            kind: patience.kind,
            pid: deadstop_core::pid(),
            roster: &ROSTER,
            threads: &table,
            stacks: &[],
            cause: cause.as_ref().map(|cause| cause.as_str()),
            begun,
            now: deadstop_core::now(),
            at: WATCH.deadline().exit_at(),
            exit_status: exit_status(),
            still: samples.still(),
            number,
            replaced: replaced.as_str(),
            repeats,
        };

        let unnamed = Facts {
            stacks: &stacks,
            ..found
        };
        #[cfg(feature = "health")]
        keep_stalled(&unnamed, |stall| !STALLED_STACKS.has_text(stall));
        if to == Destination::Sinks {
            // The last report says what was not written.
            let _ = self.write_files(&unnamed);
        }

        self.look_up(&mut stacks[..asked], patience);
        let named = Facts {
            stacks: &stacks,
            now: deadstop_core::now(),
            ..found
        };
        #[cfg(feature = "health")]
        keep_stalled(&named, |_| true);
        match to {
            Destination::Sinks => self.write_all(&named, patience),
            Destination::Server => serve(&named),
        }
    }

    /// Sends this process the signal that it wants before the deadline's report. The stacks
    /// must have been taken: its handler runs on a thread of the program.
    fn send_signal(&self, kind: Kind) {
        // The handler writes to number 2 without a look at what that is.
        let signal = self
            .signal
            .filter(|_| kind == Kind::Deadline && !standard_error::is_foreign());
        if let Some(signal) = signal {
            signals::send_if_handled(signal.number());
        }
    }

    /// Looks up the functions and lines of the stacks, as long as there is time.
    #[cold]
    #[inline(never)]
    fn look_up(&self, stacks: &mut [Stack], patience: Patience) {
        let until = patience.half(deadstop_core::now());
        // The names of all before the lines of the first: a line takes longer, and a
        // thread without a name is no suspect.
        for what in [LookUp::Names, LookUp::OwnLines, LookUp::Lines] {
            for stack in &mut *stacks {
                if patience.makes_way() || until <= deadstop_core::now() {
                    return;
                }
                self.stacks
                    .look_up(stack, what, || until.min(patience.end()));
            }
        }
    }

    /// Writes the last report to all sinks.
    #[cold]
    fn write_all(&self, facts: &Facts<'_>, patience: Patience) {
        let written = self.write_files(facts);
        if facts.kind == Kind::Deadline {
            // Before the streams, whose readers may have stopped.
            process::kill_cgroups_and_remove_files();
        }
        self.write_streams(facts, patience);
        for (what, result) in ["the termination message", "the JSON file"]
            .iter()
            .zip(written)
        {
            if let Err(error) = result {
                self.sinks.complain(what, &error, &|| patience.end());
            }
        }
    }

    /// Writes to the sinks that cannot block: the termination message, and JSON.
    #[cold]
    #[inline(never)]
    fn write_files(&self, facts: &Facts<'_>) -> [io::Result<()>; 2] {
        let mut written = [Ok(()), Ok(())];
        if self.sinks.has_message() && facts.kind != Kind::Status {
            let mut message = TextBuffer::<MESSAGE_LEN>::new();
            text(&mut message, facts, MESSAGE_FRAMES);
            written[0] = self.sinks.message(&message);
        }
        if let Some(json) = self.sinks.json_file() {
            let mut object = TextBuffer::<JSON>::new();
            json.render(&mut object, facts);
            written[1] = self.sinks.json(&object);
        }
        written
    }

    /// Writes to those that may block, and hands the log what is not on standard
    /// error: the two are often one stream.
    #[cold]
    fn write_streams(&self, facts: &Facts<'_>, patience: Patience) {
        #[cfg(feature = "terminal")]
        let _cleared = LiveViewCleared::for_report(facts.kind);
        // A stream that takes nothing leaves the log the rest of the time.
        let half = patience.half(deadstop_core::now());
        let until = || half.min(patience.end());
        let level = level(facts.kind);
        let mut screen = TextBuffer::<SCREEN>::new();
        first_screen(&mut screen, facts);
        let mut lines = TextBuffer::<TEXT>::new();
        text(&mut lines, facts, usize::MAX);
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

/// Keeps the live view off the terminal for as long as this lives; for good before the
/// report of the deadline.
#[cfg(feature = "terminal")]
struct LiveViewCleared {
    is_last: bool,
}

#[cfg(feature = "terminal")]
impl LiveViewCleared {
    fn for_report(kind: Kind) -> Self {
        super::progress::clear_live_view();
        Self {
            is_last: kind == Kind::Deadline,
        }
    }
}

#[cfg(feature = "terminal")]
impl Drop for LiveViewCleared {
    fn drop(&mut self) {
        if !self.is_last {
            super::progress::restore_live_view();
        }
    }
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

/// Hands the report to the health server.
#[cfg(feature = "health")]
fn serve(facts: &Facts<'_>) {
    let mut object = TextBuffer::<JSON>::new();
    json(&mut object, facts);
    super::SERVED.fill(object.as_bytes());
}

/// Without a health server, no client asks for a report.
#[cfg(not(feature = "health"))]
fn serve(_: &Facts<'_>) {}

/// Samples the processor time of the threads of hung tasks.
#[cold]
pub(super) fn sample(samples: &mut Samples) {
    let mut threads = [0; MAX_STACKS];
    let hung = ROSTER.hung_threads(&mut threads);
    samples.update(&threads[..hung], deadstop_core::now(), cpu_time);
}

/// Returns the text of the shutdown's cause, if it is known. A signal handler cannot write the
/// text, so that of a signal is made here.
#[cold]
fn cause() -> Option<TextBuffer<CAUSE_LEN>> {
    if let Some(signaled) = FIRST.signaled() {
        return Some(cause_text(&signaled));
    }
    let mut buffer = [0; CAUSE_LEN];
    let text = ROSTER.cause.read(&mut buffer)?;
    let mut cause = TextBuffer::new();
    cause.text(text);
    Some(cause).filter(|_| !text.is_empty())
}

/// Returns the names of `signals`, with commas between them.
#[cold]
fn names(signals: SignalSet) -> TextBuffer<128> {
    let mut names = TextBuffer::new();
    for number in signals.numbers() {
        if !names.as_str().is_empty() {
            names.text(", ");
        }
        Signal::from(number).write_to(&mut names);
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
