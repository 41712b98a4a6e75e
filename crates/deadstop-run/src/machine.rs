//! The supervisor's decisions: a state machine without system calls or a clock.
//!
//! ```text
//! Running ──signal of --on──▶ Stopping ──deadline──▶ Action::Kill ──2 s──▶ Action::End
//!                               next: Inspection  at half of the grace period
//!                                     Report      shortly before the deadline
//!                                     Kill
//! ```
//!
//! The supervisor ends as soon as the program does, in every state.
//!
//! The program is inspected when the shutdown begins, when half of the grace period is
//! over, and for the report. On a busy machine the last inspection may be late: a killed
//! process has no threads to list, and the report is of the one before.
//!
//! The supervisor waits a little for a program that survives its `SIGKILL`, because it sleeps
//! uninterruptibly or a debugger holds it. Then the supervisor ends without it.

use std::collections::BTreeMap;
use std::time::Duration;

use deadstop_core::Nanos;

/// The time before the deadline at which the report is written, unless a quarter of the grace
/// period is shorter.
const REPORT_BEFORE: Duration = Duration::from_millis(500);

/// The longest wait for a killed program to disappear.
const PATIENCE: Duration = Duration::from_secs(2);

/// A signal and its sender.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Received {
    pub(crate) signal: i32,
    /// The sender's process id and user, if it was a process.
    pub(crate) sender: Option<(i32, u32)>,
    /// `true` if the terminal has sent it, to the program as well.
    pub(crate) is_terminal: bool,
    pub(crate) at: Nanos,
}

/// The end of the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    Exited(u8),
    Killed {
        signal: i32,
        dumped_core: bool,
    },
    /// The program was killed, and has not disappeared.
    Survived,
}

/// An action for the caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Action {
    /// Pass this signal on.
    Pass(i32),
    /// The shutdown begins: remember how much each thread has computed so far.
    Begin(Received, Nanos),
    /// Inspect the program, in case the inspection for the report is too late.
    Inspect,
    /// Write the report.
    Report,
    /// Kill the program, its group, and its descendants.
    Kill,
    /// The program has stopped: stop as well.
    Stop,
    /// The program goes on.
    GoOn,
    /// End.
    End,
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct Machine {
    grace: Option<Duration>,
    on: Vec<i32>,
    rewrites: BTreeMap<i32, i32>,
    /// Set once the shutdown has begun.
    stopping: Option<Stopping>,
}

#[derive(Debug)]
struct Stopping {
    begun: Received,
    deadline: Nanos,
    next: Next,
}

/// The next step of a shutdown.
#[derive(Debug)]
enum Next {
    Inspection,
    Report,
    Kill,
    /// The program was killed; at this time the supervisor ends without it.
    End(Nanos),
}

/// The shutdown that has begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Shutdown {
    pub(crate) begun: Received,
    pub(crate) deadline: Nanos,
    pub(crate) is_killed: bool,
}

impl Machine {
    pub(crate) fn new(grace: Option<Duration>, on: &[i32], rewrites: &BTreeMap<i32, i32>) -> Self {
        Self {
            grace,
            on: on.to_vec(),
            rewrites: rewrites.clone(),
            stopping: None,
        }
    }

    /// Takes a signal.
    pub(crate) fn received(&mut self, received: Received) -> Vec<Action> {
        let mut actions = Vec::new();
        let is_trigger = self.on.contains(&received.signal) && self.stopping.is_none();
        if let Some(grace) = self.grace.filter(|_| is_trigger) {
            let deadline = received.at.saturating_add(grace);
            self.stopping = Some(Stopping {
                begun: received,
                deadline,
                next: Next::Inspection,
            });
            actions.push(Action::Begin(received, deadline));
        }
        if received.is_terminal {
            return actions;
        }
        let passed = self.rewrites.get(&received.signal);
        match *passed.unwrap_or(&received.signal) {
            0 => {}
            signal => actions.push(Action::Pass(signal)),
        }
        actions
    }

