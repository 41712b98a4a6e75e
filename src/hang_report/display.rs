//! From a report to text, as the library writes it.

use std::fmt::{self, Display, Formatter, Write};
use std::time::Duration;

use super::scan::is_plain;
use super::{
    Ending, HangReport, HungPhase, HungTask, HungThread, ReportKind, StackFrame, TaskState,
    ThreadDetails, ThreadStack,
};

impl Display for HangReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        match &self.begun {
            None => f.write_str("deadstop: cause: none, the shutdown has not begun\n")?,
            Some(begun) => {
                let (cause, ago, grace) = (&begun.cause, Seconds(begun.ago), Span(begun.grace));
                writeln!(f, "deadstop: cause: {cause}, {ago} ago; grace {grace}")?;
            }
        }
        let of = |is: fn(&TaskState) -> bool| self.tasks.iter().filter(move |task| is(&task.state));
        for task in of(|state| matches!(state, TaskState::Running { .. })) {
            task.fmt(f)?;
        }
        more(f, self.unlisted.running, "tasks running")?;
        for task in of(|state| matches!(state, TaskState::Waiting)) {
            task.fmt(f)?;
        }
        more(f, self.unlisted.waiting, "tasks waiting")?;
        for thread in &self.threads {
            write!(f, "deadstop: thread {thread}")?;
            f.write_char('\n')?;
            stack(f, thread)?;
        }
        more(f, self.unlisted.threads, "threads")?;
        if let Some(error) = self.refused {
            writeln!(
                f,
                "deadstop: threads are not known: /proc is refused with error {error}"
            )?;
        }
        for phase in &self.phases {
            phase.fmt(f)?;
        }
        more(f, self.unlisted.phases, "phases")?;
        for task in of(|state| matches!(state, TaskState::Over { .. })) {
            task.fmt(f)?;
        }
        f.write_str(match self.ending {
            Ending::CutShort => "deadstop: cut short\n",
            Ending::Missing => "",
            Ending::Whole => "deadstop: end of hang report 1\n",
        })
    }
}

impl HangReport {
    fn headline(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("deadstop: ")?;
        if self.kind == ReportKind::Dump {
            f.write_str("dump, ")?;
        }
        match self.deadline_in {
            Some(left) => write!(f, "deadline in {}: ", Span(left))?,
            None => f.write_str("no deadline: ")?,
        }
        match (self.hung, self.kind) {
            (0, ReportKind::Dump) => return f.write_str("no task is running\n"),
            (0, ReportKind::Deadline) => {
                return f.write_str("no task is running, but the process has not ended\n");
            }
            (1, _) => f.write_str("1 task has not returned:")?,
            (hung, _) => write!(f, "{hung} tasks have not returned:")?,
        }
        let mut separator = " ";
        for culprit in &self.culprits {
            let (name, phase) = (Quoted(&culprit.name), Word(&culprit.phase));
            let ran = Seconds(culprit.ran);
            write!(f, "{separator}{name} (phase {phase}, {ran})")?;
            separator = ", ";
        }
        let listed = self.hung.saturating_sub(self.unlisted.running);
        if listed > self.culprits.len() as u64 {
            f.write_str(", ...")?;
        }
        f.write_char('\n')
    }
}

impl Display for HungTask {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (name, phase) = (Quoted(&self.name), Word(&self.phase));
        write!(f, "deadstop: task {name} {phase}")?;
        let (file, line) = (Word(&self.file), self.line);
        match &self.state {
            TaskState::Waiting => writeln!(f, " waiting, {file}:{line}"),
            TaskState::Over {
                start,
                took,
                budget,
                how,
            } => {
                times(f, *start, *took, *budget)?;
                writeln!(f, ", {}, {file}:{line}", Word(how))
            }
            TaskState::Running {
                ran,
                budget,
                abandoned,
                thread,
                says,
            } => {
                write!(f, " {} of {}", Seconds(*ran), Span(*budget))?;
                if *abandoned {
                    f.write_str(", abandoned")?;
                }
                write!(f, ", {file}:{line}")?;
                if let Some(thread) = thread {
                    write!(f, ", thread {thread}")?;
                }
                if !says.is_empty() {
                    write!(f, "; says {}", Quoted(says))?;
                }
                f.write_char('\n')?;
                thread.as_ref().map_or(Ok(()), |thread| stack(f, thread))
            }
        }
    }
}

impl Display for HungPhase {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "deadstop: phase {}", Word(&self.name))?;
        times(f, self.start, self.took, self.budget)?;
        f.write_str(match self.over {
            true => ", over\n",
            false => ", running\n",
        })
    }
}

impl Display for HungThread {
    /// Without its stack.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id)?;
        self.details
            .as_ref()
            .map_or(Ok(()), |details| details.fmt(f))
    }
}

impl Display for ThreadDetails {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (name, state) = (Quoted(&self.name), self.state);
        write!(f, " {name} {state} {}, {}", self.place, self.doing)?;
        if let Some(cpu) = self.cpu {
            write!(f, ", {} of CPU", Seconds(cpu))?;
        }
        if let Some(busy) = self.busy {
            write!(f, ", {busy} % busy")?;
        }
        Ok(())
    }
}

impl Display for StackFrame {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(function) = &self.function {
            write!(f, "{} (", Escaped(function))?;
        }
        match &self.module {
            Some(module) => write!(f, "{}+{:#x}", Word(module), self.offset)?,
            None => write!(f, "{:#x}", self.offset)?,
        }
        if self.function.is_some() {
            if let Some(site) = &self.site {
                write!(f, ", {}", Word(site))?;
            }
            f.write_char(')')?;
        }
        Ok(())
    }
}

fn stack(f: &mut Formatter<'_>, thread: &HungThread) -> fmt::Result {
    match &thread.stack {
        None => {}
        Some(ThreadStack::Refused(why)) => writeln!(f, "deadstop:   no stack: {why}")?,
        Some(ThreadStack::Captured { frames, left_out }) => {
            for (place, frame) in frames.iter().enumerate() {
                writeln!(f, "deadstop:   #{place} {frame}")?;
            }
            if *left_out > 0 {
                writeln!(f, "deadstop:   and {left_out} more frames")?;
            }
        }
    }
    Ok(())
}

fn times(f: &mut Formatter<'_>, start: Duration, took: Duration, budget: Duration) -> fmt::Result {
    let (start, took, budget) = (Seconds(start), Seconds(took), Span(budget));
    write!(f, " at {start}, {took} of {budget}")
}

fn more(f: &mut Formatter<'_>, number: u64, what: &str) -> fmt::Result {
    match number {
        0 => Ok(()),
        _ => writeln!(f, "deadstop: and {number} more {what}"),
    }
}

/// A length of time, to the nearest tenth of a second.
struct Seconds(Duration);

impl Display for Seconds {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let length = self.0.saturating_add(Duration::from_millis(50));
        write!(f, "{}.{} s", length.as_secs(), length.subsec_millis() / 100)
    }
}

/// A length of time that may be without end.
struct Span(Duration);

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Duration::MAX => f.write_str("no end"),
            length => Seconds(length).fmt(f),
        }
    }
}

/// A word, in quotes if it could be misread.
struct Word<'a>(&'a str);

impl Display for Word<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match !self.0.is_empty() && self.0.bytes().all(is_plain) {
            true => f.write_str(self.0),
            false => Quoted(self.0).fmt(f),
        }
    }
}

struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", Escaped(self.0))
    }
}

/// A text that can neither end a line nor move a cursor.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if c.is_control() => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
