//! Setup of every victim: its shared page, its load, and the order in which it begins.

use std::fs;
use std::os::fd::{FromRawFd, OwnedFd};
use std::process;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{
    DumpableBehavior, Gid, Signal, Uid, getpid, getuid, kill_process, set_dumpable_behavior,
    set_parent_process_death_signal,
};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};
use tokio::runtime::{Builder, Runtime};

use super::TIMED_OUT;
use crate::conditions::{self, Condition};
use crate::page::{Page, now};

/// The time between the load's start and the shutdown's. Threads are parked by then, as in a
/// program that has been running.
const SETTLE: Duration = Duration::from_millis(20);

const UNPRIVILEGED: u32 = 65534;

#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) page: &'static Page,
    pub(crate) condition: &'static Condition,
}

impl Setup {
    pub(crate) fn new(condition: &'static Condition, page: i32) -> Self {
        die_with_parent();
        // SAFETY: the descriptor was passed to this process, and no other code
        // here knows of it.
        let memory = unsafe { OwnedFd::from_raw_fd(page) };
        Self {
            page: Page::map(memory),
            condition,
        }
    }

    pub(crate) fn grace(&self) -> Duration {
        self.condition.grace
    }

    pub(crate) fn drop_privileges(&self) {
        drop_privileges();
    }

    /// Notes that the thread called `name` will end the process.
    pub(crate) fn ender(&self, name: &str) {
        let tid = thread_called(name).expect("it was started");
        // SAFETY: takes an integer, and reads.
        let policy = unsafe { libc::sched_getscheduler(tid) };
        self.page.policy.set(policy as u64 + 1);
        self.page.ender.set(tid as u64);
    }

    /// Starts the load, and waits until all of it runs, outside this process too.
    pub(crate) fn load(&self) {
        self.condition.start();
        self.page.ready.set(1);
        while self.page.loaded.get().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(SETTLE);
    }

    /// The last step before the shutdown: the grace counts from here.
    pub(crate) fn begin(&self) {
        self.page
            .deadline
            .set(now() + self.grace().as_nanos() as u64);
    }

    /// The cleanup of a program with a runtime. It does not return, and in one condition it blocks
    /// the workers too.
    pub(crate) async fn cleanup(&self) {
        if self.condition.blocks_workers {
            conditions::block_workers(&tokio::runtime::Handle::current());
        }
        std::future::pending::<()>().await;
    }

    /// The cleanup for a library without a runtime. The program has one all the same, if the
    /// condition blocks it.
    pub(crate) fn blocking_cleanup(&self, bystander: Option<Runtime>) -> ! {
        if let Some(runtime) = &bystander {
            conditions::block_workers(runtime.handle());
        }
        conditions::park()
    }

    /// A runtime beside the row's own threads, in the condition that blocks one.
    pub(crate) fn bystander(&self) -> Option<Runtime> {
        self.condition.blocks_workers.then(runtime)
    }

    /// Stops the process: no thread of it runs any more.
    pub(crate) fn stop(&self) -> ! {
        kill_process(getpid(), Signal::STOP).unwrap();
        conditions::park()
    }

    /// Ends the process as programs do, and notes the time just before.
    pub(crate) fn end(&self) -> ! {
        self.page.ended.stamp();
        process::exit(TIMED_OUT)
    }
}

/// Gives up every privilege: the process is then like any process of an unprivileged user. For a
/// process with one thread.
pub(super) fn drop_privileges() {
    if !getuid().is_root() {
        return;
    }
    let (user, group) = (Uid::from_raw(UNPRIVILEGED), Gid::from_raw(UNPRIVILEGED));
    set_thread_groups(&[]).unwrap();
    set_thread_gid(group).unwrap();
    set_thread_uid(user).unwrap();
    set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
    // A change of the user clears the parent-death signal.
    die_with_parent();
}

/// The runtime that `#[tokio::main]` makes.
pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

/// A point in time as nanoseconds of `CLOCK_MONOTONIC`: at most ten microseconds too early,
/// and never too late, so no end counts as early by mistake.
pub(crate) fn nanos(at: Instant) -> u64 {
    loop {
        let before = now();
        let instant = Instant::now();
        // Otherwise another thread ran between the two readings.
        if now() - before < 10_000 {
            return match at.checked_duration_since(instant) {
                Some(ahead) => before + ahead.as_nanos() as u64,
                None => before - (instant - at).as_nanos() as u64,
            };
        }
    }
}

pub(crate) fn die_with_parent() {
    set_parent_process_death_signal(Some(Signal::KILL)).unwrap();
}

pub(super) fn thread_called(name: &str) -> Option<i32> {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    let mut threads = threads.filter(|thread| {
        let comm = fs::read_to_string(thread.path().join("comm"));
        comm.is_ok_and(|comm| comm.trim_end() == name)
    });
    threads.next()?.file_name().to_str()?.parse().ok()
}