    /// Does what is due at `now`.
    pub(crate) fn tick(&mut self, now: Nanos) -> Vec<Action> {
        let mut actions = Vec::new();
        let Some(stopping) = &mut self.stopping else {
            return actions;
        };
        match stopping.next {
            // After a late wake-up the report's own inspection is enough.
            Next::Inspection | Next::Report if now >= stopping.report_at() => {
                actions.push(Action::Report);
                stopping.next = Next::Kill;
            }
            Next::Inspection if now >= stopping.half() => {
                actions.push(Action::Inspect);
                stopping.next = Next::Report;
            }
            Next::End(at) if now >= at => actions.push(Action::End),
            _ => {}
        }
        if matches!(stopping.next, Next::Kill) && now >= stopping.deadline {
            actions.push(Action::Kill);
            stopping.next = Next::End(now.saturating_add(PATIENCE));
        }
        actions
    }

    /// Returns the time at which [`tick`](Self::tick) has its next action.
    pub(crate) fn next(&self) -> Option<Nanos> {
        let stopping = self.stopping.as_ref()?;
        Some(match stopping.next {
            Next::Inspection => stopping.half(),
            Next::Report => stopping.report_at(),
            Next::Kill => stopping.deadline,
            Next::End(at) => at,
        })
    }

    /// The program has stopped, by job control or by `SIGSTOP`.
    pub(crate) fn stopped(&self) -> Vec<Action> {
        // A stopped supervisor has no deadline.
        match self.stopping {
            None => vec![Action::Stop, Action::GoOn],
            Some(_) => Vec::new(),
        }
    }

    /// Returns the shutdown, if it has begun.
    pub(crate) fn shutdown(&self) -> Option<Shutdown> {
        let stopping = self.stopping.as_ref()?;
        Some(Shutdown {
            begun: stopping.begun,
            deadline: stopping.deadline,
            is_killed: matches!(stopping.next, Next::End(_)),
        })
    }

    /// Returns the exit status: the program's own, or `deadline` if it had to be
    /// killed.
    pub(crate) fn status(&self, ended: Ended, deadline: u8, success: &[u8]) -> u8 {
        if self.shutdown().is_some_and(|shutdown| shutdown.is_killed) {
            return deadline;
        }
        let status = match ended {
            Ended::Exited(status) => status,
            Ended::Killed { signal, .. } => u8::try_from(128 + signal).unwrap_or(255),
            Ended::Survived => deadline,
        };
        match success.contains(&status) {
            true => 0,
            false => status,
        }
    }
}

impl Stopping {
    fn half(&self) -> Nanos {
        let begun = self.begun.at;
        begun.saturating_add(self.deadline.since(begun) / 2)
    }

    fn report_at(&self) -> Nanos {
        let quarter = self.deadline.since(self.begun.at) / 4;
        self.deadline.saturating_sub(REPORT_BEFORE.min(quarter))
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, Ended, Machine, Received};
    use deadstop_core::Nanos;
    use std::collections::BTreeMap;
    use std::time::Duration;

    const SECOND: u64 = 1_000_000_000;

    fn machine(rewrites: &[(i32, i32)]) -> Machine {
        let rewrites = rewrites.iter().copied().collect::<BTreeMap<_, _>>();
        let grace = Some(Duration::from_secs(10));
        Machine::new(grace, &[libc::SIGTERM, libc::SIGINT], &rewrites)
    }

    fn signal(signal: i32, at: u64) -> Received {
        Received {
            signal,
            sender: None,
            is_terminal: false,
            at: Nanos(at),
        }
    }

    #[test]
    fn first_signal_begins_the_shutdown_and_later_ones_are_passed_on() {
        let mut machine = machine(&[]);
        let first = signal(libc::SIGTERM, SECOND);
        assert_eq!(
            machine.received(first),
            [
                Action::Begin(first, Nanos(11 * SECOND)),
                Action::Pass(libc::SIGTERM)
            ]
        );
        let second = signal(libc::SIGINT, 5 * SECOND);
        assert_eq!(machine.received(second), [Action::Pass(libc::SIGINT)]);
        assert_eq!(
            machine.shutdown().map(|it| it.deadline),
            Some(Nanos(11 * SECOND))
        );
    }

