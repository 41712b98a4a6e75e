//! From text to a report.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::scan::{Scan, closing_quote, unescape};
use super::{
    Begun, Culprit, Ending, HangReport, HungPhase, HungTask, HungThread, ReportKind, StackFrame,
    TaskState, ThreadDetails, ThreadStack, Unlisted,
};

/// What every line of a report begins with.
const PREFIX: &str = "deadstop: ";

/// Why a text is no hang report.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParseReportError {
    /// No line is the first of a report: `deadstop: deadline in ...`, or
    /// `deadstop: dump, ...`.
    NoReport,
    /// A line that a report would have is not as a report would have it.
    #[non_exhaustive]
    Line {
        /// Which, counted from 1.
        number: usize,
        /// What it says.
        text: String,
    },
    /// The report is of a later version of the format.
    #[non_exhaustive]
    Version {
        /// Which.
        version: u32,
    },
}

impl fmt::Display for ParseReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReport => f.write_str(
                "no line begins with \"deadstop: deadline in\" or \"deadstop: dump,\", \
                 as a hang report does",
            ),
            Self::Line { number, text } => {
                write!(f, "line {number} is not as in a hang report: {text:?}")
            }
            Self::Version { version } => {
                write!(f, "the hang report has format {version}; 1 is known")
            }
        }
    }
}

impl Error for ParseReportError {}

impl HangReport {
    /// Reads the first report in `text`, which may have other lines before it,
    /// behind it, and between its own.
    ///
    /// Names of functions that follow the report are put into its stacks.
    ///
    /// # Errors
    ///
    /// Fails if there is no report, if a line of it is broken, and if it is of
    /// a version that is not known; see [`ParseReportError`].
    pub fn parse(text: &str) -> Result<Self, ParseReportError> {
        let mut lines = text
            .lines()
            // A terminal that is recorded may have put in more than one.
            .map(|line| line.trim_end_matches('\r'))
            .enumerate()
            .filter_map(|(place, line)| Some((place, line.strip_prefix(PREFIX)?)));
        let mut report = loop {
            let (place, line) = lines.next().ok_or(ParseReportError::NoReport)?;
            if line.starts_with("deadline in ") || line.starts_with("dump, ") {
                break headline(line).ok_or_else(|| broken(place, line))?;
            }
        };
        let mut at = At::Nowhere;
        for (place, line) in lines {
            if line.starts_with("deadline in ") || line.starts_with("dump, ") {
                // The next report.
                break;
            }
            match report.add(line, at) {
                Some(next) => at = next,
                None if is_known(line) => return Err(broken(place, line)),
                None => {}
            }
            if let At::End(version @ 2..) = at {
                return Err(ParseReportError::Version { version });
            }
        }
        report.tasks.sort_by_key(|task| match task.state {
            TaskState::Running { .. } => 0,
            TaskState::Waiting => 1,
            TaskState::Over { .. } => 2,
        });
        Ok(report)
    }
}

fn broken(place: usize, line: &str) -> ParseReportError {
    ParseReportError::Line {
        number: place + 1,
        text: format!("{PREFIX}{line}"),
    }
}

/// Whether a line begins as one of a report does.
fn is_known(line: &str) -> bool {
    let begins = [
        "  #",
        "  and ",
        "  no stack: ",
        "and ",
        "cause: ",
        "end of hang report ",
        "phase ",
        "stack of thread ",
        "task \"",
        "thread ",
    ];
    begins.iter().any(|begin| line.starts_with(begin))
}

/// What the lines of a stack belong to.
#[derive(Clone, Copy)]
enum At {
    Nowhere,
    /// The task at this place, or the thread.
    Task(usize),
    Thread(usize),
    /// The report has ended, by a line of this version.
    End(u32),
}

