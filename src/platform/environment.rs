//! Snapshot of the process's environment: variables, files, processes.

use std::time::{Duration, SystemTime};

use super::process::Process;
use super::systemd::{self, Unit};
use super::texts::Texts;

/// The operating system, which decides the possible supervisors.
///
/// # Examples
///
/// ```
/// use deadstop::platform::{Environment, Platform, System};
///
/// // What would a service manager of macOS mean for process 100?
/// let platform = Platform::of(&Environment::new(100).system(System::MacOs));
/// println!("{:?}", platform.supervisions());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum System {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
    /// Another system.
    Other,
}

/// A snapshot of the surroundings of a process: variables, files and processes.
///
/// [`Platform::of`](super::Platform::of) is a pure function over it, so a
/// platform can be tested by data.
///
/// # Examples
///
/// ```
/// use deadstop::platform::{Environment, Platform, Process, Supervisor};
///
/// let environment = Environment::new(7)
///     .variable("NOMAD_ALLOC_ID", "4f1c")
///     .process(Process::new(7, 1, "app"))
///     .process(Process::new(1, 0, "systemd"));
/// let platform = Platform::of(&environment);
/// assert_eq!(platform.narrowest().unwrap().supervisor(), Supervisor::Nomad);
/// ```
#[derive(Clone, Debug)]
pub struct Environment {
    pub(super) system: System,
    pub(super) pid: u32,
    pub(super) now: SystemTime,
    pub(super) unit: Option<Unit>,
    /// `NAME=value`, the one that counts last.
    variables: Texts,
    files: Texts,
    processes: Vec<Process>,
    cgroup: String,
    pub(super) unseen: Option<String>,
}

impl Environment {
    /// Begins an empty snapshot of the process `pid` on Linux.
    pub fn new(pid: u32) -> Self {
        Self {
            system: System::Linux,
            pid,
            now: SystemTime::UNIX_EPOCH,
            unit: None,
            variables: Texts::default(),
            files: Texts::default(),
            processes: Vec::new(),
            cgroup: String::new(),
            unseen: None,
        }
    }

    /// Sets the system.
    pub fn system(mut self, system: System) -> Self {
        self.system = system;
        self
    }

    /// Sets the time of day, to which absolute deadlines are compared.
    pub fn now(mut self, now: SystemTime) -> Self {
        self.now = now;
        self
    }

    /// Adds a variable. One that is set to the empty string counts as not set.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.add_variable(&name.into(), &value.into());
        self
    }

    /// Adds a file or folder that exists, by its absolute path.
    pub fn file(mut self, path: impl Into<String>) -> Self {
        self.add_file(&path.into());
        self
    }

    /// Adds a process.
    pub fn process(mut self, process: Process) -> Self {
        self.add_process(process);
        self
    }

    /// Sets the text of `/proc/self/cgroup`.
    pub fn cgroup(mut self, text: impl Into<String>) -> Self {
        self.set_cgroup(text.into());
        self
    }

    /// Sets systemd's answers about the unit.
    pub fn unit(mut self, unit: Unit) -> Self {
        self.unit = Some(unit);
        self
    }

    /// Records that processes cannot be seen, and the reason.
    pub fn unseen(mut self, why: impl Into<String>) -> Self {
        self.unseen = Some(why.into());
        self
    }

    pub(super) fn add_variable(&mut self, name: &str, value: &str) {
        self.variables.push(&[name, "=", value].concat());
    }

    pub(super) fn add_file(&mut self, path: &str) {
        self.files.push(path);
    }

    #[cold]
    pub(super) fn add_process(&mut self, process: Process) {
        self.processes.retain(|known| known.pid != process.pid);
        self.processes.push(process);
    }

    pub(super) fn set_cgroup(&mut self, text: String) {
        self.cgroup = text;
    }

    /// Returns a variable that is set, and not to the empty string.
    #[cold]
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut variables = self.variables.iter().rev();
        let value = variables.find_map(|it| it.strip_prefix(name)?.strip_prefix('='))?;
        (!value.is_empty()).then_some(value)
    }

    pub(super) fn has_file(&self, path: &str) -> bool {
        self.files.iter().any(|file| file == path)
    }

    /// Returns this process.
    pub(super) fn own(&self) -> Option<&Process> {
        self.find(self.pid)
    }

    pub(super) fn find(&self, pid: u32) -> Option<&Process> {
        self.processes.iter().find(|process| process.pid == pid)
    }

    /// Returns the ancestors that can be seen, the parent first. It ends at one
    /// whose parent cannot be seen, and after [`DEEPEST`] of them.
    #[cold]
    pub(super) fn ancestors(&self) -> Vec<&Process> {
        let mut ancestors = Vec::new();
        let mut next = self.own().map(|own| own.parent);
        while let Some(process) = next.and_then(|pid| self.find(pid)) {
            ancestors.push(process);
            if ancestors.len() == DEEPEST {
                break;
            }
            next = Some(process.parent);
        }
        ancestors
    }

    /// Returns the name of the innermost systemd unit in the control group's
    /// path, if it is a service's.
    pub(super) fn service(&self) -> Option<&str> {
        systemd::service_of(&self.cgroup)
    }

    /// Returns the runtime folder of the user whose systemd runs this process,
    /// if it is a user's.
    #[cfg(target_os = "linux")]
    fn user_runtime(&self) -> Option<&str> {
        self.get("XDG_RUNTIME_DIR")
            .filter(|_| systemd::is_of_user(&self.cgroup))
    }

    /// Asks systemd about the unit of this process, if it is a service: for at
    /// most 250 ms. Leaves the snapshot as it is if there is no answer.
    pub fn ask_systemd(self) -> Self {
        #[cfg(target_os = "linux")]
        if let Some(service) = self.service() {
            let runtime = self.user_runtime().map(std::path::Path::new);
            let unit = systemd::ask(service, runtime).or_else(|| self.unit.clone());
            return Self { unit, ..self };
        }
        self
    }

    /// Returns the time that is left until `deadline`; zero if it has passed.
    pub(super) fn left(&self, deadline: SystemTime) -> Duration {
        deadline.duration_since(self.now).unwrap_or_default()
    }
}

/// The maximum number of ancestors to inspect. A chain of `/proc` that was read while processes
/// start and end could hold a circle.
pub(super) const DEEPEST: usize = 64;
