//! State shared by a child's handle, its task and its keeper.

use std::fs;
use std::io;
use std::process::ExitStatus;

use super::cgroup::Cgroup;
use crate::TaskHandle;
use crate::drain::latch::Latch;
use crate::lock::Mutex;
use crate::sys::spawn::signal_group;

/// A child process, running or not.
pub(super) struct Running {
    pub(super) name: Box<str>,
    pid: i32,
    /// Set if the kill list has it.
    pub(super) is_listed: bool,
    pub(super) cgroup: Option<Cgroup>,
    state: Mutex<State>,
    pub(super) ended: Latch,
    /// Set when the child has ended and no other process is left in its group.
    group_ended: Latch,
}

#[derive(Default)]
struct State {
    /// The inner is `None` where other code of the process has reaped the child.
    status: Option<Option<ExitStatus>>,
    is_reaped: bool,
    task: Option<TaskHandle>,
}

impl Running {
    pub(super) fn new(name: Box<str>, pid: i32, is_listed: bool, cgroup: Option<Cgroup>) -> Self {
        Self {
            name,
            pid,
            is_listed,
            cgroup,
            state: Mutex::new(State::default()),
            ended: Latch::new(),
            group_ended: Latch::new(),
        }
    }

    pub(super) const fn pid(&self) -> i32 {
        self.pid
    }

    /// Returns the child's status once it has ended.
    pub(super) fn status(&self) -> Option<Option<ExitStatus>> {
        self.state.lock().status
    }

    /// Returns the latch of the child's phase: its end, and that of its process group. The cgroup
    /// of a child that has one holds the group, and its task ends that.
    pub(super) fn whole_end(&self) -> &Latch {
        match &self.cgroup {
            Some(_) => &self.ended,
            None => &self.group_ended,
        }
    }

    /// Sends `signal` to the child's group. The group's number is not reused while the lock
    /// is held.
    pub(super) fn signal(&self, signal: i32) -> io::Result<()> {
        let state = self.state.lock();
        match state.is_reaped {
            true => Err(io::Error::from_raw_os_error(libc::ESRCH)),
            false => signal_group(self.pid, signal),
        }
    }

    /// Sets the task that is cancelled when the child ends.
    pub(super) fn set_task(&self, task: TaskHandle) {
        let mut state = self.state.lock();
        if state.status.is_none() || self.has_cgroup_members() {
            state.task = Some(task);
            return;
        }
        drop(state);
        task.cancel();
    }

    /// Returns `true` if others live in the cgroup of the child, which has ended.
    pub(super) fn has_cgroup_members(&self) -> bool {
        self.cgroup.as_ref().is_some_and(Cgroup::is_populated)
    }

    /// Notes that the child has ended, and keeps its task.
    pub(super) fn note_status(&self, status: Option<ExitStatus>) {
        self.state.lock().status.get_or_insert(status);
        self.ended.set();
    }

    /// Notes that the child has ended. Its group may live on.
    pub(super) fn note_end(&self, status: Option<ExitStatus>) {
        let task = {
            let mut state = self.state.lock();
            state.status.get_or_insert(status);
            state.task.take()
        };
        // Before a thread that waits for the end goes on, and may begin the shutdown.
        if let Some(task) = task {
            // False during the shutdown, when the task itself waits for the end.
            task.cancel();
        }
        self.ended.set();
    }

    /// Reaps the child by `reap`, and notes that it has ended.
    pub(super) fn reap(&self, status: Option<ExitStatus>, reap: impl FnOnce()) {
        {
            let mut state = self.state.lock();
            reap();
            state.is_reaped = true;
        }
        self.note_end(status);
        self.group_ended.set();
    }

    /// Describes the child: `pid 1234 (ffmpeg), state S, in do_wait`.
    pub(super) fn describe(&self) -> String {
        let pid = self.pid;
        if self.ended.is_set() {
            return format!("pid {pid} has ended, others of its process group have not");
        }
        if !proc_is_own() {
            return format!("pid {pid}");
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name may have any character, parentheses too.
        let (before, rest) = stat.rsplit_once(") ").unwrap_or_default();
        let name = before.split_once('(').map_or("?", |(_, name)| name);
        let state = rest.split(' ').next().filter(|state| !state.is_empty());
        let mut text = format!("pid {pid} ({name}), state {}", state.unwrap_or("?"));
        let wchan = fs::read_to_string(format!("/proc/{pid}/wchan")).unwrap_or_default();
        if !wchan.is_empty() && wchan != "0" {
            text += &format!(", in {wchan}");
        }
        text
    }
}

/// Returns `true` if `/proc` shows the processes of this PID namespace.
pub(super) fn proc_is_own() -> bool {
    let own = fs::read_link("/proc/self").ok();
    let own = own.and_then(|own| own.to_str()?.parse().ok());
    own == Some(deadstop_core::pid())
}
