use deadstop::Signal;
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::Console::{CTRL_C_EVENT, GenerateConsoleCtrlEvent};
use windows_sys::Win32::System::LibraryLoader::LoadLibraryW;
use windows_sys::Win32::System::Threading::GetCurrentProcess;

pub(crate) const TRIGGERS: [Signal; 1] = [Signal::INT];

#[link(name = "ntdll")]
unsafe extern "system" {
    /// Suspends every thread of a process, as debuggers do.
    fn NtSuspendProcess(process: HANDLE) -> i32;
}

/// Presses Ctrl-C in the console of the process.
pub(crate) fn send_trigger() {
    // SAFETY: two integers.
    if unsafe { GenerateConsoleCtrlEvent(CTRL_C_EVENT, 0) } == 0 {
        crate::say("no console event");
    }
}

/// Starts the guard for the cases that need one. The guard itself has no case.
pub(crate) fn start_guard(case: &str) {
    if ["", "timer", "detach"].contains(&case) {
        deadstop::guard::start().expect("the guard starts");
    }
}

pub(crate) fn stop_process() {
    // SAFETY: no precondition; it is a constant.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: the handle is of this process.
    unsafe { NtSuspendProcess(process) };
}

pub(crate) fn load_library(path: &str) {
    let wide: Vec<u16> = path.encode_utf16().chain([0]).collect();
    // SAFETY: the text ends with zero.
    if unsafe { LoadLibraryW(wide.as_ptr()) }.is_null() {
        crate::say("no library");
    }
}

pub(crate) fn in_child(_child: impl FnOnce() -> i32) -> i32 {
    -1
}
