//! The child processes that end with this process.
//!
//! The watchdog, or a second signal's handler, kills every entry before it ends
//! the process. Each entry costs one or two system calls, about 1 µs each.
//!
//! # Reused numbers
//!
//! The kernel may give the number of a process to another one, but not before
//! its parent has reaped it. The parent therefore removes an entry first, and
//! reaps the child after that: [`KillSlot::remove`] does not return while the
//! entry is being killed. An entry with a pidfd is safe by itself.
//!
//! A program that closes all descriptors closes the pidfd too, and its number may go to a
//! pidfd of the program's own. So the entry has the pidfd's inode as well, which differs for
//! each process from Linux 6.9 on.
//!
//! # Orderings
//!
//! `kill_all` sets `is_closed` before it takes the entries, and `add` reads `is_closed`
//! after it has listed one, each with a `SeqCst` fence between. So either `kill_all` sees
//! the entry, or `add` returns `None`.
//!
//! `tests/loom/kill_path` has models of this, and of the [`SlotState`].

use core::ffi::c_int;

use crate::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering, fence};
use crate::sizes::MAX_KILLED_PROCESSES;
use crate::slot_state::{Removal, SlotState, SlotUse};
use crate::sys::{KillTarget, inode_of, yield_now};

const NO_PIDFD: c_int = -1;

/// Processes and process groups to kill before this process ends: a fixed
/// table without locks.
///
/// Only [`kill_all`](Self::kill_all) is async-signal-safe.
#[derive(Debug)]
pub struct KillList {
    slots: [Slot; MAX_KILLED_PROCESSES],
    is_closed: AtomicU32,
}

/// An entry of a [`KillList`].
///
/// Dropping it leaves the entry on the list.
#[derive(Debug)]
#[must_use = "the entry must be removed before the child is reaped"]
pub struct KillSlot {
    slot: &'static Slot,
    entry: SlotUse,
}

#[derive(Debug)]
struct Slot {
    state: SlotState,
    pid: AtomicI32,
    pidfd: AtomicI32,
    kills_group: AtomicU32,
    /// Of the pidfd.
    inode: AtomicU64,
}

impl KillList {
    pub(crate) const fn empty() -> Self {
        Self {
            slots: [const { Slot::free() }; MAX_KILLED_PROCESSES],
            is_closed: AtomicU32::new(0),
        }
    }

    /// Lists a child process, and with `kills_group` the process group that it
    /// leads.
    ///
    /// The child must not have been reaped yet, and must not be reaped while it
    /// is listed. `pidfd` is a descriptor of the same child; the caller must not close
    /// it while the child is listed. If the program has closed it all the same, the group
    /// and its leader are killed by their number. Without `kills_group` the process may be
    /// no child of this one, and nothing is killed then.
    ///
    /// Returns `None` if the list is full (256 entries), if `pid` is not
    /// positive, or if [`kill_all`](Self::kill_all) has run already: the caller
    /// should then kill the child itself.
    pub fn add(
        &'static self,
        pid: c_int,
        pidfd: Option<c_int>,
        kills_group: bool,
    ) -> Option<KillSlot> {
        // Zero and -1 would be this process's own group and every process.
        if pid <= 1 {
            return None;
        }
        let slot = self.slots.iter().find(|slot| slot.state.claim())?;
        let entry = slot.fill(pid, pidfd.unwrap_or(NO_PIDFD), kills_group);
        fence(Ordering::SeqCst);
        if self.is_closed.load(Ordering::Relaxed) != 0 {
            entry.remove();
            return None;
        }
        Some(entry)
    }

    /// Kills every listed process and group with `SIGKILL`, and closes the
    /// list. Does not wait for them to end. Async-signal-safe.
    pub fn kill_all(&self) {
        self.is_closed.store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        for slot in &self.slots {
            slot.kill();
        }
    }

    /// Returns `true` once [`kill_all`](Self::kill_all) has run.
    pub fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Relaxed) != 0
    }

    /// Makes the list empty in a child of `fork`, whose parent's children are
    /// not its own. No other thread may use the list.
    pub(crate) fn reset_after_fork(&self) {
        for slot in &self.slots {
            slot.state.release();
        }
        self.is_closed.store(0, Ordering::Relaxed);
    }
}

impl KillSlot {
    /// Removes the entry. After this returns, the process is not killed any
    /// more, and may be reaped.
    ///
    /// If [`kill_all`](KillList::kill_all) is killing the entry at this moment,
    /// waits for that. In a child of `fork` it does nothing.
    pub fn remove(self) {
        while self.slot.state.remove(self.entry) == Removal::Taken {
            yield_now();
        }
    }
}

impl Slot {
    const fn free() -> Self {
        Self {
            state: SlotState::free(),
            pid: AtomicI32::new(0),
            pidfd: AtomicI32::new(0),
            kills_group: AtomicU32::new(0),
            inode: AtomicU64::new(0),
        }
    }

    fn fill(&'static self, pid: c_int, pidfd: c_int, kills_group: bool) -> KillSlot {
        self.pid.store(pid, Ordering::Relaxed);
        self.pidfd.store(pidfd, Ordering::Relaxed);
        self.kills_group
            .store(u32::from(kills_group), Ordering::Relaxed);
        if pidfd != NO_PIDFD {
            self.inode.store(inode_of(pidfd), Ordering::Relaxed);
        }
        let entry = self.state.list();
        KillSlot { slot: self, entry }
    }

    fn kill(&self) {
        // Fails if the entry is removed at this moment.
        if !self.state.take() {
            return;
        }
        let pidfd = self.pidfd.load(Ordering::Relaxed);
        let target = KillTarget {
            pid: self.pid.load(Ordering::Relaxed),
            pidfd: (pidfd != NO_PIDFD).then_some(pidfd),
            inode: self.inode.load(Ordering::Relaxed),
            kills_group: self.kills_group.load(Ordering::Relaxed) != 0,
        };
        target.kill();
        self.state.end();
    }
}
