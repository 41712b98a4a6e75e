//! One process, as `/proc` shows it.

use super::texts::{self, Texts};
use deadstop_core::number;

/// How often a mask is read again that blocks a signal.
const LOOKS: usize = 10;

/// A process as `/proc` shows it: this one, or one of its ancestors.
///
/// # Examples
///
/// ```
/// use deadstop::platform::Process;
///
/// let shell = Process::new(1, 0, "sh").command(["sh", "-c", "./app; true"]);
/// assert_eq!(shell.program(), "sh");
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Process {
    pub(super) pid: u32,
    pub(super) parent: u32,
    name: String,
    executable: Option<String>,
    command: Texts,
    blocked: u64,
    ignored: u64,
    caught: u64,
}

impl Process {
    /// Describes a process by its id, its parent's id (0 if the parent is
    /// outside this PID namespace) and its short name.
    pub fn new(pid: u32, parent: u32, name: impl Into<String>) -> Self {
        Self {
            pid,
            parent,
            name: name.into(),
            ..Self::default()
        }
    }

    /// Sets the path of its executable.
    pub fn executable(mut self, path: impl Into<String>) -> Self {
        self.executable = Some(path.into());
        self
    }

    /// Sets its command line.
    pub fn command<T: Into<String>>(mut self, words: impl IntoIterator<Item = T>) -> Self {
        self.command = Texts::default();
        for word in words {
            self.command.push(&word.into());
        }
        self
    }

    /// Keeps those of the blocked signals that stay blocked. The C library blocks all of them
    /// for the moment in which a thread starts another thread, or a program.
    pub(super) fn settle_blocked(&mut self, mut again: impl FnMut() -> Option<Self>) {
        for _ in 0..LOOKS {
            if self.blocked == 0 {
                return;
            }
            if let Some(later) = again() {
                self.blocked &= later.blocked;
            }
        }
    }

    /// Sets the signals that its main thread blocks, as the mask in `SigBlk`:
    /// signal `n` is bit `n - 1`.
    pub fn blocked(mut self, mask: u64) -> Self {
        self.blocked = mask;
        self
    }

    /// Sets the signals that it ignores, as the mask in `SigIgn`.
    pub fn ignored(mut self, mask: u64) -> Self {
        self.ignored = mask;
        self
    }

    /// Sets the signals that it handles, as the mask in `SigCgt`.
    pub fn caught(mut self, mask: u64) -> Self {
        self.caught = mask;
        self
    }

    /// Reads the text of `/proc/PID/status`. Returns `None` if it names no
    /// process; fields that are missing or malformed are taken as empty.
    #[cold]
    pub fn from_status(status: &str) -> Option<Self> {
        Some(Self {
            pid: texts::number(field(status, "Pid:")?)?,
            parent: texts::number(field(status, "PPid:")?)?,
            name: field(status, "Name:").unwrap_or_default().to_owned(),
            executable: None,
            command: Texts::default(),
            blocked: mask(status, "SigBlk:"),
            ignored: mask(status, "SigIgn:"),
            caught: mask(status, "SigCgt:"),
        })
    }

    /// Adds what other files of `/proc/PID` say: `executable`, which only the same user may
    /// read, and the command line as the kernel writes it.
    #[cold]
    pub(super) fn add_program(&mut self, executable: Option<String>, command: &[u8]) {
        self.executable = executable;
        self.command = Texts::of_kernel(command);
    }

    /// Returns the name of the program that runs: the applet for busybox, the
    /// executable's file name where it can be read, else the process's name.
    #[cold]
    pub fn program(&self) -> &str {
        let first = self.command.first().map(base_name);
        let by_name = || first.filter(|name| !name.is_empty()).unwrap_or(&self.name);
        match self.executable.as_deref().map(base_name) {
            Some("busybox") | None if first == Some("busybox") => {
                self.arguments().next().map_or("busybox", base_name)
            }
            Some("busybox") | None => by_name(),
            Some(name) => name,
        }
    }

    /// Returns the command line on one line, shortened to 60 characters.
    #[cold]
    pub(super) fn command_line(&self) -> String {
        const LONGEST: usize = 60;
        let line = match self.command.is_empty() {
            true => self.name.as_str(),
            false => self.command.joined(),
        };
        let (kept, end) = match line.chars().count() > LONGEST {
            true => (LONGEST - 3, "..."),
            false => (LONGEST, ""),
        };
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        let mut short: String = line.chars().take(kept).map(plain).collect();
        short.push_str(end);
        short
    }

