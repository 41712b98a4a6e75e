//! A service of Windows: `SERVICE_CONTROL_STOP` begins the shutdown, and a task hangs.
//!
//! ```text
//! deadstop-targets service LOG           notifies deadstop
//! deadstop-targets service-unheard LOG   the control: it only says that it stops
//! ```

use std::ffi::c_void;
use std::fs::OpenOptions;
use std::io::Write;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use deadstop::{Shutdown, Signal};
use windows_sys::Win32::System::Services::{
    RegisterServiceCtrlHandlerExW, SERVICE_ACCEPT_STOP, SERVICE_CONTROL_STOP, SERVICE_RUNNING,
    SERVICE_START_PENDING, SERVICE_STATUS, SERVICE_STOP_PENDING, SERVICE_TABLE_ENTRYW,
    SERVICE_WIN32_OWN_PROCESS, SetServiceStatus, StartServiceCtrlDispatcherW,
};

use crate::spin;

const GRACE: Duration = Duration::from_secs(2);

static LOG: OnceLock<String> = OnceLock::new();
static SHUTDOWN: OnceLock<Shutdown> = OnceLock::new();
static STATUS: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static IS_HEARD: OnceLock<bool> = OnceLock::new();

/// Becomes a service, until it has stopped.
pub(crate) fn run(case: &str) {
    LOG.get_or_init(|| std::env::args().nth(2).expect("the log"));
    IS_HEARD.get_or_init(|| case == "service");
    let mut name: Vec<u16> = "deadstop\0".encode_utf16().collect();
    let table = [
        SERVICE_TABLE_ENTRYW {
            lpServiceName: name.as_mut_ptr(),
            lpServiceProc: Some(service_main),
        },
        SERVICE_TABLE_ENTRYW {
            lpServiceName: ptr::null_mut(),
            lpServiceProc: None,
        },
    ];
    // SAFETY: the table ends with an entry of nulls.
    if unsafe { StartServiceCtrlDispatcherW(table.as_ptr()) } == 0 {
        log("it is not started as a service");
    }
}

extern "system" fn service_main(_count: u32, _arguments: *mut windows_sys::core::PWSTR) {
    let name: Vec<u16> = "deadstop\0".encode_utf16().collect();
    // SAFETY: the text ends with zero, and the function stays valid.
    let status =
        unsafe { RegisterServiceCtrlHandlerExW(name.as_ptr(), Some(on_control), ptr::null()) };
    STATUS.store(status, Ordering::Release);
    say(SERVICE_START_PENDING);
    let shutdown = Shutdown::builder().grace(GRACE).install();
    let shutdown = shutdown.expect("the shutdown installs");
    let task = shutdown.task("flush").on_shutdown(|_| spin());
    task.expect("the task registers");
    SHUTDOWN.get_or_init(|| shutdown.clone());
    say(SERVICE_RUNNING);
    log(&format!("running {}", std::process::id()));
    shutdown.wait_and_exit();
}

/// Called by a thread of the service's process.
extern "system" fn on_control(
    control: u32,
    _kind: u32,
    _data: *mut c_void,
    _context: *mut c_void,
) -> u32 {
    if control == SERVICE_CONTROL_STOP {
        say(SERVICE_STOP_PENDING);
        log(&format!(
            "arming {} {}",
            deadstop_core::now().0,
            GRACE.as_nanos()
        ));
        if let Some(shutdown) = SHUTDOWN.get().filter(|_| IS_HEARD.get() == Some(&true)) {
            shutdown.notify_signal(Signal::TERM, None);
        }
    }
    0
}

/// Tells Windows the state of the service.
fn say(state: u32) {
    let status = SERVICE_STATUS {
        dwServiceType: SERVICE_WIN32_OWN_PROCESS,
        dwCurrentState: state,
        dwControlsAccepted: SERVICE_ACCEPT_STOP,
        dwWin32ExitCode: 0,
        dwServiceSpecificExitCode: 0,
        dwCheckPoint: 0,
        dwWaitHint: 10_000,
    };
    // SAFETY: the handle is that of this service; the pointer is valid for reads.
    unsafe { SetServiceStatus(STATUS.load(Ordering::Acquire), &raw const status) };
}

/// A service has no standard output.
fn log(line: &str) {
    let path = LOG.get().expect("the log");
    let file = OpenOptions::new().append(true).create(true).open(path);
    let _ = file.and_then(|mut file| writeln!(file, "{line}"));
}
