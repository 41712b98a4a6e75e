//! The supervisor: takes signals and the ends of children, and does what the state
//! machine says.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command as Process;
use std::thread;
use std::time::Duration;

use deadstop_core::render::ChildProcess;
use deadstop_core::sys::{KillTarget, inode_of, open_pidfd};
use deadstop_core::{Nanos, now, pid};

use crate::arguments::{self, Command, HELP, Options};
use crate::explain::{self, Facts};
use crate::machine::{Action, Ended, Machine, Received};
use crate::memory_limit;
use crate::output;
use crate::processes::{self, CpuTimes};
use crate::report::{Report, Reporter};
use crate::report_file;
use crate::sys::child::{self, Change};
use crate::sys::listener::{self, Listener};
use crate::sys::signals::Signals;
use crate::sys::{process, terminal};

/// The status for an error of deadstop itself.
const FAILED: u8 = 125;
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The number of searches for descendants that were forked while others were killed.
const KILL_ROUNDS: usize = 3;

/// The longest wait for killed processes to disappear, before the others are named.
const DYING: Duration = Duration::from_millis(200);

/// The longest wait for the file of `--report`: its disk may hang.
const FILE: Duration = Duration::from_millis(500);

/// Reads the arguments and runs the program. Returns the exit status. Threads may still
/// be blocked in a write then.
pub(crate) fn main(arguments: Vec<OsString>) -> u8 {
    let status = command(arguments);
    output::flush();
    status
}

fn command(arguments: Vec<OsString>) -> u8 {
    match arguments::parse(arguments, env::var_os("DEADSTOP_GRACE")) {
        Ok(Command::Help) => say(HELP),
        Ok(Command::Version) => say(concat!("deadstop ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Run(options)) => run(&options),
        Err(message) => {
            output::print(&message);
            output::print("`deadstop --help` lists the options");
            FAILED
        }
    }
}

fn say(text: &str) -> u8 {
    let mut output = io::stdout();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Ok(()) => 0,
        Err(_) => FAILED,
    }
}

fn run(options: &Options) -> u8 {
    if let Some(Err(problem)) = options.report.as_deref().map(report_file::check) {
        return fail(&format!("--report cannot be written: {problem}"));
    }
    let mut signals = match Signals::take() {
        Ok(signals) => signals,
        Err(error) => return fail(&format!("could not open a signalfd: {error}")),
    };
    if let Some(signal) = options.parent_death {
        if let Err(error) = process::hear_parent_death(signal) {
            return fail(&format!("could not ask for the end of the parent: {error}"));
        }
    }
    // The kernel gives orphans to pid 1 in any case.
    if pid() != 1 {
        if let Err(error) = process::adopt_orphans() {
            output::print(&format!(
                "orphans are not reaped: {error} (a kernel before 3.4?)"
            ));
        }
    }
    let has_terminal = terminal::is_in_foreground();
    let mut command = Process::new(&options.program);
    command.args(&options.arguments);
    let memory_kills = memory_limit::kills();
    // Without a deadline there is nothing that a signal could begin.
    let listener = match has_terminal && options.grace.is_some() {
        true => listen(options),
        false => None,
    };
    let socket = listener.as_ref().map(Listener::socket);
    let child = match child::start(command, signals.inherited(), has_terminal, socket) {
        Ok(child) => child,
        Err(error) => return cannot_start(options, &error),
    };
    // From here on its number alone is needed.
    let listener = listener.map(|listener| listener.pid);
    if let Some(listener) = listener {
        signals.hear(listener);
    }
    let mut supervisor = Supervisor {
        options,
        machine: Machine::new(options.grace, &options.on, &options.rewrites),
        child,
        // Without one (before Linux 5.3) the number is used, which cannot be another
        // process's before this one has reaped the child.
        pidfd: open_pidfd(child).ok(),
        has_terminal,
        listener,
        passed: None,
        reporter: None,
    };
    let ended = supervisor.supervise(&mut signals);
    if has_terminal {
        terminal::take_foreground();
    }
    if let Some(listener) = supervisor.listener {
        listener::end(listener);
    }
    supervisor.explain(ended, memory_kills)
}

/// Starts the listener for Ctrl-C.
fn listen(options: &Options) -> Option<Listener> {
    let listener = listener::start(&options.on);
    if let Err(error) = &listener {
        output::print(&format!(
            "Ctrl-C will not begin the shutdown: no process could be started: {error}"
        ));
    }
    listener.ok()
}

/// As pid 1 this process cannot be stopped. Without a terminal no shell would continue it,
/// and a stopped supervisor hears no signal and has no deadline.
fn may_stop() -> bool {
    pid() != 1 && terminal::is_there()
}

fn fail(message: &str) -> u8 {
    output::print(message);
    FAILED
}

fn cannot_start(options: &Options, error: &io::Error) -> u8 {
    let program = options.program.to_string_lossy();
    let (status, hint) = match error.kind() {
        io::ErrorKind::NotFound if Path::new(&options.program).exists() => {
            (CANNOT_RUN, ": its interpreter or loader is missing")
        }
        io::ErrorKind::NotFound => (NOT_FOUND, ""),
        _ => (CANNOT_RUN, ""),
    };
    output::print(&format!("could not start {program:?}: {error}{hint}"));
    status
}

struct Supervisor<'a> {
    options: &'a Options,
    machine: Machine,
    child: i32,
    pidfd: Option<i32>,
    has_terminal: bool,
    /// In the program's group, until it has been reaped.
    listener: Option<i32>,
    passed: Option<i32>,
    /// From the beginning of the shutdown.
    reporter: Option<Reporter>,
}

