//! Keeps the object that holds this code in memory.
//!
//! A program may load deadstop as a part of a plugin, and unload the plugin. The watchdog's
//! thread and the signal handlers are that plugin's code: without it the next thread to wake
//! would crash. musl never unloads an object.

/// Keeps the shared library that this code is in loaded until the process ends. Does nothing
/// in a program's own code, and where the system refuses.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static")
))]
pub(crate) fn keep_loaded() {
    use std::ffi::c_void;
    use std::mem::MaybeUninit;

    fn object_of(address: *const c_void) -> Option<libc::Dl_info> {
        let mut info = MaybeUninit::<libc::Dl_info>::uninit();
        // SAFETY: the second pointer is valid for writes; the address may be any.
        let found = unsafe { libc::dladdr(address, info.as_mut_ptr()) };
        // SAFETY: it was written if there is an object with the address.
        (found != 0).then(|| unsafe { info.assume_init() })
    }

    // SAFETY: it takes an integer. The program's headers are in the program's object.
    let headers = unsafe { libc::getauxval(libc::AT_PHDR) };
    let program = object_of(std::ptr::without_provenance(headers as usize));
    let Some(own) = object_of((keep_loaded as fn()) as *const c_void) else {
        return;
    };
    if own.dli_fname.is_null() || program.is_some_and(|it| it.dli_fbase == own.dli_fbase) {
        return;
    }
    let flags = libc::RTLD_LAZY | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
    // The handle is not needed: the object is never closed.
    // SAFETY: the name is of an object that is loaded, and stays as long as it is. With
    // RTLD_NOLOAD no code of another one runs.
    let _ = unsafe { libc::dlopen(own.dli_fname, flags) };
}

/// Does nothing: here an object of the program's stays loaded, or unloading is not handled.
#[cfg(not(all(
    target_os = "linux",
    target_env = "gnu",
    not(target_feature = "crt-static")
)))]
pub(crate) fn keep_loaded() {}
