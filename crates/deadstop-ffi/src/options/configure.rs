//! Turns the options into a builder of the library, and refuses a value that an option does not
//! have.

use std::time::Duration;

use deadstop::report::{Progress, Sinks};
use deadstop::{SecondSignal, Shutdown, ShutdownBuilder, Signal, WhenDone};
use deadstop_core::sys::SignalSet;

use super::{
    DEADSTOP_PROGRESS_OFF, DEADSTOP_PROGRESS_STDERR, DEADSTOP_SECOND_SIGNAL_DEFAULT,
    DEADSTOP_SECOND_SIGNAL_END, DEADSTOP_SECOND_SIGNAL_END_FROM_TERMINAL,
    DEADSTOP_SECOND_SIGNAL_IGNORE, DEADSTOP_SIGNALS_CHAIN, DEADSTOP_SIGNALS_HANDLE,
    DEADSTOP_SIGNALS_NONE, DEADSTOP_STDERR_JSON, DEADSTOP_STDERR_NONE, DEADSTOP_STDERR_TEXT,
    DEADSTOP_WHEN_DONE_EXIT, DEADSTOP_WHEN_DONE_WAIT, Options,
};
#[cfg(windows)]
use crate::error::DEADSTOP_ERROR_SYSTEM;
#[cfg(not(windows))]
use crate::error::DEADSTOP_ERROR_UNSUPPORTED;
use crate::error::Failure;
use crate::text;

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
            other => Err(out_of_range("guard", other, 1)),
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
                other => return Err(out_of_range("when_done", other, DEADSTOP_WHEN_DONE_EXIT)),
            })
            .progress(match self.progress {
                DEADSTOP_PROGRESS_OFF => Progress::Off,
                DEADSTOP_PROGRESS_STDERR => Progress::Stderr,
                other => return Err(out_of_range("progress", other, DEADSTOP_PROGRESS_STDERR)),
            })
            .require_backup_timer(match self.require_backup_timer {
                0 => false,
                1 => true,
                other => return Err(out_of_range("require_backup_timer", other, 1)),
            })
            .status_signals(list(SignalSet::from_bits(self.status_signals)));
        builder = match self.signal_mode {
            DEADSTOP_SIGNALS_HANDLE => builder.signals(list(self.triggers())),
            DEADSTOP_SIGNALS_CHAIN | DEADSTOP_SIGNALS_NONE => {
                builder.signals([]).forwarded_signals(list(self.triggers()))
            }
            other => return Err(out_of_range("signal_mode", other, DEADSTOP_SIGNALS_HANDLE)),
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
            other => {
                return Err(out_of_range(
                    "second_signal",
                    other,
                    DEADSTOP_SECOND_SIGNAL_END,
                ));
            }
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
            other => return Err(out_of_range("stderr_format", other, DEADSTOP_STDERR_NONE)),
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

/// Refuses `value`: the field may be 0 to `last`.
fn out_of_range(field: &str, value: u8, last: u8) -> Failure {
    Failure::argument(format!("`{field}` is {value}; allowed is 0 to {last}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::read::defaults;

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

    /// Returns the reason why the defaults, changed by `set`, are refused.
    fn refusal(set: impl FnOnce(&mut Options)) -> String {
        let mut options = defaults();
        set(&mut options);
        // SAFETY: the paths are null.
        let built = unsafe { options.builder() }.map(drop);
        let refused = built.and(options.start_guard());
        format!("{:?}", refused.expect_err("out of range"))
    }

    #[test]
    fn value_out_of_range_is_refused_with_its_field_and_what_is_allowed() {
        let reserved = "`reserved` and `reserved_bytes` must be 0";
        for (refusal, words) in [
            (
                refusal(|it| it.signal_mode = 3),
                "`signal_mode` is 3; allowed is 0 to 2",
            ),
            (
                refusal(|it| it.second_signal = 4),
                "`second_signal` is 4; allowed is 0 to 3",
            ),
            (
                refusal(|it| it.when_done = 2),
                "`when_done` is 2; allowed is 0 to 1",
            ),
            (
                refusal(|it| it.progress = 2),
                "`progress` is 2; allowed is 0 to 1",
            ),
            (
                refusal(|it| it.stderr_format = 3),
                "`stderr_format` is 3; allowed is 0 to 2",
            ),
            (
                refusal(|it| it.require_backup_timer = 2),
                "`require_backup_timer` is 2; allowed is 0 to 1",
            ),
            (
                refusal(|it| it.guard = 2),
                "`guard` is 2; allowed is 0 to 1",
            ),
            (refusal(|it| it.reserved = 1), reserved),
            (refusal(|it| it.reserved_bytes[6] = 1), reserved),
        ] {
            assert!(refusal.contains(words), "{refusal}");
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
