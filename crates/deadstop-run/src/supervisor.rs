//! The supervisor: takes signals and the ends of children, and does what the state
//! machine says.

use std::time::Duration;

use deadstop_core::{Nanos, now, pid};

use crate::arguments::Options;
use crate::explain::{self, Facts};
use crate::leftovers;
use crate::machine::{Action, Ended, Machine, Received};
use crate::output;
use crate::processes::{self, CpuTimes};
use crate::program::Program;
use crate::report::{Report, Reporter};
use crate::sys::child::{self, Change};
use crate::sys::signals::Signals;
use crate::sys::{process, terminal};

/// The longest wait for the file of `--report`: its disk may hang.
const FILE: Duration = Duration::from_millis(500);

pub(crate) struct Supervisor<'a> {
    options: &'a Options,
    machine: Machine,
    program: Program,
    /// The last signal that was passed on.
    passed: Option<i32>,
    /// From the beginning of the shutdown.
    reporter: Option<Reporter>,
}

impl<'a> Supervisor<'a> {
    pub(crate) fn new(options: &'a Options, program: Program) -> Self {
        Self {
            options,
            machine: Machine::new(options.grace, &options.on, &options.rewrites),
            program,
            passed: None,
            reporter: None,
        }
    }

    /// Runs until the program has ended, or has survived its kill.
    pub(crate) fn supervise(&mut self, signals: &mut Signals) -> Ended {
        loop {
            let mut actions = self.take_signals(signals);
            if let Some(ended) = self.reap(&mut actions) {
                return ended;
            }
            actions.extend(self.machine.tick(now()));
            if actions.is_empty() {
                signals.wait(self.machine.next());
            }
            for action in actions {
                if action == Action::End {
                    return Ended::Survived;
                }
                self.act(action);
            }
        }
    }

    fn take_signals(&mut self, signals: &mut Signals) -> Vec<Action> {
        let mut actions = Vec::new();
        while let Some(received) = signals.next() {
            // It says that a child has changed, which `reap` finds out.
            if received.signal != libc::SIGCHLD {
                actions.extend(self.machine.received(received));
            }
        }
        actions
    }

    /// Reaps children, orphans among them. Returns the end of the program.
    fn reap(&mut self, actions: &mut Vec<Action>) -> Option<Ended> {
        while let Some(change) = child::wait() {
            match change {
                Change::Ended(pid, ended) if pid == self.program.pid => return Some(ended),
                Change::Ended(pid, _) => self.program.reaped(pid),
                Change::Stopped(pid) if pid == self.program.pid => {
                    actions.extend(self.machine.stopped());
                }
                Change::Stopped(_) => {}
            }
        }
        None
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Pass(signal) => {
                self.passed = Some(signal);
                self.program.send(signal, self.options.to_group);
            }
            Action::Begin(begun, deadline) => self.begin(begun, deadline),
            Action::Inspect => {
                if let Some(reporter) = &self.reporter {
                    reporter.inspect();
                }
            }
            Action::Report => {
                if let Some(reporter) = &mut self.reporter {
                    reporter.write();
                }
            }
            Action::Kill => self.program.kill(),
            Action::Stop if may_stop() => {
                self.program.take_terminal_back();
                process::stop();
            }
            Action::GoOn if may_stop() => self.program.go_on(),
            Action::Stop | Action::GoOn | Action::End => {}
        }
    }

    fn begin(&mut self, begun: Received, deadline: Nanos) {
        let descendants = processes::descendants(self.program.pid);
        let before = match processes::are_visible() {
            true => CpuTimes::of([self.program.pid].into_iter().chain(descendants)),
            false => CpuTimes::default(),
        };
        self.reporter = Reporter::start(Report {
            program: self.options.program.to_string_lossy().into_owned(),
            pid: self.program.pid,
            begun,
            deadline,
            status: self.options.status,
            before,
            file: self.options.report.clone(),
        });
    }

    /// Takes the terminal back, says how the program ended, and kills or names the
    /// processes that it has left behind. Returns the exit status.
    pub(crate) fn finish(&self, ended: Ended, is_out_of_memory: bool) -> u8 {
        self.program.take_terminal_back();
        self.program.end_listener();
        let status = self.explain(ended, is_out_of_memory);
        self.treat_leftovers();
        status
    }

    fn explain(&self, ended: Ended, is_out_of_memory: bool) -> u8 {
        let options = self.options;
        let status = self.machine.status(ended, options.status, &options.success);
        let shutdown = self.machine.shutdown();
        let after = shutdown.map_or_else(Default::default, |it| now().since(it.begun.at));
        let pid = self.program.pid;
        // The number may be another process's once this one has reaped the program.
        let tracer = (ended == Ended::Survived).then(|| processes::tracer(pid));
        let line = explain::end(&Facts {
            program: &options.program.to_string_lossy(),
            pid,
            ended,
            tracer: tracer.flatten(),
            shutdown,
            after,
            is_out_of_memory,
            passed: self.passed,
            status,
        });
        // So that the report comes before the line about the end.
        if let Some(reporter) = &self.reporter {
            reporter.wait(output::SLOW_MACHINE, FILE);
        }
        if let Some(line) = line.filter(|_| !options.is_quiet) {
            output::print(&line);
        }
        status
    }

    fn treat_leftovers(&self) {
        // As pid 1, the kernel kills them all when this process ends.
        if pid() == 1 {
            return;
        }
        let was_killed = self.machine.shutdown().is_some_and(|it| it.is_killed);
        let leftovers = leftovers::find(was_killed);
        if leftovers.is_empty() {
            return;
        }
        if self.options.kills_rest {
            self.program.kill();
        } else if !self.options.is_quiet {
            output::print(&explain::leftovers(&leftovers));
        }
    }
}

/// As pid 1 this process cannot be stopped. Without a terminal no shell would continue it,
/// and a stopped supervisor hears no signal and has no deadline.
fn may_stop() -> bool {
    pid() != 1 && terminal::is_there()
}
