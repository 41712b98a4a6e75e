//! The options of `deadstop_install`.

use std::ffi::{c_char, c_int};
use std::mem::{MaybeUninit, offset_of};
use std::time::Duration;

use deadstop::report::{Progress, Sinks};
use deadstop::{SecondSignal, Shutdown, ShutdownBuilder, Signal, WhenDone};
use deadstop_core::sys::SignalSet;

#[cfg(windows)]
use crate::error::DEADSTOP_ERROR_SYSTEM;
#[cfg(not(windows))]
use crate::error::DEADSTOP_ERROR_UNSUPPORTED;
use crate::error::Failure;
use crate::text;

/// deadstop's handler is put in front of the one that the host has, for each signal that
/// the host handles when deadstop_install() or deadstop_chain_signals() is called: it starts
/// the clock and then calls the host's. Signals with the default action, or ignored, stay as
/// they are. The default.
pub const DEADSTOP_SIGNALS_CHAIN: u8 = 0;
/// No handler is set. The host calls deadstop_notify_signal() in its own, or deadstop_arm().
pub const DEADSTOP_SIGNALS_NONE: u8 = 1;
/// All of `signals` are handled, those with the default action too: for a program without
/// handlers of its own.
pub const DEADSTOP_SIGNALS_HANDLE: u8 = 2;

/// The default: with DEADSTOP_SIGNALS_HANDLE as DEADSTOP_SECOND_SIGNAL_END_FROM_TERMINAL,
/// else as DEADSTOP_SECOND_SIGNAL_IGNORE, since the host's own handler decides.
pub const DEADSTOP_SECOND_SIGNAL_DEFAULT: u8 = 0;
/// deadstop does nothing on a second signal.
pub const DEADSTOP_SECOND_SIGNAL_IGNORE: u8 = 1;
/// A second Ctrl-C or Ctrl-\ at the terminal ends the process at once, by that signal.
pub const DEADSTOP_SECOND_SIGNAL_END_FROM_TERMINAL: u8 = 2;
/// Any second signal ends the process at once, by that signal.
pub const DEADSTOP_SECOND_SIGNAL_END: u8 = 3;

/// The host ends the process when the tasks are done: by its own exit, or by returning from
/// main. The default.
pub const DEADSTOP_WHEN_DONE_WAIT: u8 = 0;
/// deadstop ends the process as soon as the tasks are done.
pub const DEADSTOP_WHEN_DONE_EXIT: u8 = 1;

/// No lines about a shutdown that goes well. The default.
pub const DEADSTOP_PROGRESS_OFF: u8 = 0;
/// A line on standard error when the shutdown begins, one every few seconds, and a summary.
pub const DEADSTOP_PROGRESS_STDERR: u8 = 1;

/// Reports go to standard error as text. The default.
pub const DEADSTOP_STDERR_TEXT: u8 = 0;
/// Reports go to standard error as JSON, one line each.
pub const DEADSTOP_STDERR_JSON: u8 = 1;
/// No report goes to standard error.
pub const DEADSTOP_STDERR_NONE: u8 = 2;

