//! The life of `deadstop-report`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use log::Level;

use crate::error::InstallError;
use crate::installation::{self, WATCH};
use crate::kill_path::report::{Facts, Kind, json, stacks, text};
use crate::kill_path::{self, CAUSE, Census, Line, Nanos, Proc, STACKS, Stack};
use crate::trigger::FIRST;

use super::round::{Asked, Next, Round};
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
        // Before there is anybody who could ask.
        let round = Round::first(&ASKED);
        let desk = Desk {
            retired: Arc::clone(&retired),
            sinks,
            proc: Proc::open(),
            stacks: Stacks::prepare(),
        };
        let why_no_stacks = desk.stacks.why_not();
        // All that a report is made in is on its stack: memory that is there,
        // and is touched only if there is a hang.
        installation::spawn_deep("deadstop-report", move || desk.live(round))?;
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
    /// The thread's life.
    fn live(&self, mut round: Round) {
        // As prompt as the watchdog, or under load there is an end and no
        // report.
        kill_path::settle();
        let deadline = WATCH.deadline();
        let is_retired = || self.retired.load(Ordering::Acquire);
        loop {
            match round.look(deadline, &ASKED, is_retired, kill_path::now) {
                Next::Leave => return,
                Next::Report(exit) => self.report(Kind::Deadline, exit),
                Next::Dump => {
                    let until = kill_path::now().saturating_add(DUMP_PATIENCE);
                    self.report(Kind::Dump, until);
                }
                Next::Wait { seen, due } => {
                    let next = due.map(|due| kill_path::next_look(kill_path::now(), due));
                    deadline.wait_change(seen, next);
                }
            }
        }
    }

    /// Writes a report to all sinks, as long as they take it before `until`;
    /// first what can be had without an allocator, and then once more with the
    /// names of functions.
    fn report(&self, kind: Kind, until: Nanos) {
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
        self.look(&mut census, &mut stacks, until);
        let facts = |now| Facts {
            kind,
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
        self.write(&essential, until);

        for stack in &mut stacks {
            self.stacks.look_up(stack);
        }
        let mut frames = stacks.iter().flat_map(Stack::frames);
        if frames.any(|frame| !frame.function.as_str().is_empty()) {
            let named = Facts {
                stacks: &stacks,
                ..facts(kill_path::now())
            };
            self.write_names(&named, until);
        }
    }

    /// Looks at the threads of the tasks that have not returned, at main, and
    /// at others; and has the first of these write down their stacks.
    fn look(&self, census: &mut Census, stacks: &mut [Stack; STACKS], until: Nanos) {
        let now = kill_path::now();
        let patience = (until.since(now) / CENSUS_PART).min(CENSUS);
        let mut threads = [0; STACKS];
        // The last place is main's.
        let hung = ROSTER.hung_threads(&mut threads[..STACKS - 1]);
        let tasks = threads[..hung].iter().copied();
        census.take(&self.proc, tasks, now.saturating_add(patience));
        let main = kill_path::pid();
        if !threads[..hung].contains(&main) {
            threads[hung] = main;
        }
        for (tid, stack) in threads.into_iter().zip(stacks) {
            if tid != 0 {
                self.stacks.capture(tid, stack, until);
            }
        }
    }

    /// Writes what could be had without an allocator.
    fn write(&self, facts: &Facts<'_>, until: Nanos) {
        self.write_files(facts);
        let mut lines = Line::<TEXT>::new();
        text(&mut lines, facts, ALL);
        self.sinks.stderr(lines.as_str(), until);
        self.sinks.log(lines.as_str(), level(facts.kind));
    }

    /// Writes it once more where it can be written over, and elsewhere what is
    /// new.
    fn write_names(&self, facts: &Facts<'_>, until: Nanos) {
        self.write_files(facts);
        let mut lines = Line::<TEXT>::new();
        stacks(&mut lines, facts, ALL);
        self.sinks.stderr(lines.as_str(), until);
        self.sinks.log(lines.as_str(), level(facts.kind));
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

fn level(kind: Kind) -> Level {
    match kind {
        Kind::Deadline => Level::Error,
        Kind::Dump => Level::Warn,
    }
}