impl HangReport {
    /// Adds what a line says, and returns what the next one may belong to.
    /// `None` if it is no line of a report.
    fn add(&mut self, line: &str, at: At) -> Option<At> {
        let mut scan = Scan(line);
        if scan.tag("task ").is_some() {
            self.tasks.push(task(scan)?);
            return Some(At::Task(self.tasks.len() - 1));
        }
        if scan.tag("thread ").is_some() {
            self.threads.push(whole(scan, thread)?);
            return Some(At::Thread(self.threads.len() - 1));
        }
        if scan.tag("  ").is_some() {
            stack_line(scan, self.stack_at(at)?)?;
            return Some(at);
        }
        if scan.tag("stack of thread ").is_some() {
            let id = whole(scan, Scan::number)?;
            return Some(self.begin_stack_again(id));
        }
        if scan.tag("cause: ").is_some() {
            self.begun = begun(scan)?;
        } else if scan.tag("phase ").is_some() {
            self.phases.push(phase(scan)?);
        } else if scan.tag("and ").is_some() {
            self.more(scan)?;
        } else if scan.tag("threads are not known: ").is_some() {
            scan.tag("/proc is refused with error ")?;
            self.refused = Some(whole(scan, Scan::number)?);
        } else if scan.tag("end of hang report ").is_some() {
            self.ending = Ending::Whole;
            return Some(At::End(whole(scan, Scan::number)?));
        } else if line == "cut short" {
            if self.ending == Ending::Missing {
                self.ending = Ending::CutShort;
            }
        } else if line != "end of stacks" {
            return None;
        }
        Some(At::Nowhere)
    }

    /// `N more tasks running`, and the like.
    fn more(&mut self, mut scan: Scan<'_>) -> Option<()> {
        let number = scan.number()?;
        let place = match scan.0 {
            " more tasks running" => &mut self.unlisted.running,
            " more tasks waiting" => &mut self.unlisted.waiting,
            " more threads" => &mut self.unlisted.threads,
            " more phases" => &mut self.unlisted.phases,
            _ => return None,
        };
        *place = number;
        Some(())
    }

    fn stack_at(&mut self, at: At) -> Option<&mut Option<ThreadStack>> {
        match at {
            At::Task(place) => match &mut self.tasks.get_mut(place)?.state {
                TaskState::Running { thread, .. } => Some(&mut thread.as_mut()?.stack),
                _ => None,
            },
            At::Thread(place) => Some(&mut self.threads.get_mut(place)?.stack),
            At::Nowhere | At::End(_) => None,
        }
    }

    /// The stack of a thread follows once more, now with names. One of a thread
    /// that is not listed is passed over.
    fn begin_stack_again(&mut self, id: u32) -> At {
        let is_on = |task: &HungTask| task.thread().is_some_and(|thread| thread.id == id);
        let at = match self.tasks.iter().position(is_on) {
            Some(place) => At::Task(place),
            None => match self.threads.iter().position(|thread| thread.id == id) {
                Some(place) => At::Thread(place),
                None => {
                    self.threads.push(HungThread {
                        id,
                        details: None,
                        stack: None,
                    });
                    At::Thread(self.threads.len() - 1)
                }
            },
        };
        if let Some(stack) = self.stack_at(at) {
            *stack = None;
        }
        at
    }
}

/// Takes what `read` takes, if it is all there is.
fn whole<'a, T>(mut scan: Scan<'a>, read: impl FnOnce(&mut Scan<'a>) -> Option<T>) -> Option<T> {
    let value = read(&mut scan)?;
    scan.end()?;
    Some(value)
}

fn headline(line: &str) -> Option<HangReport> {
    let mut scan = Scan(line);
    let kind = match scan.tag("dump, ") {
        Some(()) => ReportKind::Dump,
        None => ReportKind::Deadline,
    };
    let deadline_in = match scan.tag("no deadline") {
        Some(()) => None,
        None => {
            scan.tag("deadline in ")?;
            Some(scan.span()?)
        }
    };
    scan.tag(": ")?;
    let mut report = HangReport {
        kind,
        deadline_in,
        hung: 0,
        culprits: Vec::new(),
        begun: None,
        tasks: Vec::new(),
        threads: Vec::new(),
        phases: Vec::new(),
        unlisted: Unlisted::default(),
        refused: None,
        ending: Ending::Missing,
    };
    if scan.tag("no task is running").is_some() {
        if kind == ReportKind::Deadline {
            scan.tag(", but the process has not ended")?;
        }
        scan.end()?;
        return Some(report);
    }
    report.hung = scan.number().filter(|hung| *hung > 0)?;
    scan.tag(match report.hung {
        1 => " task has not returned:",
        _ => " tasks have not returned:",
    })?;
    let mut separator = " ";
    while scan.end().is_none() && scan.0 != ", ..." {
        scan.tag(separator)?;
        report.culprits.push(culprit(&mut scan)?);
        separator = ", ";
    }
    Some(report)
}