impl Supervisor<'_> {
    /// Runs until the program has ended.
    fn supervise(&mut self, signals: &mut Signals) -> Ended {
        loop {
            let mut actions = Vec::new();
            while let Some(received) = signals.next() {
                if received.signal != libc::SIGCHLD {
                    actions.extend(self.machine.received(received));
                }
            }
            while let Some(change) = child::wait() {
                match change {
                    Change::Ended(pid, ended) if pid == self.child => return ended,
                    Change::Stopped(pid) if pid == self.child => {
                        actions.extend(self.machine.stopped());
                    }
                    Change::Ended(pid, _) if Some(pid) == self.listener => {
                        self.listener = None;
                    }
                    // An orphan, which is now reaped.
                    Change::Ended(..) | Change::Stopped(_) => {}
                }
            }
            actions.extend(self.machine.tick(now()));
            let is_quiet = actions.is_empty();
            for action in actions {
                if let Action::End = action {
                    return Ended::Survived;
                }
                self.act(action);
            }
            if is_quiet {
                signals.wait(self.machine.next());
            }
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Pass(signal) => self.pass(signal),
            Action::Begin(begun, at) => self.begin(begun, at),
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
            Action::Kill => self.kill(),
            Action::Stop => {
                if may_stop() {
                    if self.has_terminal {
                        terminal::take_foreground();
                    }
                    process::stop();
                }
            }
            Action::GoOn => {
                if may_stop() {
                    // The shell may have put this process into the background.
                    if self.has_terminal && terminal::is_in_foreground() {
                        terminal::set_foreground(self.child);
                    }
                    process::send(-self.child, libc::SIGCONT);
                }
            }
            Action::End => {}
        }
    }

    fn pass(&mut self, signal: i32) {
        self.passed = Some(signal);
        match self.options.to_group {
            true => process::send(-self.child, signal),
            false => process::send(self.child, signal),
        }
    }

    fn begin(&mut self, begun: Received, at: Nanos) {
        let descendants = processes::descendants(self.child);
        let before = match processes::are_visible() {
            true => CpuTimes::of([self.child].into_iter().chain(descendants)),
            false => CpuTimes::default(),
        };
        self.reporter = Reporter::start(Report {
            program: self.options.program.to_string_lossy().into_owned(),
            pid: self.child,
            begun,
            at,
            status: self.options.status,
            before,
            file: self.options.report.clone(),
        });
    }

    /// Kills the program, its group and all descendants. Orphans among them are
    /// children of this process.
    fn kill(&self) {
        let target = KillTarget {
            pid: self.child,
            pidfd: self.pidfd,
            // No other code of this program closes it.
            inode: self.pidfd.map_or(0, inode_of),
            kills_group: true,
        };
        // First those whose parents would otherwise be gone: a descendant that is not
        // an orphan yet is found by its parent.
        for _ in 0..KILL_ROUNDS {
            let others = processes::descendants(pid());
            let others = others.into_iter().filter(|other| *other != self.child);
            let alive = others
                .filter(|other| processes::process(*other).is_some_and(|it| it.state != b'Z'));
            let alive: Vec<i32> = alive.collect();
            target.kill();
            if alive.is_empty() {
                return;
            }
            for other in alive {
                process::send(other, libc::SIGKILL);
            }
        }
    }

    fn explain(&self, ended: Ended, memory_kills: Option<u64>) -> u8 {
        let options = self.options;
        let status = self.machine.status(ended, options.status, &options.success);
        let shutdown = self.machine.shutdown();
        let after = shutdown.map_or_else(Default::default, |it| now().since(it.begun.at));
        let program = options.program.to_string_lossy();
        let line = explain::end(&Facts {
            program: &program,
            pid: self.child,
            ended,
            shutdown,
            after,
            out_of_memory: memory_limit::kills() > memory_kills,
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
        self.rest();
        status
    }

    /// Returns the processes that are left, once those that have been killed are gone.
    fn living(&self) -> Vec<ChildProcess> {
        let is_killed = self.machine.shutdown().is_some_and(|it| it.is_killed);
        let until = now().saturating_add(DYING);
        loop {
            let all = processes::descendants(pid()).into_iter();
            let all = all.filter_map(processes::process);
            let (dying, living): (Vec<_>, Vec<_>) =
                all.partition(|process| processes::is_dying(process.pid));
            let gone = dying.iter().all(|process| process.state == b'Z');
            // After a kill of all, one may be between the signal and its end.
            if gone && (living.is_empty() || !is_killed) || now() >= until {
                return living;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills or names the processes that the program has left behind.
    fn rest(&self) {
        // As pid 1, the kernel kills them all when this process ends.
        if pid() == 1 {
            return;
        }
        let rest = self.living();
        if rest.is_empty() {
            return;
        }
        if self.options.kills_rest {
            self.kill();
        } else if !self.options.is_quiet {
            output::print(&explain::rest(&rest));
        }
    }
}