/// The settings to install. All zero except for `size` is the default.
///
///     deadstop_options options = { .size = sizeof options, .grace_ms = 25000 };
#[repr(C)]
pub struct Options {
    /// sizeof(deadstop_options): later versions have more fields.
    pub size: usize,
    /// Milliseconds from the first trigger to the deadline; 0 for 10,000.
    pub grace_ms: u64,
    /// The exit status at the deadline, 1 to 255; 0 for 124.
    pub exit_status: u8,
    /// The exit status if a task left its work undone, 1 to 255; 0 for 1.
    pub failure_status: u8,
    /// One of DEADSTOP_SIGNALS_.
    pub signal_mode: u8,
    /// One of DEADSTOP_SECOND_SIGNAL_.
    pub second_signal: u8,
    /// One of DEADSTOP_WHEN_DONE_.
    pub when_done: u8,
    /// One of DEADSTOP_PROGRESS_.
    pub progress: u8,
    /// One of DEADSTOP_STDERR_.
    pub stderr_format: u8,
    /// 1 to fail if the kernel refuses the backup timer.
    pub require_backup_timer: u8,
    /// The signals that begin the shutdown: the sum of 1 << (n - 1) for each signal n;
    /// 0 for SIGTERM and SIGINT.
    pub signals: u64,
    /// The signals that request a status report, as such a sum. deadstop handles them.
    pub status_signals: u64,
    /// A signal that deadstop sends to the process before it writes the hang report, if the
    /// host handles it; 0 for none. A JVM prints its stacks on SIGQUIT.
    pub stack_dump_signal: i32,
    /// Must be 0.
    pub reserved: i32,
    /// A file for hang reports as JSON; null for none.
    pub report_file: *const c_char,
    /// A file for the termination message; null for /dev/termination-log, if it is there.
    pub message_file: *const c_char,
    /// 1 for a guard: another process that ends this one a little after its deadline, with
    /// status 137. For Windows, where the kernel has no timer that does it. There
    /// deadstop_install() starts the program once more, and in that process, which is the
    /// guard, it does not return: call it first in main, whatever the arguments are. On any
    /// other system 1 is DEADSTOP_ERROR_UNSUPPORTED, and deadstop_install() has done nothing.
    pub guard: u8,
    /// Must be 0.
    pub reserved_bytes: [u8; 7],
}

/// The size of the first version's structure.
const FIRST_VERSION: usize = offset_of!(Options, message_file) + size_of::<*const c_char>();

/// Copies the structure of a caller, whatever version it knows.
///
/// # Safety
///
/// `options` must be null, or valid for reads of as many bytes as its first field says.
pub(crate) unsafe fn read(options: *const Options) -> Result<Options, Failure> {
    let mut copy = MaybeUninit::<Options>::zeroed();
    if !options.is_null() {
        // SAFETY: `size` is the first field, and there in every version.
        let size = unsafe { options.cast::<usize>().read_unaligned() };
        if !(FIRST_VERSION..=4096).contains(&size) {
            return Err(Failure::argument(format!(
                "the size of deadstop_options is {size}; it must be sizeof(deadstop_options), \
                 {FIRST_VERSION} or more"
            )));
        }
        let known = size.min(size_of::<Options>());
        let bytes = options.cast::<u8>();
        for place in known..size {
            // SAFETY: within the caller's structure.
            let byte = unsafe { bytes.add(place) };
            // SAFETY: as above.
            if unsafe { byte.read() } != 0 {
                return Err(Failure::argument(
                    "deadstop_options has a field that this version of libdeadstop does not know",
                ));
            }
        }
        // SAFETY: `known` bytes are in both.
        unsafe { bytes.copy_to_nonoverlapping(copy.as_mut_ptr().cast(), known) };
    }
    // SAFETY: integers and pointers, for which zeros and any bytes are values.
    Ok(unsafe { copy.assume_init() })
}

impl Options {
    /// Returns the signals that begin the shutdown.
    pub(crate) fn triggers(&self) -> SignalSet {
        match self.signals {
            0 => SignalSet::EMPTY.with(libc::SIGTERM).with(libc::SIGINT),
            signals => SignalSet::from_bits(signals),
        }
    }

    /// Starts the guard, if one is asked for. In the guard it does not return.
    pub(crate) fn start_guard(&self) -> Result<(), Failure> {
        match self.guard {
            0 => Ok(()),
            1 => start_guard(),
            other => Err(out_of_range("guard", other)),
        }
    }

