//! Suspects: threads that run no task, but may block one.

use core::ffi::c_int;

use super::frames::{self, Owner};
use super::{Facts, order};
use crate::roster::TaskBuffer;
use crate::sizes::{LABEL_LEN, MAX_STACKS, MAX_THREADS};
use crate::stack::{Captured, Stack};
use crate::threads::{Activity, Blocker, Thread, ThreadList};

/// The role of a thread in a report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    /// It runs a task that has not returned.
    Task,
    /// It may hold up the tasks.
    Suspect(Suspicion),
    /// It is deadstop's own, or waits for deadstop.
    Own,
    Other,
}

/// The reason why a thread is suspicious, the worst first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Suspicion {
    /// A heartbeat that it gives is late.
    Stalled,
    /// A task, or a thread whose heartbeat is late, waits for it.
    HoldsUp,
    /// It runs, or sleeps where no signal wakes it.
    Active,
    /// It is in a system call that may block for good.
    InCall,
    /// It waits in the application's code: a lock, a channel, a join or a sleep.
    Waits,
    /// It awaits a future, which other threads keep from going on.
    Awaits,
}

/// The roles of the listed threads, in their order.
pub(crate) struct Roles([Role; MAX_THREADS]);

/// The longest chain of threads that is followed.
const LINKS: usize = 8;

impl Roles {
    pub(crate) fn of(facts: &Facts<'_>) -> Self {
        let mut roles = Self([Role::Other; MAX_THREADS]);
        for (thread, role) in facts.threads.iter().zip(&mut roles.0) {
            *role = role_of(facts, thread);
        }
        let mut pollers = [0; MAX_STACKS];
        let len = facts.roster.pollers(&mut pollers);
        let pollers = pollers.get(..len).unwrap_or(&[]);
        for (thread, role) in facts.threads.iter().zip(&mut roles.0) {
            if pollers.contains(&thread.tid) && *role != Role::Task {
                *role = Role::Suspect(Suspicion::HoldsUp);
            }
        }
        for waiter in facts.threads.iter() {
            let role = roles.get(facts, waiter.tid);
            if matches!(role, Role::Task | Role::Suspect(Suspicion::Stalled)) {
                roles.mark_holders(facts, waiter);
            }
        }
        roles
    }

    /// Marks the threads that `waiter` waits for, one after another.
    fn mark_holders(&mut self, facts: &Facts<'_>, waiter: &Thread) {
        let mut waiter = waiter;
        for _ in 0..LINKS {
            let Blocker::Thread { tid, .. } = waiter.blocker else {
                return;
            };
            let mut threads = facts.threads.iter().zip(&mut self.0);
            let Some((holder, role)) = threads.find(|(thread, _)| thread.tid == tid) else {
                return;
            };
            if !matches!(*role, Role::Task | Role::Suspect(Suspicion::Stalled)) {
                *role = Role::Suspect(Suspicion::HoldsUp);
            }
            waiter = holder;
        }
    }

    /// The role of the thread `tid`.
    #[inline(never)]
    pub(crate) fn get(&self, facts: &Facts<'_>, tid: c_int) -> Role {
        let mut threads = facts.threads.iter().zip(&self.0);
        let found = threads.find(|(thread, _)| thread.tid == tid);
        found.map_or(Role::Other, |(_, role)| *role)
    }

    /// The suspicious threads, the most suspicious first.
    pub(crate) fn suspects<'a>(&self, facts: &Facts<'a>) -> ThreadList<'a> {
        const ORDER: [Suspicion; 6] = [
            Suspicion::Stalled,
            Suspicion::HoldsUp,
            Suspicion::Active,
            Suspicion::InCall,
            Suspicion::Waits,
            Suspicion::Awaits,
        ];
        let mut list = ThreadList::empty();
        for suspicion in ORDER {
            self.add(facts, Role::Suspect(suspicion), &mut list);
        }
        list
    }

    /// The threads with that role.
    pub(crate) fn with<'a>(&self, facts: &Facts<'a>, wanted: Role) -> ThreadList<'a> {
        let mut list = ThreadList::empty();
        self.add(facts, wanted, &mut list);
        list
    }

    fn add<'a>(&self, facts: &Facts<'a>, wanted: Role, list: &mut ThreadList<'a>) {
        for (thread, role) in facts.threads.iter().zip(&self.0) {
            if *role == wanted {
                list.add(thread);
            }
        }
    }
}

