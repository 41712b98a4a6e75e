//! deadstop with a hang report to write: nowhere, to sinks that take it, and to
//! sinks that never will.
//!
//! Shortly before the deadline the victim notes which system calls the threads
//! that tell the operator are in, and how much of the message is written: so
//! that a row whose sink did not block after all is seen not to have.

mod blocked;
mod disk;

use std::fs::{self, File};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use deadstop::{Cause, Progress, Shutdown, Sinks};
use rustix::fs::{MemfdFlags, memfd_create};

use self::disk::Disk;
use super::deadstop::say_deadline;
use super::stage::{Stage, thread_called};
use crate::conditions;
use crate::page::Page;

pub(crate) use self::disk::try_out as try_disk;

/// How long before the deadline the victim looks. The report is due a tenth of
/// the grace before it.
const LOOK: Duration = Duration::from_millis(10);

/// What a look finds where a thread is in no call.
pub(crate) const RUNNING: u64 = u64::MAX;

pub(crate) fn nowhere(stage: &Stage) -> ! {
    stage.become_nobody();
    hang_unsaid(stage)
}

/// The control of [`others_are_faster`].
pub(crate) fn nowhere_beside_others(stage: &Stage) -> ! {
    stage.become_nobody();
    blocked::others_are_faster();
    hang_unsaid(stage)
}

/// The control of [`disk_hangs`]: the files are open, and nobody writes to them.
pub(crate) fn nowhere_on_a_disk(stage: &Stage) -> ! {
    let disk = Disk::mount();
    stage.become_nobody();
    let open = |path| File::options().write(true).open(path).unwrap();
    let _files = disk.files().map(open);
    disk.die();
    hang_unsaid(stage)
}

fn hang_unsaid(stage: &Stage) -> ! {
    let sinks = Sinks::new()
        .without_message()
        .without_stderr()
        .without_log();
    hang(stage, sinks, Progress::Off, None)
}

pub(crate) fn taken(stage: &Stage) -> ! {
    stage.become_nobody();
    let files = Files::in_memory();
    let shutdown = install(stage, files.sinks(), Progress::Auto);
    blocked::logger_that_takes();
    shut_down(stage, &shutdown, Some(files.message()))
}

pub(crate) fn stderr_is_full(stage: &Stage) -> ! {
    hang_behind(stage, blocked::stderr_is_full)
}

pub(crate) fn others_are_faster(stage: &Stage) -> ! {
    hang_behind(stage, blocked::others_are_faster)
}

pub(crate) fn terminal_is_stopped(stage: &Stage) -> ! {
    hang_behind(stage, blocked::terminal_is_stopped)
}

pub(crate) fn logger_hangs(stage: &Stage) -> ! {
    stage.become_nobody();
    let files = Files::in_memory();
    let shutdown = install(stage, files.sinks(), Progress::Auto);
    blocked::logger_that_never_returns();
    shut_down(stage, &shutdown, Some(files.message()))
}

pub(crate) fn disk_hangs(stage: &Stage) -> ! {
    let disk = Disk::mount();
    stage.become_nobody();
    let shutdown = install_on(stage, &disk, Progress::Auto);
    blocked::logger_that_takes();
    shut_down(stage, &shutdown, None)
}

/// All of it. The reporter hangs over the first of its sinks, and the log's
/// thread over the line that tells of the beginning.
pub(crate) fn everything_hangs(stage: &Stage) -> ! {
    let disk = Disk::mount();
    stage.become_nobody();
    blocked::terminal_is_stopped();
    let shutdown = install_on(stage, &disk, Progress::Auto);
    blocked::logger_that_never_returns();
    shut_down(stage, &shutdown, None)
}

fn install_on(stage: &Stage, disk: &Disk, progress: Progress) -> Shutdown {
    let [message, json] = disk.files();
    let sinks = Sinks::new().message(message).json(json);
    let shutdown = install(stage, sinks, progress);
    // Only now, since `install` opens the files.
    disk.die();
    shutdown
}

/// With a standard error that was blocked before there was a shutdown.
fn hang_behind(stage: &Stage, block: fn()) -> ! {
    stage.become_nobody();
    block();
    let files = Files::in_memory();
    hang(
        stage,
        files.sinks(),
        Progress::Stderr,
        Some(files.message()),
    )
}

fn hang(stage: &Stage, sinks: Sinks, progress: Progress, message: Option<PathBuf>) -> ! {
    let shutdown = install(stage, sinks, progress);
    shut_down(stage, &shutdown, message)
}

fn install(stage: &Stage, sinks: Sinks, progress: Progress) -> Shutdown {
    let builder = Shutdown::builder().grace(stage.grace()).signals([]);
    builder.sinks(sinks).progress(progress).install().unwrap()
}

/// A shutdown with a task that never returns.
fn shut_down(stage: &Stage, shutdown: &Shutdown, message: Option<PathBuf>) -> ! {
    let tellers = ["deadstop-report", "deadstop-log"].map(thread);
    let (page, until) = (stage.page, stage.grace() - LOOK);
    let task = shutdown.task("clean up").on_shutdown(move |_| {
        thread::sleep(until);
        look(page, tellers, message.as_deref());
        conditions::park();
    });
    let _task = task.unwrap();
    stage.ender("deadstop-watch");
    stage.load();
    stage.begin();
    shutdown.request(Cause::requested("lateness"));
    say_deadline(stage, shutdown.watchdog(), Duration::ZERO);
    shutdown.exit()
}

/// The thread called `name`. It gives itself the name, and may not have come to
/// that yet; the bench waits for so long.
fn thread(name: &str) -> i32 {
    loop {
        if let Some(thread) = thread_called(name) {
            return thread;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

fn look(page: &Page, tellers: [i32; 2], message: Option<&Path>) {
    for (tid, word) in tellers.into_iter().zip([&page.reporter, &page.logger]) {
        let call = fs::read_to_string(format!("/proc/self/task/{tid}/syscall"));
        let call = call.unwrap_or_default();
        let number = call.split_whitespace().next().map(str::parse::<u64>);
        // Zero is nothing seen.
        word.set(number.and_then(Result::ok).map_or(RUNNING, |call| call + 1));
    }
    if let Some(Ok(message)) = message.map(fs::metadata) {
        page.message.set(message.len());
    }
}

/// Files that take whatever is written, and go when the victim does.
struct Files([OwnedFd; 2]);

impl Files {
    fn in_memory() -> Self {
        Self(["message", "json"].map(|name| memfd_create(name, MemfdFlags::CLOEXEC).unwrap()))
    }

    fn paths(&self) -> [PathBuf; 2] {
        self.0
            .each_ref()
            .map(|file| format!("/proc/self/fd/{}", file.as_raw_fd()).into())
    }

    fn message(&self) -> PathBuf {
        let [message, _] = self.paths();
        message
    }

    fn sinks(&self) -> Sinks {
        let [message, json] = self.paths();
        Sinks::new().message(message).json(json)
    }
}
