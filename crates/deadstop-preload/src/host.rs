//! Reports that a language's runtime writes by itself.
//!
//! | runtime | by | in |
//! | --- | --- | --- |
//! | JVM | `SIGQUIT`, for which it has a handler | a thread of its own, on standard output |
//! | Python | `_Py_DumpTracebackThreads`, as `faulthandler` does | a signal handler on the main thread |
//!
//! Both are options: the first needs the JVM to be alive enough to stop its threads,
//! the second calls a function of Python that only `faulthandler` is meant to call.

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};
use core::time::Duration;

use deadstop_core::sys::{action_of, handle_if_free, set_default_action};
use deadstop_core::{now, pid};

use crate::settings::SETTINGS;
use crate::sys::{next, python, raise};

/// The function of Python that writes the stack of each thread; null if there is none.
static PYTHON: AtomicPtr<c_void> = AtomicPtr::new(core::ptr::null_mut());
/// The descriptor for Python's stacks, or -1 when they are written.
static ASKED: AtomicI32 = AtomicI32::new(-1);

/// `true` in a Python whose stacks the report does not have.
static COULD_DUMP_PYTHON: AtomicBool = AtomicBool::new(false);

/// The longest time for Python's stacks.
const PATIENCE: Duration = Duration::from_millis(200);

/// Looks up what the options need. For the constructor.
pub(crate) fn look_up() {
    if !is_known_python() {
        return;
    }
    if SETTINGS.dumps_python() {
        PYTHON.store(next::symbol(c"_Py_DumpTracebackThreads"), Ordering::Release);
    } else {
        COULD_DUMP_PYTHON.store(true, Ordering::Relaxed);
    }
}

/// Python 3.6 to 3.14 have the function with the same arguments.
fn is_known_python() -> bool {
    let version = python::version();
    let minor = version.and_then(|version| version.strip_prefix("3."));
    let minor = minor.and_then(|rest| rest.split(|c: char| !c.is_ascii_digit()).next());
    let minor = minor.and_then(|minor| minor.parse::<u32>().ok());
    minor.is_some_and(|minor| (6..=14).contains(&minor))
}

/// Returns the variable that adds the runtime's own stacks, if the process is a runtime whose
/// stacks the report does not have.
pub(crate) fn hint() -> Option<&'static str> {
    if COULD_DUMP_PYTHON.load(Ordering::Relaxed) {
        return Some("DEADSTOP_PYTHON_DUMP=1 adds Python's own stacks");
    }
    let could_dump_jvm = !SETTINGS.dumps_jvm() && is_jvm();
    could_dump_jvm.then_some("DEADSTOP_JVM_DUMP=1 prints the JVM's own stacks")
}

/// Asks the JVM for the stacks of its threads, if the process is one.
pub(crate) fn dump_jvm() {
    if !SETTINGS.dumps_jvm() || !is_jvm() {
        return;
    }
    // Without a handler the signal would end the process.
    let is_handled = action_of(libc::SIGQUIT)
        .is_ok_and(|action| action != libc::SIG_DFL && action != libc::SIG_IGN);
    if is_handled {
        raise::to_process(libc::SIGQUIT);
    }
}

/// Returns `true` in a JVM: it handles `SIGQUIT`, and has a thread for signals.
pub(crate) fn is_jvm() -> bool {
    let mut found = false;
    crate::sys::directory::numbers(c"/proc/self/task", |tid| {
        let mut file = deadstop_core::buffer::TextBuffer::<48>::new();
        file.text("/task/").int(tid).text("/comm");
        let mut buffer = [0; 32];
        let name = deadstop_core::sys::process_file(pid(), file.as_str(), &mut buffer);
        found |= name.is_some_and(|name| name.starts_with(b"Signal Dispatch"));
    });
    found
}

/// Asks Python's main thread to write the stacks of all threads to `descriptor`.
pub(crate) fn dump_python(descriptor: c_int) {
    if PYTHON.load(Ordering::Acquire).is_null() || !handle_if_free(libc::SIGURG, on_python_thread) {
        return;
    }
    ASKED.store(descriptor, Ordering::Release);
    if raise::to_thread(pid(), libc::SIGURG) {
        let end = now().saturating_add(PATIENCE);
        while now() < end && ASKED.load(Ordering::Acquire) >= 0 {
            raise::sleep_until(now().saturating_add(Duration::from_millis(1)));
        }
    }
    ASKED.store(-1, Ordering::Release);
    set_default_action(libc::SIGURG);
}

/// Runs on Python's main thread, which `faulthandler` does too.
extern "C" fn on_python_thread(_signal: c_int) {
    let descriptor = ASKED.load(Ordering::Acquire);
    let function = PYTHON.load(Ordering::Acquire);
    if descriptor >= 0 && !function.is_null() {
        python::dump_threads(function, descriptor);
        ASKED.store(-1, Ordering::Release);
    }
}
