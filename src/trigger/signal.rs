//! Signals as triggers.
//!
//! A handler arms the watchdog itself: clock, word, timer, wake-up. Nobody has
//! to be scheduled for the countdown to run.
//!
//! The handlers are chained through signal-hook-registry, so that whoever else
//! handles the signal (tokio, signal-hook, a handler set before) goes on
//! hearing it. `SIGINT` comes through ctrlc, if nobody handles it yet.
//!
//! A signal for which we have a handler and no shutdown (`install` failed
//! later, or this is a child of `fork`) takes its default action, as if the
//! handler were not there; unless it was handled before us, whose business it
//! then is, or ignored.
//!
//! # Orderings
//!
//! Each of the three sets is one word, and nothing is passed on with it: there is
//! nothing for loom to see. `SHARED` is written before the system call that puts the
//! handler in place, without which nobody reads it.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::cause::Sender;
use crate::error::InstallError;
use crate::installation::WATCH;
use crate::kill_path::{self, Mask, SignalSet};
use crate::report;
use crate::signal::Signal;
use crate::sys::signals::{self, Disposition};

use super::second::FirstSignal;
use super::{FIRST, TRIGGERED};

static FIRST_SIGNAL: FirstSignal = FirstSignal::none();

/// The signals that the shutdown of this process asked for.
static WANTED: AtomicU64 = AtomicU64::new(0);

/// The signals that ask for a dump, and begin nothing.
static DUMPS: AtomicU64 = AtomicU64::new(0);

/// The signals whose handler is in place. A handler is never taken away: under
/// signal-hook-registry that would leave the signal ignored.
static HANDLED: Mutex<SignalSet> = Mutex::new(SignalSet::EMPTY);

/// The signals that were handled, or ignored, before we handled them.
static SHARED: AtomicU64 = AtomicU64::new(0);

/// Says what is wrong with `signals`, if anything, and makes them a set.
pub(crate) fn check(signals: &[Signal]) -> Result<SignalSet, InstallError> {
    let mut set = SignalSet::EMPTY;
    for &signal in signals {
        if !signals::can_be_handled(signal.number()) {
            return Err(InstallError::Signal {
                signal,
                source: io::Error::from_raw_os_error(libc::EINVAL),
            });
        }
        set = set.with(signal.number());
    }
    Ok(set)
}

/// Handles the signals of both sets: those that `begin` the shutdown, and those
/// that ask for a dump. One that was ignored stays ignored, if it is
/// one that shells have background jobs and `nohup` ignore; those left alone
/// are returned.
pub(crate) fn handle(begin: SignalSet, dumps: SignalSet) -> Result<Vec<Signal>, InstallError> {
    let mut handled = HANDLED.lock();
    let mut left_alone = Vec::new();
    for number in begin.and(dumps).numbers() {
        let failed = |source| InstallError::Signal {
            signal: Signal::from_number(number),
            source,
        };
        if handled.has(number) {
            continue;
        }
        match signals::disposition(number).map_err(failed)? {
            Disposition::Ignored if stays_ignored(number) => {
                left_alone.push(Signal::from_number(number));
                continue;
            }
            Disposition::Default if number == libc::SIGINT => handle_ctrl_c()?,
            Disposition::Default => signals::chain(number, on_signal).map_err(failed)?,
            Disposition::Handled | Disposition::Ignored => {
                SHARED.fetch_or(SignalSet::EMPTY.with(number).bits(), Ordering::Relaxed);
                signals::chain(number, on_signal).map_err(failed)?;
            }
        }
        *handled = handled.with(number);
    }
    WANTED.store(begin.bits(), Ordering::Release);
    DUMPS.store(dumps.bits(), Ordering::Release);
    Ok(left_alone)
}

/// POSIX has a shell ignore the first two for a job in the background, and
/// nohup(1) the third. Whoever ignored another signal was not thinking of us.
fn stays_ignored(number: i32) -> bool {
    [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP].contains(&number)
}

fn handle_ctrl_c() -> Result<(), InstallError> {
    // The thread that ctrlc starts runs nobody's handlers.
    let mask = Mask::block_all();
    let set = ctrlc::try_set_handler(|| on_signal(libc::SIGINT, None));
    mask.restore();
    let failed = |source| InstallError::Signal {
        signal: Signal::Interrupt,
        source,
    };
    match set {
        Ok(()) => {
            signals::reset_in_child(libc::SIGINT);
            Ok(())
        }
        // The program uses ctrlc itself.
        Err(ctrlc::Error::MultipleHandlers) => {
            signals::chain(libc::SIGINT, on_signal).map_err(failed)
        }
        Err(ctrlc::Error::NoSuchSignal(_)) => {
            Err(failed(io::Error::from_raw_os_error(libc::EINVAL)))
        }
        Err(ctrlc::Error::System(source)) => {
            // Its handler is in place by then, and posts to nobody.
            signals::set_default(libc::SIGINT);
            Err(InstallError::Thread {
                name: "ctrl-c",
                source,
            })
        }
    }
}

/// What each handler does. Async-signal-safe.
fn on_signal(number: i32, sender: Option<Sender>) {
    let now = kill_path::now();
    let begins = SignalSet::from_bits(WANTED.load(Ordering::Acquire)).has(number);
    let dumps = SignalSet::from_bits(DUMPS.load(Ordering::Acquire)).has(number);
    if !(begins || dumps) || !WATCH.is_home() {
        if !SignalSet::from_bits(SHARED.load(Ordering::Relaxed)).has(number) {
            kill_path::die_of(number);
        }
        return;
    }
    if dumps {
        report::ask();
        return;
    }
    if FIRST_SIGNAL.is_second(now) {
        kill_path::die_of(number);
    }
    super::arm();
    FIRST.note_signal(number, sender);
    TRIGGERED.advance();
}

pub(super) fn forget() {
    FIRST_SIGNAL.forget();
    WANTED.store(0, Ordering::Release);
    DUMPS.store(0, Ordering::Release);
}