fn culprit(scan: &mut Scan<'_>) -> Option<Culprit> {
    let name = scan.quoted()?;
    scan.tag(" (phase ")?;
    let phase = scan.word()?;
    scan.tag(", ")?;
    let ran = scan.seconds()?;
    scan.tag(")")?;
    Some(Culprit { name, phase, ran })
}

/// The cause is any text at all, so what follows it is found from the end.
fn begun(scan: Scan<'_>) -> Option<Option<Begun>> {
    if scan.0 == "none, the shutdown has not begun" {
        return Some(None);
    }
    let (rest, grace) = scan.0.rsplit_once(" ago; grace ")?;
    let (cause, ago) = rest.rsplit_once(", ")?;
    Some(Some(Begun {
        cause: cause.to_owned(),
        ago: whole(Scan(ago), Scan::seconds)?,
        grace: whole(Scan(grace), Scan::span)?,
    }))
}

fn task(mut scan: Scan<'_>) -> Option<HungTask> {
    let name = scan.quoted()?;
    scan.tag(" ")?;
    let phase = scan.word()?;
    if scan.tag(" waiting, ").is_some() {
        let (file, line) = whole(scan, site)?;
        return Some(HungTask {
            name,
            phase,
            file,
            line,
            state: TaskState::Waiting,
        });
    }
    if scan.tag(" at ").is_some() {
        let (start, took, budget) = times(&mut scan)?;
        scan.tag(", ")?;
        let how = scan.word()?;
        scan.tag(", ")?;
        let (file, line) = whole(scan, site)?;
        let state = TaskState::Over {
            start,
            took,
            budget,
            how,
        };
        return Some(HungTask {
            name,
            phase,
            file,
            line,
            state,
        });
    }
    scan.tag(" ")?;
    let ran = scan.seconds()?;
    scan.tag(" of ")?;
    let budget = scan.span()?;
    let abandoned = scan.tag(", abandoned, ").is_some();
    if !abandoned {
        scan.tag(", ")?;
    }
    let (file, line) = site(&mut scan)?;
    let thread = match scan.tag(", thread ") {
        Some(()) => Some(thread(&mut scan)?),
        None => None,
    };
    let says = match scan.tag("; says ") {
        Some(()) => scan.quoted()?,
        None => String::new(),
    };
    scan.end()?;
    let state = TaskState::Running {
        ran,
        budget,
        abandoned,
        thread,
        says,
    };
    Some(HungTask {
        name,
        phase,
        file,
        line,
        state,
    })
}

fn phase(mut scan: Scan<'_>) -> Option<HungPhase> {
    let name = scan.word()?;
    scan.tag(" at ")?;
    let (start, took, budget) = times(&mut scan)?;
    let over = match scan.0 {
        ", over" => true,
        ", running" => false,
        _ => return None,
    };
    Some(HungPhase {
        name,
        start,
        took,
        budget,
        over,
    })
}

fn times(scan: &mut Scan<'_>) -> Option<(Duration, Duration, Duration)> {
    let start = scan.seconds()?;
    scan.tag(", ")?;
    let took = scan.seconds()?;
    scan.tag(" of ")?;
    Some((start, took, scan.span()?))
}

fn site(scan: &mut Scan<'_>) -> Option<(String, u32)> {
    let (file, line) = scan.pair(":")?;
    Some((file, line.parse().ok()?))
}

fn thread(scan: &mut Scan<'_>) -> Option<HungThread> {
    let id = scan.number()?;
    let details = match scan.0.starts_with(" \"") {
        true => Some(details(scan)?),
        false => None,
    };
    Some(HungThread {
        id,
        details,
        stack: None,
    })
}