    /// Returns the words after the program's name.
    pub(super) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.command.iter().skip(1)
    }

    /// Returns the first word, which a daemon may have rewritten.
    pub(super) fn title(&self) -> &str {
        self.command.first().unwrap_or_default()
    }

    pub(super) fn blocks(&self, signal: i32) -> bool {
        has(self.blocked, signal)
    }

    pub(super) fn ignores(&self, signal: i32) -> bool {
        has(self.ignored, signal)
    }

    pub(super) fn catches(&self, signal: i32) -> bool {
        has(self.caught, signal)
    }
}

/// Returns the field of the text of `/proc/PID/status` whose name is `key`, with its colon.
#[cold]
fn field<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    let value = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(value.trim())
}

#[cold]
fn mask(status: &str, key: &str) -> u64 {
    let mask = field(status, key).and_then(|mask| number::parse(mask, 16));
    mask.unwrap_or(0)
}

fn has(mask: u64, signal: i32) -> bool {
    (1..=64).contains(&signal) && mask >> (signal - 1) & 1 == 1
}

/// Returns the part after the last `/`, without a login shell's leading `-` and without the mark
/// of a deleted file.
#[inline(never)] // Three callers.
fn base_name(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_prefix('-').unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::Process;

    const STATUS: &str = "Name:\tsh\nPid:\t7\nPPid:\t1\nSigBlk:\t0000000000004000\n\
        SigIgn:\t0000000000000004\nSigCgt:\t0000000000010002\n";

    #[test]
    fn status_text_is_read() {
        let process = Process::from_status(STATUS).unwrap();
        assert_eq!(
            (process.pid, process.parent, process.program()),
            (7, 1, "sh")
        );
        assert!(process.blocks(15) && process.ignores(3) && process.catches(2));
        assert!(!process.blocks(14) && !process.catches(0) && !process.catches(65));
    }

    #[test]
    fn garbage_in_status_text_is_no_process() {
        assert_eq!(Process::from_status(""), None);
        assert_eq!(Process::from_status("Pid: x\nPPid: 1"), None);
        assert!(Process::from_status("Pid: 2\nPPid: 1\nSigBlk: ~").is_some());
    }

    #[test]
    fn program_of_busybox_is_the_applet() {
        let busybox = |words: &[&str]| {
            Process::new(1, 0, "x")
                .executable("/bin/busybox")
                .command(words.iter().copied())
        };
        assert_eq!(busybox(&["/bin/sh", "-c", "app"]).program(), "sh");
        assert_eq!(busybox(&["busybox", "sh", "-c"]).program(), "sh");
        assert_eq!(busybox(&["-ash"]).program(), "ash");
    }

    #[test]
    fn program_is_the_executable_where_it_can_be_read() {
        let script = Process::new(9, 1, "run.sh").command(["/bin/sh", "/run.sh"]);
        assert_eq!(script.program(), "sh");
        assert_eq!(script.executable("/usr/bin/dash").program(), "dash");
        assert_eq!(Process::new(9, 1, "tini").program(), "tini");
        let replaced = Process::new(9, 1, "x").executable("/usr/bin/bash (deleted)");
        assert_eq!(replaced.program(), "bash");
    }

    #[test]
    fn signal_that_is_blocked_for_a_moment_is_not_blocked() {
        let mask = |mask| Process::new(7, 1, "app").blocked(mask);
        let (all, own) = (u64::MAX, 1 << (libc::SIGINT - 1));
        // The main thread starts a thread each time but once.
        let mut masks = [all, all, own, all].into_iter().cycle();
        let mut process = mask(all);
        process.settle_blocked(|| masks.next().map(mask));
        assert!(!process.blocks(libc::SIGTERM));
        assert!(process.blocks(libc::SIGINT));
        // `/proc` is gone meanwhile.
        process.settle_blocked(|| None);
        assert!(process.blocks(libc::SIGINT));
    }

    #[test]
    fn long_command_line_is_shortened() {
        let line = Process::new(1, 0, "sh")
            .command(["sh", &"x".repeat(100)])
            .command_line();
        assert_eq!(line.len(), 60);
        assert!(line.ends_with("..."));
    }
}
