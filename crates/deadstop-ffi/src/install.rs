//! `deadstop_install`.

use std::ffi::{c_char, c_int};

use deadstop_core::sys::SignalSet;

use crate::error::{DEADSTOP_ERROR_ALREADY_INSTALLED, DEADSTOP_OK, Failure, guarded};
use crate::options::{self, DEADSTOP_SIGNALS_CHAIN, Options};
use crate::signals;
use crate::state::{self, Installed};

/// Starts the watchdog, and returns when its thread runs. Null means the defaults. Call it once
/// per process, early, and after forking or daemonizing.
///
/// After an error the process goes on unprotected, and its signals are as before.
///
/// # Safety
///
/// `options` must be null or point to a structure of the size that it says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_install(options: *const Options) -> c_int {
    guarded(|| {
        if state::own().is_some() {
            return Err(Failure::new(
                DEADSTOP_ERROR_ALREADY_INSTALLED,
                "this process already has a watchdog",
            ));
        }
        // SAFETY: the caller's contract.
        let options = unsafe { options::read(options) }?;
        // SAFETY: the caller's contract.
        let builder = unsafe { options.builder() }?;
        options.start_guard()?;
        let chained = match options.signal_mode {
            DEADSTOP_SIGNALS_CHAIN => options.triggers(),
            _ => SignalSet::EMPTY,
        };
        signals::check(chained)?;
        let shutdown = builder.install()?;
        state::set(Installed {
            pid: deadstop_core::pid(),
            shutdown,
            chained,
        });
        signals::chain()?;
        Ok(DEADSTOP_OK)
    })
}

/// Returns the version of the library, such as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
