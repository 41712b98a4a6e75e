//! The report: `deadstop-report` writes it shortly before the deadline.
//!
//! A write may block for good. The watchdog and the backup timer do not wait for it.

use core::ffi::{CStr, c_int};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{self, Process};
use deadstop_core::stack::Stack;
use deadstop_core::sys::ThreadSource;
use deadstop_core::threads::{Activity, ThreadTable};
use deadstop_core::{CAUSE_LEN, Nanos, now, pid};

use crate::cause::CAUSE;
use crate::descendants::Descendants;
use crate::generated_code;
use crate::host;
use crate::settings::{PATH, SETTINGS};
use crate::shares::SHARES;
use crate::sys::descriptor::{self, Identity, Refused};
use crate::sys::descriptor_table::DescriptorTable;
use crate::sys::raise::sleep_until;

/// The time before the deadline at which the process is inspected, if the grace period is long
/// enough: at most a quarter of it.
const BEFORE: Duration = Duration::from_millis(500);
/// The time before the deadline at which the list of threads is cut short.
const LAST_MOMENT: Duration = Duration::from_millis(10);

pub(crate) const STANDARD_ERROR: i32 = 2;
const TEXT: usize = 32 * 1024;

/// The file that standard error was when the program was loaded, or when the program
/// itself replaced it.
static DEVICE: AtomicU64 = AtomicU64::new(0);
static INODE: AtomicU64 = AtomicU64::new(0);

/// Keeps which file standard error is. Async-signal-safe.
pub(crate) fn remember_standard_error() {
    let Identity(device, inode) = descriptor::identity(STANDARD_ERROR);
    DEVICE.store(device, Ordering::Relaxed);
    INODE.store(inode, Ordering::Relaxed);
}

/// Returns the time from the inspection to the deadline.
fn lead(begun: Nanos, at: Nanos) -> Duration {
    let quarter = at.since(begun).checked_div(4);
    BEFORE.min(quarter.unwrap_or(BEFORE))
}

/// Returns the time of the inspection.
pub(crate) fn begins(begun: Nanos, at: Nanos) -> Nanos {
    at.saturating_sub(lead(begun, at))
}

/// Waits until shortly before the deadline, and reports.
pub(crate) fn run(begun: Nanos, at: Nanos, mut table: DescriptorTable) {
    // The runtime's own stacks take a while.
    sleep_until(at.saturating_sub(lead(begun, at).saturating_mul(2)));
    host::dump_jvm();
    sleep_until(begins(begun, at));
    table.leave_if_full();
    let mut descendants = Descendants::none();
    descendants.find(|_| ());
    write(begun, at, &descendants, &table);
}

fn write(begun: Nanos, at: Nanos, descendants: &Descendants, table: &DescriptorTable) {
    let mut threads = ThreadTable::empty();
    threads.collect(
        &ThreadSource::open(),
        core::iter::empty(),
        at.saturating_sub(LAST_MOMENT),
    );
    let mut cause = TextBuffer::<CAUSE_LEN>::new();
    CAUSE.render(&mut cause);
    let mut stack = Stack::empty();
    let mut note = TextBuffer::new();
    // Another thread reads its own stack by a descriptor of this one.
    if let Some(tid) = busiest(&threads).filter(|_| !table.is_own()) {
        let until = now().saturating_add(at.since(now()).checked_div(2).unwrap_or_default());
        generated_code::capture(tid, until, &mut stack, &mut note);
    }
    if note.as_str().is_empty() {
        note.text(host::hint().unwrap_or_default());
    }
    let main = threads.find(pid());
    let process = Process {
        name: main.map_or("", |main| main.name.as_str()),
        pid: pid(),
        cause: cause.as_str(),
        begun,
        now: now(),
        at,
        exit_status: u8::try_from(SETTINGS.status()).unwrap_or(0),
        threads: threads.total.saturating_sub(own_threads()),
        proc_error: threads.proc_error,
        stacks: core::slice::from_ref(&stack),
        note: note.as_str(),
    };
    let mut text = TextBuffer::<TEXT>::new();
    render::process(
        &mut text,
        &process,
        threads.iter(),
        |tid| SHARES.since(tid),
        descendants.iter(),
    );
    // The file first: standard error may block.
    let path = &mut [0; PATH];
    let path = SETTINGS.report(path);
    let refused = path.and_then(|path| add(path, text.as_bytes()).err());
    if standard_error_is_usable() {
        descriptor::write_all(STANDARD_ERROR, text.as_bytes());
        if let (Some(path), Some(refused)) = (path, refused) {
            not_added(path, refused);
        }
        host::dump_python(STANDARD_ERROR);
    }
}

/// Returns the thread that has computed most since the trigger, if it still does. On a busy
/// machine that may be little.
fn busiest(threads: &ThreadTable) -> Option<c_int> {
    let shares = threads
        .iter()
        .map(|one| (SHARES.since(one.tid), one.tid, &one.activity));
    let (_, tid, activity) = shares.max_by_key(|(share, ..)| *share)?;
    matches!(activity, Activity::Runs).then_some(tid)
}

fn add(path: &CStr, text: &[u8]) -> Result<(), Refused> {
    let file = descriptor::open_to_add(path)?;
    descriptor::write_all(file, text);
    descriptor::close(file);
    Ok(())
}

/// Says on standard error that there is no report in the file.
fn not_added(path: &CStr, refused: Refused) {
    let mut line = TextBuffer::<{ PATH + 256 }>::new();
    line.text("deadstop: the report is not added to ")
        .quoted(path.to_str().unwrap_or("?"));
    match refused {
        Refused::NotRegular => line.text(", which is no regular file\n"),
        Refused::NotOwn => line.text(", which another user owns\n"),
        Refused::Error(libc::ELOOP) => line.text(", which is a symbolic link\n"),
        Refused::Error(libc::ENXIO) => line.text(", which is no regular file\n"),
        Refused::Error(error) => line.text(": error ").int(error).text("\n"),
    };
    descriptor::write_all(STANDARD_ERROR, line.as_bytes());
}

/// `deadstop-watch`, `deadstop-report` and `deadstop-child`, which the report does not
/// list.
fn own_threads() -> u32 {
    match SETTINGS.kills_children() {
        true => 3,
        false => 2,
    }
}

/// A daemon closes standard error, and the number may be a file of its data.
fn standard_error_is_usable() -> bool {
    let before = Identity(
        DEVICE.load(Ordering::Relaxed),
        INODE.load(Ordering::Relaxed),
    );
    let is_same = before != Identity::default() && descriptor::identity(STANDARD_ERROR) == before;
    is_same || descriptor::is_an_output(STANDARD_ERROR)
}
