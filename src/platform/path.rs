//! The way of a supervisor's signal to this process.
//!
//! A supervisor signals the process that it started. A shell between the two
//! passes nothing on: as pid 1 it discards `SIGTERM`; below an init it dies of
//! it, the init ends with it, and the kernel kills everything else in the
//! container. Only `exec` helps.

use deadstop_core::search::is_one_of;

use super::environment::{DEEPEST, Environment};
use super::process::Process;
use super::supervision::{Supervision, is_main_process};
use super::supervisor::{Supervisor, Target};

/// The path of a supervisor's signal to this process.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum SignalPath {
    /// The supervisor, or an init that passes signals on, signals this process.
    Direct,
    /// A shell is in between.
    #[non_exhaustive]
    Shell {
        /// Its process id.
        pid: u32,
        /// Its command line, shortened.
        command: String,
        /// Its reaction to the signal.
        fate: ShellFate,
    },
    /// A program is in between. Whether it passes signals on is not known.
    #[non_exhaustive]
    Program {
        /// Its process id.
        pid: u32,
        /// Its command line, shortened.
        command: String,
    },
    /// The ancestors of this process cannot be seen.
    #[non_exhaustive]
    Unseen {
        /// The reason.
        why: String,
    },
}

/// A shell's reaction to `SIGTERM`.
///
/// # Examples
///
/// ```
/// use deadstop::platform::{ShellFate, SignalPath, detect};
///
/// if let SignalPath::Shell { fate, .. } = detect().signal_path() {
///     if *fate == ShellFate::Discards {
///         println!("start the program by `exec`: the shell discards SIGTERM");
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ShellFate {
    /// It is pid 1 without a trap, or ignores the signal: nothing happens.
    Discards,
    /// It dies of the signal, and the container or service ends with it.
    Dies,
    /// It has a trap, whose effect is not known.
    Traps,
    /// A person works in it.
    Interactive,
}

const SHELLS: &str = "sh ash bash dash fish hush ksh ksh93 mksh oksh rbash yash zsh lksh";

/// Inits for containers, which pass signals on to the child that they start.
const INITS: &str = "catatonit docker-init dumb-init podman-init tini tini-static pid1";

/// Programs that signal the process that they started.
const STARTERS: &str = "argoexec conmon containerd-shim containerd-shim-runc-v2 crun nomad pm2 \
    pm2-runtime runc runsv s6-supervise supervisord";

/// Inits of whole systems. What they start is judged by supervisor.
const SYSTEM_INITS: &str = "finit init launchd openrc-init runit s6-svscan systemd upstart";

#[cold]
pub(super) fn of(environment: &Environment, supervisions: &[Supervision]) -> SignalPath {
    if let Some(why) = &environment.unseen {
        return SignalPath::Unseen { why: why.clone() };
    }
    let Some(own) = environment.own() else {
        return unseen("/proc does not show this process");
    };
    if own.pid == 1 || own.parent == 0 || is_main_process(environment) {
        return SignalPath::Direct;
    }
    let ancestors = environment.ancestors();
    if ancestors.len() == DEEPEST {
        return unseen("the chain of parents in /proc does not end");
    }
    let Some(top) = ancestors.last() else {
        return unseen("/proc does not show the parent of this process");
    };
    let starter = ancestors.iter().position(|process| is_starter(process));
    let between = &ancestors[..starter.unwrap_or(ancestors.len())];
    let reaches_all = supervisions
        .iter()
        .any(|seen| seen.target() == Target::All && seen.supervisor() != Supervisor::Systemd);
    match starter.map(|place| program(ancestors[place])) {
        // Shells of login sessions are in no supervisor's way.
        Some(name) if is_one_of(name, SYSTEM_INITS) => below_a_system(between, supervisions),
        Some(name) if is_one_of(name, INITS) => first_obstacle(between),
        _ if reaches_all => SignalPath::Direct,
        Some(_) => first_obstacle(between),
        None if top.parent != 0 => unseen("/proc does not show all parents of this process"),
        None => first_obstacle(between),
    }
}

/// Returns `true` if the process is known to signal the one that it started.
fn is_starter(process: &Process) -> bool {
    let name = program(process);
    [STARTERS, INITS, SYSTEM_INITS]
        .iter()
        .any(|names| is_one_of(name, names))
}

/// A service that does not signal all of its processes signals the outermost.
fn below_a_system(between: &[&Process], supervisions: &[Supervision]) -> SignalPath {
    let by_process = supervisions
        .iter()
        .any(|s| s.target() == Target::Process && starts_processes(s.supervisor()));
    match by_process {
        true => first_obstacle(between),
        false => SignalPath::Direct,
    }
}

/// Returns `true` if a supervisor starts processes on the machine itself.
fn starts_processes(supervisor: Supervisor) -> bool {
    use Supervisor::{Launchd, Nomad, Runit, S6, Supervisord, Systemd};
    [Launchd, Nomad, Runit, S6, Supervisord, Systemd].contains(&supervisor)
}

/// Returns the outermost process that keeps the signal, a shell before all.
#[cold]
fn first_obstacle(between: &[&Process]) -> SignalPath {
    let shell = between
        .iter()
        .rev()
        .find(|process| is_one_of(program(process), SHELLS));
    if let Some(shell) = shell {
        return SignalPath::Shell {
            pid: shell.pid,
            command: shell.command_line(),
            fate: fate(shell),
        };
    }
    match between.last() {
        Some(process) => SignalPath::Program {
            pid: process.pid,
            command: process.command_line(),
        },
        None => SignalPath::Direct,
    }
}

/// A blocked signal does not count: dash blocks every signal while it starts a program.
#[cold]
fn fate(shell: &Process) -> ShellFate {
    let is_interactive = !shell.title().is_empty()
        && shell
            .arguments()
            .all(|word| is_one_of(word, "-i -l --login"));
    if is_interactive {
        ShellFate::Interactive
    } else if shell.catches(libc::SIGTERM) {
        ShellFate::Traps
    } else if shell.pid == 1 || shell.ignores(libc::SIGTERM) {
        ShellFate::Discards
    } else {
        ShellFate::Dies
    }
}

/// Returns the program's name, and for Python and Node the name of the script
/// or the title where it is a supervisor's.
#[cold]
fn program(process: &Process) -> &str {
    let name = process.program();
    if process.title().starts_with("PM2 ") {
        return "pm2";
    }
    if !(name.starts_with("python") || name == "node") {
        return name;
    }
    let script = process.arguments().find_map(|word| {
        let script = word.rsplit('/').next()?;
        is_one_of(script, STARTERS).then_some(script)
    });
    script.unwrap_or(name)
}

fn unseen(why: &str) -> SignalPath {
    SignalPath::Unseen { why: why.into() }
}
