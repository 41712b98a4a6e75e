//! The life of `deadstop-report`.
//!
//! # Orderings
//!
//! `retired` is set before the deadline's count of changes advances, and read behind
//! it: `tests/loom` has a model of that. What is asked for is `round`'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use log::Level;

use crate::error::InstallError;
use crate::installation::{self, WATCH};
use crate::kill_path::report::{END_OF_STACKS, Facts, Kind, json, stack_again, text};
use crate::kill_path::{self, CAUSE, Census, Line, Nanos, Proc, STACKS, Stack};
use crate::trigger::FIRST;

use super::round::{Asked, Next, Round, due};
use super::sinks::{MESSAGE, Open};
use super::stacks::Stacks;
use super::{ROSTER, in_words};

/// How long a dump may wait for its threads and for standard error.
const DUMP_PATIENCE: Duration = Duration::from_secs(1);

/// How long the census may take at most, and which part of the time there is.
const CENSUS: Duration = Duration::from_millis(100);
const CENSUS_PART: u32 = 4;

/// Bytes of the report for people, and of the one for tools.
const TEXT: usize = 32 * 1024;
const JSON: usize = 128 * 1024;

/// What a report is made on: half a megabyte in a debug build.
const STACK: usize = 1024 * 1024;

/// Frames of a stack that the message has room for, and all there can be.
const FEW: usize = 8;
const ALL: usize = usize::MAX;

static ASKED: Asked = Asked::never();

/// Asks for a dump. Async-signal-safe, `errno` included.
pub(crate) fn ask() {
    ASKED.ask();
    WATCH.nudge();
}

/// `deadstop-report`. Dropped only by an `install` that failed later.
pub(crate) struct Reporter {
    retired: Arc<AtomicBool>,
    why_no_stacks: Option<&'static str>,
}

impl Reporter {
    pub(crate) fn start(sinks: Open) -> Result<Self, InstallError> {
        let retired = Arc::new(AtomicBool::new(false));
        // Whoever asks from here on is answered.
        let round = Round::first(&ASKED);
        let desk = Desk {
            retired: Arc::clone(&retired),
            sinks,
            proc: Proc::open(),
            stacks: Stacks::prepare()?,
        };
        let why_no_stacks = desk.stacks.why_not();
        // All that a report is made in is on its stack: memory that is there,
        // and is touched only if there is a hang.
        installation::spawn_of("deadstop-report", STACK, move || desk.live(round))?;
        Ok(Self {
            retired,
            why_no_stacks,
        })
    }

    /// Why no stack will be in a report, if it is so and was to be otherwise.
    pub(crate) fn why_no_stacks(&self) -> Option<&'static str> {
        self.why_no_stacks
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.retired.store(true, Ordering::Release);
        WATCH.nudge();
    }
}

/// What the thread has at hand.
struct Desk {
    retired: Arc<AtomicBool>,
    sinks: Open,
    proc: Proc,
    stacks: Stacks,
}

impl Desk {
    /// The thread's life. Were it less prompt than the watchdog, there would be an
    /// end and no report under load.
    fn live(&self, mut round: Round) {
        let deadline = WATCH.deadline();
        let is_retired = || self.retired.load(Ordering::Acquire);
        loop {
            let next = round.look(deadline, &ASKED, is_retired, kill_path::now);
            let now = kill_path::now();
            match next {
                Next::Leave => return,
                Next::Report => self.report(Patience::at_deadline(now)),
                Next::Dump { report_follows } => {
                    self.report(Patience::of_dump(now, report_follows));
                }
                Next::Wait { seen, due } => {
                    let next = due.map(|due| kill_path::next_look(now, due));
                    deadline.wait_change(seen, next);
                }
            }
        }
    }

