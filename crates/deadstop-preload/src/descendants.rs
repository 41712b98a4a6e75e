//! Child processes, and theirs, that would outlive this process.
//!
//! Processes of another session are left alone: a daemon has made a session of its own, because
//! it is meant to stay.

use core::ffi::{CStr, c_int};

use deadstop_core::buffer::TextBuffer;
use deadstop_core::pid;
use deadstop_core::render::ChildProcess;
use deadstop_core::sys::process_file;
use deadstop_core::threads::{parse, sanitize};

use crate::settings::SETTINGS;
use crate::sys::descriptor::proc_is_own;
use crate::sys::directory;

/// Processes that are found: as many as the kill list has.
const PROCESSES: usize = 256;

/// Bytes that are read of a list of children.
const CHILDREN: usize = 4096;

/// The descendants of this process.
#[derive(Debug)]
pub(crate) struct Descendants {
    list: [Option<ChildProcess>; PROCESSES],
    len: usize,
}

impl Descendants {
    pub(crate) const fn none() -> Self {
        Self {
            list: [const { None }; PROCESSES],
            len: 0,
        }
    }

    /// Finds the descendants that are not listed yet, and calls `on_found` with each that
    /// is to end with this process: those of its session, if children are killed at all.
    pub(crate) fn find(&mut self, mut on_found: impl FnMut(c_int)) {
        if !proc_is_own() {
            return;
        }
        let own = pid();
        let session = session(own).filter(|_| SETTINGS.kills_children());
        self.find_children(own, session, &mut on_found);
        // The list grows as it is read.
        let mut next = 0_usize;
        while let Some(child) = self.list.get(next).and_then(Option::as_ref) {
            let child = child.pid;
            self.find_children(child, session, &mut on_found);
            next = next.saturating_add(1);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ChildProcess> {
        self.list.iter().flatten()
    }

    /// Finds the children of one process: each of its threads has some.
    fn find_children(
        &mut self,
        of: c_int,
        killed_session: Option<i64>,
        on_found: &mut impl FnMut(c_int),
    ) {
        let mut tasks = TextBuffer::<48>::new();
        tasks.text("/proc/").int(of).text("/task\0");
        let Ok(tasks) = CStr::from_bytes_with_nul(tasks.as_bytes()) else {
            return;
        };
        directory::numbers(tasks, |thread| {
            let mut file = TextBuffer::<48>::new();
            file.text("/task/").int(thread).text("/children");
            let mut buffer = [0; CHILDREN];
            let children = process_file(of, file.as_str(), &mut buffer).unwrap_or(&[]);
            // The last number may be cut.
            let children = match children.len() < CHILDREN {
                true => children,
                false => children
                    .rsplitn(2, |byte| *byte == b' ')
                    .nth(1)
                    .unwrap_or(&[]),
            };
            for child in core::str::from_utf8(children)
                .unwrap_or("")
                .split_ascii_whitespace()
            {
                if let Ok(child) = child.parse() {
                    self.add(child, killed_session, on_found);
                }
            }
        });
    }

    fn add(&mut self, pid: c_int, killed_session: Option<i64>, on_found: &mut impl FnMut(c_int)) {
        if self.iter().any(|known| known.pid == pid) {
            return;
        }
        let mut buffer = [0; 512];
        let Some(stat) = process_file(pid, "/stat", &mut buffer) else {
            return;
        };
        let state = parse::state(stat);
        if matches!(state, b'Z' | b'X') {
            return;
        }
        let is_killed = killed_session.is_some() && session_in(stat) == killed_session;
        let mut name = TextBuffer::new();
        let mut comm = [0; 64];
        if let Some(comm) = process_file(pid, "/comm", &mut comm) {
            sanitize::lossy(&mut name, parse::name(comm));
        }
        let Some(slot) = self.list.get_mut(self.len) else {
            return;
        };
        self.len = self.len.saturating_add(1);
        *slot = Some(ChildProcess {
            pid,
            name,
            state,
            is_killed,
        });
        if is_killed {
            on_found(pid);
        }
    }
}

/// Returns the session of a process.
fn session(pid: c_int) -> Option<i64> {
    session_in(process_file(pid, "/stat", &mut [0; 512])?)
}

/// Returns the session in a `stat` file: the fourth field after the name.
fn session_in(stat: &[u8]) -> Option<i64> {
    let behind = stat.rsplit(|byte| *byte == b')').next()?;
    let mut fields = core::str::from_utf8(behind).ok()?.split_ascii_whitespace();
    fields.nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::session_in;

    #[test]
    fn session_is_read_after_a_name_with_parentheses() {
        assert_eq!(
            session_in(b"4711 (a) b (c) S 1 4700 4690 0 -1 4"),
            Some(4690)
        );
        assert_eq!(session_in(b"4711 (a) S 1"), None);
        assert_eq!(session_in(b""), None);
    }
}