    /// Makes a builder of them.
    ///
    /// # Safety
    ///
    /// The paths must be null or point to texts that end with a null byte.
    pub(crate) unsafe fn builder(&self) -> Result<ShutdownBuilder, Failure> {
        if self.reserved != 0 || self.reserved_bytes != [0; 7] {
            return Err(Failure::argument(
                "`reserved` and `reserved_bytes` must be 0",
            ));
        }
        let mut builder = Shutdown::builder()
            .second_signal(self.second_signal()?)
            .when_done(match self.when_done {
                DEADSTOP_WHEN_DONE_WAIT => WhenDone::Wait,
                DEADSTOP_WHEN_DONE_EXIT => WhenDone::Exit,
                other => return Err(out_of_range("when_done", other)),
            })
            .progress(match self.progress {
                DEADSTOP_PROGRESS_OFF => Progress::Off,
                DEADSTOP_PROGRESS_STDERR => Progress::Stderr,
                other => return Err(out_of_range("progress", other)),
            })
            .require_backup_timer(match self.require_backup_timer {
                0 => false,
                1 => true,
                other => return Err(out_of_range("require_backup_timer", other)),
            })
            .status_signals(list(SignalSet::from_bits(self.status_signals)));
        builder = match self.signal_mode {
            DEADSTOP_SIGNALS_HANDLE => builder.signals(list(self.triggers())),
            DEADSTOP_SIGNALS_CHAIN | DEADSTOP_SIGNALS_NONE => {
                builder.signals([]).forwarded_signals(list(self.triggers()))
            }
            other => return Err(out_of_range("signal_mode", other)),
        };
        if self.grace_ms != 0 {
            builder = builder.grace(Duration::from_millis(self.grace_ms));
        }
        if self.exit_status != 0 {
            builder = builder.exit_status(self.exit_status);
        }
        if self.failure_status != 0 {
            builder = builder.failure_status(self.failure_status);
        }
        if self.stack_dump_signal != 0 {
            builder = builder.stack_dump_signal(Signal::from(self.stack_dump_signal));
        }
        // SAFETY: the caller's contract.
        let sinks = unsafe { self.sinks() }?;
        Ok(builder.sinks(sinks))
    }

    fn second_signal(&self) -> Result<SecondSignal, Failure> {
        Ok(match self.second_signal {
            DEADSTOP_SECOND_SIGNAL_DEFAULT if self.signal_mode == DEADSTOP_SIGNALS_HANDLE => {
                SecondSignal::EndFromTerminal
            }
            DEADSTOP_SECOND_SIGNAL_DEFAULT | DEADSTOP_SECOND_SIGNAL_IGNORE => SecondSignal::Ignore,
            DEADSTOP_SECOND_SIGNAL_END_FROM_TERMINAL => SecondSignal::EndFromTerminal,
            DEADSTOP_SECOND_SIGNAL_END => SecondSignal::End,
            other => return Err(out_of_range("second_signal", other)),
        })
    }

    /// # Safety
    ///
    /// The paths must be null or point to texts that end with a null byte.
    unsafe fn sinks(&self) -> Result<Sinks, Failure> {
        let mut sinks = Sinks::new();
        // SAFETY: the caller's contract.
        if let Some(path) = unsafe { text::optional(self.report_file, "report_file") }? {
            sinks = sinks.json(path);
        }
        // SAFETY: the caller's contract.
        if let Some(path) = unsafe { text::optional(self.message_file, "message_file") }? {
            sinks = sinks.termination_message(path);
        }
        Ok(match self.stderr_format {
            DEADSTOP_STDERR_TEXT => sinks,
            DEADSTOP_STDERR_JSON => sinks.stderr_as_json(true),
            DEADSTOP_STDERR_NONE => sinks.stderr(false),
            other => return Err(out_of_range("stderr_format", other)),
        })
    }
}

#[cfg(windows)]
fn start_guard() -> Result<(), Failure> {
    deadstop::guard::start().map_err(|error| {
        Failure::new(
            DEADSTOP_ERROR_SYSTEM,
            format!("could not start the guard: {error}"),
        )
    })
}

#[cfg(not(windows))]
fn start_guard() -> Result<(), Failure> {
    Err(Failure::new(
        DEADSTOP_ERROR_UNSUPPORTED,
        "`guard` is 1, but a guard is for Windows alone; `guard` must be 0 on this system",
    ))
}

fn list(signals: SignalSet) -> Vec<Signal> {
    signals.numbers().map(Signal::from).collect()
}