    /// Writes a report to all sinks, as long as they take it in time; first
    /// what can be had without an allocator, and then once more with the names
    /// of functions, as far as `deadstop-names` finds them.
    fn report(&self, patience: Patience) {
        let mut census = Census::empty();
        let mut stacks = [const { Stack::empty() }; STACKS];
        let mut cause = [0; CAUSE];
        let signalled = FIRST.signalled().map(|cause| in_words(&cause));
        let cause = match &signalled {
            Some(words) => Some(words.as_str()),
            None => ROSTER
                .cause
                .read(&mut cause)
                .filter(|text| !text.is_empty()),
        };
        self.look(&mut census, &mut stacks, patience);
        let facts = |now| Facts {
            kind: patience.kind,
            pid: kill_path::pid(),
            roster: &ROSTER,
            census: &census,
            stacks: &[],
            cause,
            begun: WATCH.deadline().begun(),
            now,
            at: WATCH.deadline().exit(),
        };
        let essential = Facts {
            stacks: &stacks,
            ..facts(kill_path::now())
        };
        self.write(&essential, patience);

        // One at a time, the culprit's first: there may not be time for all.
        let mut has_names = false;
        for n in 0..stacks.len() {
            if patience.makes_way() {
                return;
            }
            self.stacks.look_up(&mut stacks[n], || patience.end());
            if has_function(&stacks[n]) {
                has_names = true;
                let named = Facts {
                    stacks: &stacks,
                    ..facts(kill_path::now())
                };
                self.write_names(&named, &stacks[n], patience);
            }
        }
        if has_names {
            self.say(END_OF_STACKS, patience);
        }
    }

    /// Looks at the threads of the tasks that have not returned, at main, and
    /// at others; and has the first of these write down their stacks.
    fn look(&self, census: &mut Census, stacks: &mut [Stack; STACKS], patience: Patience) {
        let now = kill_path::now();
        let census_has = (patience.end().since(now) / CENSUS_PART).min(CENSUS);
        let mut threads = [0; STACKS];
        // The last place is main's.
        let hung = ROSTER.hung_threads(&mut threads[..STACKS - 1]);
        let tasks = threads[..hung].iter().copied();
        census.take(&self.proc, tasks, now.saturating_add(census_has));
        let main = kill_path::pid();
        if !threads[..hung].contains(&main) {
            threads[hung] = main;
        }
        for (tid, stack) in threads.into_iter().zip(stacks) {
            if tid != 0 {
                self.stacks.capture(tid, stack, patience.end());
            }
        }
    }

    /// Writes what could be had without an allocator.
    fn write(&self, facts: &Facts<'_>, patience: Patience) {
        self.write_files(facts);
        let mut lines = Line::<TEXT>::new();
        text(&mut lines, facts, ALL);
        self.say(lines.as_str(), patience);
    }

    /// Writes it once more where it can be written over, and elsewhere what is
    /// new: the names in `stack`.
    fn write_names(&self, facts: &Facts<'_>, stack: &Stack, patience: Patience) {
        self.write_files(facts);
        let mut lines = Line::<TEXT>::new();
        stack_again(&mut lines, stack, ALL);
        self.say(lines.as_str(), patience);
    }

    fn say(&self, lines: &str, patience: Patience) {
        self.sinks.stderr(lines, || patience.end());
        self.sinks.log(lines, level(patience.kind));
    }

    /// Writes those that cannot block.
    fn write_files(&self, facts: &Facts<'_>) {
        if self.sinks.has_message() && facts.kind == Kind::Deadline {
            let mut message = Line::<MESSAGE>::new();
            text(&mut message, facts, FEW);
            self.sinks.message(&message);
        }
        if self.sinks.has_json() {
            let mut object = Line::<JSON>::new();
            json(&mut object, facts);
            self.sinks.json(&object);
        }
    }
}

/// What a report is for, and so how long it may wait.
#[derive(Clone, Copy)]
struct Patience {
    kind: Kind,
    until: Nanos,
    /// Whether the report for the deadline is still to come.
    is_first: bool,
}

impl Patience {
    fn at_deadline(now: Nanos) -> Self {
        Self {
            kind: Kind::Deadline,
            until: WATCH.deadline().exit().unwrap_or(now),
            is_first: false,
        }
    }

    fn of_dump(now: Nanos, is_first: bool) -> Self {
        Self {
            kind: Kind::Dump,
            until: now.saturating_add(DUMP_PATIENCE),
            is_first,
        }
    }

    fn end(self) -> Nanos {
        match due(WATCH.deadline()).filter(|_| self.is_first) {
            Some(due) => self.until.min(due),
            None => self.until,
        }
    }

    /// Whether the report for the deadline is due, which the shutdown may have
    /// brought since this one began.
    fn makes_way(self) -> bool {
        self.is_first && due(WATCH.deadline()).is_some_and(|due| due <= kill_path::now())
    }
}

fn has_function(stack: &Stack) -> bool {
    let mut frames = stack.frames();
    frames.any(|frame| !frame.function.as_str().is_empty())
}

fn level(kind: Kind) -> Level {
    match kind {
        Kind::Deadline => Level::Error,
        Kind::Dump => Level::Warn,
    }
}