fn role_of(facts: &Facts<'_>, thread: &Thread) -> Role {
    let mut runs_a_task = false;
    order::task_of(facts.roster, thread.tid, &mut TaskBuffer::new(), |_| {
        runs_a_task = true;
    });
    if runs_a_task {
        return Role::Task;
    }
    let mut is_late = false;
    facts
        .roster
        .each_stall(|stall| is_late |= stall.tid == thread.tid);
    if is_late {
        return Role::Suspect(Suspicion::Stalled);
    }
    let stack = facts.stack(thread.tid);
    let stack = stack.filter(|stack| stack.captured == Captured::Yes);
    if is_own(thread) || stack.is_some_and(waits_for_deadstop) {
        return Role::Own;
    }
    let mut buffer = [0; LABEL_LEN];
    let has_label = facts.roster.labels.of(thread.tid, &mut buffer).is_some();
    let suspicion = suspicion_of(thread, stack);
    // The application does something on it, whatever its stack shows.
    let suspicion = suspicion.or(has_label.then_some(Suspicion::Waits));
    suspicion.map_or(Role::Other, Role::Suspect)
}

/// Returns why a thread is suspicious by what it does, and by its stack if that
/// has names. Of threads that wait on a futex, only a stack can tell an idle one.
fn suspicion_of(thread: &Thread, stack: Option<&Stack>) -> Option<Suspicion> {
    let is_in_application = stack
        .is_some_and(|stack| frames::innermost(stack).is_some() && !frames::waits_for_work(stack));
    match &thread.activity {
        Activity::Runs if thread.busy.is_some_and(|busy| busy > 0) => Some(Suspicion::Active),
        Activity::Uninterruptible { .. } => Some(Suspicion::Active),
        Activity::Calls { call, .. } if !is_idle_call(call.name) => Some(Suspicion::InCall),
        Activity::Reads(_) | Activity::Writes(_) | Activity::WaitsForChild => {
            Some(Suspicion::InCall)
        }
        Activity::WaitsForLock | Activity::Sleeps | Activity::WaitsForSignal
            if is_in_application =>
        {
            let awaits = stack.is_some_and(frames::awaits);
            Some(if awaits {
                Suspicion::Awaits
            } else {
                Suspicion::Waits
            })
        }
        _ => None,
    }
}

/// Returns `true` if a stack of this thread would help to tell whether it is
/// suspicious.
pub fn may_be_suspicious(thread: &Thread) -> bool {
    match &thread.activity {
        Activity::Polls | Activity::Stopped | Activity::Ended | Activity::Unknown => false,
        Activity::Calls { call, .. } => !is_idle_call(call.name),
        _ => !is_own(thread),
    }
}

/// A server's thread waits for connections in these.
fn is_idle_call(name: &str) -> bool {
    matches!(
        name,
        "accept" | "accept4" | "io_uring_enter" | "io_getevents"
    )
}

/// Returns `true` if the thread waits in deadstop's code: an idle thread of the pool, or one
/// that waits for the end of the shutdown.
fn waits_for_deadstop(stack: &Stack) -> bool {
    matches!(frames::waiter(stack), Some(Owner::Deadstop))
}

/// Returns `true` for deadstop's own threads, and for the thread of the crate ctrlc, which
/// waits for signals.
fn is_own(thread: &Thread) -> bool {
    thread.is_own || thread.name.as_str() == "ctrl-c"
}