fn out_of_range(field: &str, value: impl Into<c_int>) -> Failure {
    let value = value.into();
    Failure::argument(format!("`{field}` is {value}, which is no value of it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults() -> Options {
        // SAFETY: null is allowed.
        let mut options = unsafe { read(std::ptr::null()) }.expect("defaults");
        options.size = size_of::<Options>();
        options
    }

    #[test]
    fn structure_of_an_unknown_size_is_refused() {
        for size in [0, 8, FIRST_VERSION - 1, 5000] {
            let options = Options { size, ..defaults() };
            // SAFETY: no more than the first field is read.
            assert!(unsafe { read(&raw const options) }.is_err(), "{size}");
        }
    }

    #[test]
    fn structure_of_a_later_version_is_read_if_its_new_fields_are_zero() {
        #[repr(C)]
        struct Later(Options, u64);
        let size = size_of::<Later>();
        let options = Options {
            size,
            grace_ms: 7,
            ..defaults()
        };
        let mut later = Later(options, 0);
        // SAFETY: the structure has `size` bytes.
        let read_back = unsafe { read((&raw const later).cast()) }.expect("new field is 0");
        assert_eq!(read_back.grace_ms, 7);
        later.1 = 1;
        // SAFETY: as above.
        assert!(unsafe { read((&raw const later).cast()) }.is_err());
    }

    #[test]
    fn structure_of_the_first_version_is_read_without_a_guard() {
        let options = Options {
            size: FIRST_VERSION,
            grace_ms: 7,
            guard: 9,
            ..defaults()
        };
        // SAFETY: the structure has more bytes than its size says.
        let read = unsafe { read(&raw const options) }.expect("the first version");
        assert_eq!((read.grace_ms, read.guard), (7, 0));
    }

    #[test]
    #[cfg(not(windows))]
    fn guard_is_refused_where_there_is_none() {
        let start = |guard| {
            Options {
                guard,
                ..defaults()
            }
            .start_guard()
        };
        assert!(start(0).is_ok());
        assert_eq!(
            crate::error::guarded(|| start(1).map(|()| 0)),
            DEADSTOP_ERROR_UNSUPPORTED
        );
        let failure = start(2).expect_err("out of range");
        assert!(format!("{failure:?}").contains("`guard` is 2"));
    }

    #[test]
    fn value_out_of_range_is_refused_by_name() {
        let options = [
            (
                "signal_mode",
                Options {
                    signal_mode: 3,
                    ..defaults()
                },
            ),
            (
                "second_signal",
                Options {
                    second_signal: 4,
                    ..defaults()
                },
            ),
            (
                "when_done",
                Options {
                    when_done: 2,
                    ..defaults()
                },
            ),
            (
                "progress",
                Options {
                    progress: 2,
                    ..defaults()
                },
            ),
            (
                "stderr_format",
                Options {
                    stderr_format: 3,
                    ..defaults()
                },
            ),
            (
                "require_backup_timer",
                Options {
                    require_backup_timer: 2,
                    ..defaults()
                },
            ),
            (
                "reserved",
                Options {
                    reserved: 1,
                    ..defaults()
                },
            ),
            (
                "reserved_bytes",
                Options {
                    reserved_bytes: [0, 0, 0, 0, 0, 0, 1],
                    ..defaults()
                },
            ),
        ];
        for (field, options) in options {
            // SAFETY: the paths are null.
            let failure = unsafe { options.builder() }.expect_err(field);
            assert!(format!("{failure:?}").contains(field), "{failure:?}");
        }
        // SAFETY: the paths are null.
        assert!(unsafe { defaults().builder() }.is_ok());
    }

    #[test]
    fn second_signal_is_left_to_the_host_unless_deadstop_handles_the_first() {
        let mode = |signal_mode| {
            Options {
                signal_mode,
                ..defaults()
            }
            .second_signal()
        };
        assert_eq!(
            mode(DEADSTOP_SIGNALS_CHAIN).ok(),
            Some(SecondSignal::Ignore)
        );
        assert_eq!(
            mode(DEADSTOP_SIGNALS_HANDLE).ok(),
            Some(SecondSignal::EndFromTerminal)
        );
    }
}