    #[test]
    fn signal_of_the_terminal_begins_the_shutdown_and_is_not_passed_on() {
        let mut machine = machine(&[(libc::SIGINT, libc::SIGQUIT)]);
        let first = Received {
            is_terminal: true,
            ..signal(libc::SIGINT, SECOND)
        };
        assert_eq!(
            machine.received(first),
            [Action::Begin(first, Nanos(11 * SECOND))]
        );
        assert_eq!(machine.received(first), []);
    }

    #[test]
    fn other_signals_begin_nothing() {
        let mut machine = machine(&[]);
        assert_eq!(
            machine.received(signal(libc::SIGHUP, SECOND)),
            [Action::Pass(libc::SIGHUP)]
        );
        assert_eq!(machine.next(), None);
        assert_eq!(machine.tick(Nanos(u64::MAX)), []);
    }

    #[test]
    fn report_comes_before_the_kill_and_neither_is_early() {
        let mut machine = machine(&[]);
        machine.received(signal(libc::SIGTERM, 0));
        assert_eq!(machine.next(), Some(Nanos(5 * SECOND)));
        assert_eq!(machine.tick(Nanos(5 * SECOND - 1)), []);
        assert_eq!(machine.tick(Nanos(5 * SECOND)), [Action::Inspect]);
        assert_eq!(machine.next(), Some(Nanos(9 * SECOND + SECOND / 2)));
        assert_eq!(machine.tick(Nanos(9 * SECOND)), []);
        assert_eq!(
            machine.tick(Nanos(9 * SECOND + SECOND / 2)),
            [Action::Report]
        );
        assert_eq!(machine.next(), Some(Nanos(10 * SECOND)));
        assert_eq!(machine.tick(Nanos(10 * SECOND - 1)), []);
        assert_eq!(machine.tick(Nanos(10 * SECOND)), [Action::Kill]);
        assert_eq!(machine.status(Ended::Exited(0), 124, &[]), 124);
    }

    #[test]
    fn late_wake_up_skips_the_early_inspection() {
        let mut machine = machine(&[]);
        machine.received(signal(libc::SIGTERM, 0));
        assert_eq!(
            machine.tick(Nanos(10 * SECOND)),
            [Action::Report, Action::Kill]
        );
    }

    #[test]
    fn program_that_survives_its_kill_is_left_after_a_while() {
        let mut machine = machine(&[]);
        machine.received(signal(libc::SIGTERM, 0));
        machine.tick(Nanos(20 * SECOND));
        assert_eq!(machine.tick(Nanos(21 * SECOND)), []);
        assert_eq!(machine.tick(Nanos(22 * SECOND)), [Action::End]);
        assert_eq!(machine.status(Ended::Survived, 124, &[]), 124);
    }

    #[test]
    fn rewritten_signal_still_begins_the_shutdown() {
        let mut machine = machine(&[(libc::SIGTERM, libc::SIGQUIT), (libc::SIGINT, 0)]);
        let first = signal(libc::SIGINT, SECOND);
        assert_eq!(
            machine.received(first),
            [Action::Begin(first, Nanos(11 * SECOND))]
        );
        assert_eq!(
            machine.received(signal(libc::SIGTERM, SECOND)),
            [Action::Pass(libc::SIGQUIT)]
        );
    }

    #[test]
    fn stopped_program_stops_the_supervisor_only_without_a_deadline() {
        let mut machine = machine(&[]);
        assert_eq!(machine.stopped(), [Action::Stop, Action::GoOn]);
        machine.received(signal(libc::SIGTERM, 0));
        assert_eq!(machine.stopped(), []);
    }

    #[test]
    fn statuses_are_those_of_a_shell() {
        let machine = machine(&[]);
        assert_eq!(machine.status(Ended::Exited(3), 124, &[]), 3);
        let killed = Ended::Killed {
            signal: libc::SIGKILL,
            dumped_core: false,
        };
        assert_eq!(machine.status(killed, 124, &[]), 137);
        assert_eq!(machine.status(Ended::Exited(143), 124, &[143]), 0);
    }

    #[test]
    fn without_a_grace_period_there_is_no_deadline() {
        let mut machine = Machine::new(None, &[libc::SIGTERM], &BTreeMap::new());
        assert_eq!(
            machine.received(signal(libc::SIGTERM, 0)),
            [Action::Pass(libc::SIGTERM)]
        );
        assert_eq!(machine.next(), None);
    }
}