fn details(scan: &mut Scan<'_>) -> Option<ThreadDetails> {
    scan.tag(" ")?;
    let name = scan.quoted()?;
    scan.tag(" ")?;
    let state = scan.0.chars().next()?;
    scan.0 = &scan.0[state.len_utf8()..];
    scan.tag(" ")?;
    let place = scan.until(", ")?.to_owned();
    let doing = doing(scan);
    let mut busy = None;
    let cpu = match scan.tag(", ") {
        Some(()) => {
            let cpu = scan.seconds()?;
            scan.tag(" of CPU")?;
            if scan.tag(", ").is_some() {
                busy = Some(scan.number()?);
                scan.tag(" % busy")?;
            }
            Some(cpu)
        }
        None => None,
    };
    Some(ThreadDetails {
        name,
        state,
        place,
        doing,
        cpu,
        busy,
    })
}

/// What a thread is doing: all up to its processor time, to what a task says,
/// or to the end. In quotes, nothing ends it.
fn doing(scan: &mut Scan<'_>) -> String {
    let text = scan.0;
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else {
            break;
        };
        if first == ';' || is_cpu(rest) {
            break;
        }
        at += match first {
            '"' => closing_quote(&rest[1..]).map_or(rest.len(), |end| end + 2),
            _ => first.len_utf8(),
        };
    }
    scan.0 = &text[at..];
    text[..at].to_owned()
}

fn is_cpu(rest: &str) -> bool {
    let mut scan = Scan(rest);
    scan.tag(", ").is_some() && scan.seconds().is_some() && scan.tag(" of CPU").is_some()
}

/// A line of a stack.
fn stack_line(mut scan: Scan<'_>, stack: &mut Option<ThreadStack>) -> Option<()> {
    if scan.tag("no stack: ").is_some() {
        *stack = Some(ThreadStack::Refused(scan.0.to_owned()));
        return Some(());
    }
    // Before the stack is touched: this may be no line of one.
    let line = match scan.tag("and ") {
        Some(()) => StackLine::More(whole(scan, |scan| {
            let more = scan.number().filter(|more| *more > 0)?;
            scan.tag(" more frames")?;
            Some(more)
        })?),
        None => {
            scan.tag("#")?;
            let place = scan.number()?;
            scan.tag(" ")?;
            StackLine::Frame(place, frame(scan.0)?)
        }
    };
    let captured = stack.get_or_insert(ThreadStack::Captured {
        frames: Vec::new(),
        left_out: 0,
    });
    let ThreadStack::Captured { frames, left_out } = captured else {
        return None;
    };
    match line {
        StackLine::More(more) => *left_out = more,
        StackLine::Frame(place, frame) if place == frames.len() => frames.push(frame),
        StackLine::Frame(..) => return None,
    }
    Some(())
}

enum StackLine {
    More(u64),
    Frame(usize, StackFrame),
}

/// A function's name may have anything in it, so the parentheses behind it are
/// found from the end.
fn frame(text: &str) -> Option<StackFrame> {
    let inner = text.strip_suffix(')').unwrap_or_default();
    for (at, _) in inner.rmatch_indices(" (") {
        let place = whole(Scan(&inner[at + 2..]), place_and_site);
        if let Some(((module, offset), site)) = place {
            return Some(StackFrame {
                function: Some(unescape(&text[..at])?),
                module,
                offset,
                site,
            });
        }
    }
    let (module, offset) = whole(Scan(text), place_in_code)?;
    Some(StackFrame {
        function: None,
        module,
        offset,
        site: None,
    })
}

type PlaceInCode = (Option<String>, u64);

fn place_and_site(scan: &mut Scan<'_>) -> Option<(PlaceInCode, Option<String>)> {
    let place = place_in_code(scan)?;
    let site = match scan.tag(", ") {
        Some(()) => Some(scan.word()?),
        None => None,
    };
    Some((place, site))
}

/// `MODULE+0xOFFSET`, or `0xADDRESS`.
fn place_in_code(scan: &mut Scan<'_>) -> Option<PlaceInCode> {
    let mut with_module = *scan;
    if let Some((module, offset)) = with_module.pair("+0x") {
        *scan = with_module;
        return Some((Some(module), u64::from_str_radix(offset, 16).ok()?));
    }
    Some((None, scan.hex()?))
}
