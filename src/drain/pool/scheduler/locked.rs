//! The machine and the run queue, each under its lock.
//!
//! A thread that releases a lock first publishes the numbers that others read without it.

use std::ops::{Deref, DerefMut};

use super::Scheduler;
use super::observe::Observe;
use crate::drain::pool::machine::{Machine, RunQueue};
use crate::primitives::MutexGuard;
use crate::primitives::atomic::Ordering;

/// The machine, locked.
pub(crate) struct LockedMachine<'a, J, O: Observe<J>> {
    machine: MutexGuard<'a, Machine<J>>,
    scheduler: &'a Scheduler<J, O>,
}

/// The run queue, locked.
pub(crate) struct LockedQueue<'a, J, O: Observe<J>> {
    run_queue: MutexGuard<'a, RunQueue<J>>,
    scheduler: &'a Scheduler<J, O>,
}

/// Both, locked. The machine has seen the run queue's progress.
pub(crate) struct Locked<'a, J, O: Observe<J>> {
    pub(crate) machine: LockedMachine<'a, J, O>,
    pub(crate) run_queue: LockedQueue<'a, J, O>,
}

impl<J, O: Observe<J>> Deref for LockedMachine<'_, J, O> {
    type Target = Machine<J>;

    fn deref(&self) -> &Self::Target {
        &self.machine
    }
}

impl<J, O: Observe<J>> DerefMut for LockedMachine<'_, J, O> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.machine
    }
}

impl<J, O: Observe<J>> Drop for LockedMachine<'_, J, O> {
    fn drop(&mut self) {
        self.scheduler.publish_accepted(&self.machine);
    }
}

impl<J, O: Observe<J>> Deref for LockedQueue<'_, J, O> {
    type Target = RunQueue<J>;

    fn deref(&self) -> &Self::Target {
        &self.run_queue
    }
}

impl<J, O: Observe<J>> DerefMut for LockedQueue<'_, J, O> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.run_queue
    }
}

impl<J, O: Observe<J>> Drop for LockedQueue<'_, J, O> {
    fn drop(&mut self) {
        self.scheduler.publish_progress(&self.run_queue);
    }
}

impl<J, O: Observe<J>> Scheduler<J, O> {
    pub(super) fn lock_machine(&self) -> LockedMachine<'_, J, O> {
        LockedMachine {
            machine: self.machine.lock(),
            scheduler: self,
        }
    }

    pub(super) fn lock_queue(&self) -> LockedQueue<'_, J, O> {
        LockedQueue {
            run_queue: self.run_queue.lock(),
            scheduler: self,
        }
    }

    /// Locks the machine too.
    pub(super) fn with_machine<'a>(&'a self, run_queue: LockedQueue<'a, J, O>) -> Locked<'a, J, O> {
        let mut machine = self.lock_machine();
        machine.see(run_queue.progress());
        Locked { machine, run_queue }
    }

    /// Locks both.
    pub(crate) fn lock(&self) -> Locked<'_, J, O> {
        self.with_machine(self.lock_queue())
    }

    fn publish_accepted(&self, machine: &Machine<J>) {
        self.accepted.store(machine.accepted(), Ordering::Relaxed);
        self.observer.machine(machine);
    }

    fn publish_progress(&self, run_queue: &RunQueue<J>) {
        let progress = run_queue.progress();
        self.progress.taken.store(progress.taken, Ordering::Relaxed);
        self.progress.ended.store(progress.ended, Ordering::Relaxed);
        self.observer.run_queue(run_queue);
    }
}
