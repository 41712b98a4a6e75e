//! deadstop with a hang report: to no sink, to sinks that accept it, and to sinks that block.
//!
//! Shortly before the deadline the victim notes the system calls of the reporting threads, and
//! how much of the message is written. So the table shows a row whose sink did not block.

mod blocked;
mod disk;

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::Duration;

use deadstop::Shutdown;
use deadstop::report::{Progress, Sinks};

use self::disk::Disk;
use super::deadstop::request;
use super::setup::{Setup, thread_called};
use crate::conditions;
use crate::page::Page;

pub(crate) use self::disk::try_out as try_disk;

/// The time before the deadline at which the victim inspects its threads. The report is due a
/// tenth of the grace before the deadline.
const LOOK: Duration = Duration::from_millis(10);

/// The result of a look at a thread that is in no call.
pub(crate) const RUNNING: u64 = u64::MAX;

pub(crate) fn nowhere(setup: &Setup) -> ! {
    setup.drop_privileges();
    hang_unsaid(setup)
}

/// The control of [`others_are_faster`].
pub(crate) fn nowhere_beside_others(setup: &Setup) -> ! {
    setup.drop_privileges();
    blocked::others_are_faster();
    hang_unsaid(setup)
}

/// The control of [`disk_hangs`]: the files are open, and no thread writes to them.
pub(crate) fn nowhere_on_a_disk(setup: &Setup) -> ! {
    let disk = Disk::mount();
    setup.drop_privileges();
    let open = |path| File::options().write(true).open(path).unwrap();
    let _files = disk.files().map(open);
    disk.die();
    hang_unsaid(setup)
}

fn hang_unsaid(setup: &Setup) -> ! {
    let sinks = Sinks::new()
        .without_termination_message()
        .stderr(false)
        .log(false);
    let shutdown = install(setup, sinks, Progress::Off);
    shut_down(setup, &shutdown, None)
}

pub(crate) fn taken(setup: &Setup) -> ! {
    setup.drop_privileges();
    let files = Files::in_memory();
    let shutdown = install_on_files(setup, &files, Progress::Auto);
    blocked::logger_that_takes();
    shut_down(setup, &shutdown, Some(files.message()))
}

pub(crate) fn stderr_is_full(setup: &Setup) -> ! {
    hang_behind(setup, blocked::stderr_is_full)
}

pub(crate) fn others_are_faster(setup: &Setup) -> ! {
    hang_behind(setup, blocked::others_are_faster)
}

pub(crate) fn terminal_is_stopped(setup: &Setup) -> ! {
    hang_behind(setup, blocked::terminal_is_stopped)
}

pub(crate) fn logger_hangs(setup: &Setup) -> ! {
    setup.drop_privileges();
    let files = Files::in_memory();
    let shutdown = install_on_files(setup, &files, Progress::Auto);
    blocked::logger_that_never_returns();
    shut_down(setup, &shutdown, Some(files.message()))
}

pub(crate) fn disk_hangs(setup: &Setup) -> ! {
    let disk = Disk::mount();
    setup.drop_privileges();
    let shutdown = install_on(setup, &disk, Progress::Auto);
    blocked::logger_that_takes();
    shut_down(setup, &shutdown, None)
}

/// Blocks every sink: the reporter hangs in its first one, and the log's thread in the line
/// about the beginning.
pub(crate) fn everything_hangs(setup: &Setup) -> ! {
    let disk = Disk::mount();
    setup.drop_privileges();
    blocked::terminal_is_stopped();
    let shutdown = install_on(setup, &disk, Progress::Auto);
    blocked::logger_that_never_returns();
    shut_down(setup, &shutdown, None)
}

fn install_on(setup: &Setup, disk: &Disk, progress: Progress) -> Shutdown {
    let [message, json] = disk.files();
    let sinks = Sinks::new().termination_message(message).json(json);
    let shutdown = install(setup, sinks, progress);
    // After `install`, which opens the files.
    disk.die();
    shutdown
}

/// Blocks standard error before the shutdown, and hangs.
fn hang_behind(setup: &Setup, block: fn()) -> ! {
    setup.drop_privileges();
    block();
    let files = Files::in_memory();
    let shutdown = install_on_files(setup, &files, Progress::Stderr);
    shut_down(setup, &shutdown, Some(files.message()))
}

fn install_on_files(setup: &Setup, files: &Files, progress: Progress) -> Shutdown {
    let [message, json] = files.names.each_ref();
    let sinks = Sinks::new().termination_message(message).json(json);
    let shutdown = install(setup, sinks, progress);
    // After `install`, which opens the files.
    files.remove_names();
    shutdown
}

fn install(setup: &Setup, sinks: Sinks, progress: Progress) -> Shutdown {
    let builder = Shutdown::builder().grace(setup.grace()).signals([]);
    builder.sinks(sinks).progress(progress).install().unwrap()
}

/// A shutdown with a task that never returns.
fn shut_down(setup: &Setup, shutdown: &Shutdown, message: Option<PathBuf>) -> ! {
    let (page, until) = (setup.page, setup.grace() - LOOK);
    let task = shutdown.task("clean up").on_shutdown(move |_| {
        thread::sleep(until);
        look(page, message.as_deref());
        conditions::park();
    });
    let _task = task.unwrap();
    request(setup, shutdown)
}

/// Notes the system calls of the reporting threads. `deadstop-log` exists only while there are
/// lines to write.
fn look(page: &Page, message: Option<&Path>) {
    let words = [
        ("deadstop-report", &page.reporter),
        ("deadstop-log", &page.logger),
    ];
    for (name, word) in words {
        let Some(tid) = thread_called(name) else {
            continue;
        };
        let call = fs::read_to_string(format!("/proc/self/task/{tid}/syscall"));
        let call = call.unwrap_or_default();
        let number = call.split_whitespace().next().map(str::parse::<u64>);
        // Zero means that no look was taken.
        word.set(number.and_then(Result::ok).map_or(RUNNING, |call| call + 1));
    }
    if let Some(Ok(message)) = message.map(fs::metadata) {
        page.message.set(message.len());
    }
}

/// Files that accept every write, and go when the victim does.
struct Files {
    names: [PathBuf; 2],
    opened: [File; 2],
}

impl Files {
    fn in_memory() -> Self {
        let names = ["message", "json"].map(|kind| {
            let name = format!("deadstop-lateness-{}-{kind}", process::id());
            Path::new("/dev/shm").join(name)
        });
        let opened = names.each_ref().map(|name| File::create_new(name).unwrap());
        Self { names, opened }
    }

    fn remove_names(&self) {
        for name in &self.names {
            fs::remove_file(name).unwrap();
        }
    }

    /// The message's file under another name: its first one is removed.
    fn message(&self) -> PathBuf {
        let [message, _] = &self.opened;
        format!("/proc/self/fd/{}", message.as_raw_fd()).into()
    }
}
