//! Signals as triggers.
//!
//! A signal handler arms the watchdog itself: clock, word, timer, wake-up. No
//! other thread has to run for the countdown to begin. This holds for every
//! signal, `SIGINT` included.
//!
//! The handlers are chained through signal-hook-registry, so that every other
//! handler of the signal (tokio's, signal-hook's, one that was set before) is
//! called as before.
//!
//! A signal for which we have a handler and no shutdown (`install` failed later,
//! or this is a child of `fork`) takes its default action, as if the handler were
//! not there; unless it was handled or ignored before ours, which then decides.
//!
//! # Orderings
//!
//! `SHARED` is written before the system call that puts the handler
//! in place, without which no handler reads it.

use std::io;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::InstallError;
#[cfg(feature = "report")]
use crate::process::FIRST;
use crate::process::signal_sets::AtomicSignalSet;
#[cfg(feature = "shutdown")]
use crate::process::{self, report_requests::Request};
use crate::process::{SIGNALS, WATCH};
use crate::signal::Signal;
use crate::sys::signals::{self, DefaultAction, Disposition, Origin};
use crate::sys::standard_error;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::sys::SignalSet;

use super::grace;

/// The effect of a second signal: [`SecondSignal`] in a word.
static SECOND: AtomicU8 = AtomicU8::new(SecondSignal::EndFromTerminal as u8);

/// The signals whose handler is in place. A handler is never taken away: under
/// signal-hook-registry that would leave the signal ignored.
static HANDLED: AtomicSignalSet = AtomicSignalSet::empty();

/// The signals that were handled or ignored before we handled them.
static SHARED: AtomicSignalSet = AtomicSignalSet::empty();

/// The address of the handler that the kernel called after we were chained, for
/// each signal; 0 if we were not.
static HANDLERS: [AtomicUsize; 65] = [const { AtomicUsize::new(0) }; 65];

/// The consequence of a second signal.
///
/// A signal counts as a second one if it arrives more than 200 ms after the coordinator has
/// handled the first. Some platforms send signals in pairs, and some repeat `SIGTERM` during a
/// shutdown.
///
/// # Examples
///
/// ```
/// use deadstop::{SecondSignal, Shutdown};
///
/// // A batch job whose operator must not cut the flush by mistake.
/// let shutdown = Shutdown::builder().second_signal(SecondSignal::Ignore).install()?;
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum SecondSignal {
    /// A second Ctrl-C or Ctrl-\ at the terminal ends the process at once, by
    /// that signal. Others are counted and reported on standard error.
    ///
    /// The kernel tells a key of the terminal from kill(2): a `SIGINT` from kill(2) does not
    /// end the process.
    #[default]
    EndFromTerminal,
    /// Any second signal ends the process at once, by that signal.
    End,
    /// No signal ends the process. Each is counted and reported on standard error.
    Ignore,
}

/// Returns the set of `signals`, or the error that names the first which cannot
/// be handled.
pub(crate) fn check(signals: &[Signal]) -> Result<SignalSet, InstallError> {
    let mut set = SignalSet::EMPTY;
    for &signal in signals {
        if !signals::can_be_handled(signal.number()) {
            return Err(refused(signal));
        }
        set = set.with(signal.number());
    }
    Ok(set)
}

/// Does the same as [`check`] for triggers: the default action of the signal must
/// be to end the process.
pub(crate) fn check_triggers(signals: &[Signal]) -> Result<SignalSet, InstallError> {
    for &signal in signals {
        if signals::default_action(signal.number()) != DefaultAction::End {
            return Err(refused(signal));
        }
    }
    check(signals)
}

fn refused(signal: Signal) -> InstallError {
    InstallError::Signal {
        signal,
        source: io::ErrorKind::InvalidInput.into(),
    }
}

/// Handles the signals of both sets: triggers, and requests for a status report.
/// Must be called by one thread at a time, which [`Installation`] sees to.
///
/// A signal that was ignored stays ignored if shells and nohup(1) ignore it for
/// background jobs; those are returned. Those of `forwarded` are triggers that get no
/// handler: the application hands them over.
///
/// [`Installation`]: crate::install::Installation
pub(crate) fn handle(
    triggers: SignalSet,
    status: SignalSet,
    forwarded: SignalSet,
    second: SecondSignal,
) -> Result<Vec<Signal>, InstallError> {
    let mut still_ignored = SignalSet::EMPTY;
    for number in triggers.union(status).numbers() {
        let failed = |source| InstallError::Signal {
            signal: Signal::from(number),
            source,
        };
        if HANDLED.load().has(number) {
            continue;
        }
        match signals::disposition(number).map_err(failed)? {
            Disposition::Ignored if stays_ignored(number) => {
                still_ignored = still_ignored.with(number);
                continue;
            }
            Disposition::Default => {}
            Disposition::Handled | Disposition::Ignored => {
                SHARED.add(number);
            }
        }
        let handler = signals::chain(number, on_signal).map_err(failed)?;
        if let Some(slot) = slot(number) {
            slot.store(handler, Ordering::Release);
        }
        HANDLED.add(number);
    }
    SECOND.store(second as u8, Ordering::Release);
    SIGNALS.triggers.store(triggers.union(forwarded));
    SIGNALS.status.store(status);
    SIGNALS.ignored.store(still_ignored);
    Ok(still_ignored.numbers().map(Signal::from).collect())
}

fn slot(number: i32) -> Option<&'static AtomicUsize> {
    HANDLERS.get(usize::try_from(number).ok()?)
}

/// POSIX has a shell ignore the first two for a job in the background, and
/// nohup(1) the third. A program that ignores another signal does not do so
/// because of how it was started.
fn stays_ignored(number: i32) -> bool {
    [Signal::INT, Signal::QUIT, Signal::HUP].contains(&Signal::from(number))
}

/// Returns the signals that we handle in this process and whose handler another
/// library has replaced since.
pub(crate) fn replaced() -> Vec<Signal> {
    replaced_set().numbers().map(Signal::from).collect()
}

/// Returns the same as a set. Async-signal-safe.
pub(crate) fn replaced_set() -> SignalSet {
    let wanted = SIGNALS.triggers.load().union(SIGNALS.status.load());
    let is_replaced = |number: &i32| {
        let ours = slot(*number).map_or(0, |slot| slot.load(Ordering::Acquire));
        signals::action(*number).is_ok_and(|current| current != ours)
    };
    let ours = HANDLED.load().intersection(wanted);
    let replaced = ours.numbers().filter(is_replaced);
    replaced.fold(SignalSet::EMPTY, SignalSet::with)
}

/// Returns the triggers among [`replaced`].
#[cfg(feature = "shutdown")]
pub(crate) fn replaced_triggers() -> Vec<Signal> {
    let set = replaced_set().intersection(SIGNALS.triggers.load());
    set.numbers().map(Signal::from).collect()
}

/// Notes which of the triggers and status signals the thread that called `install` had
/// blocked.
pub(crate) fn note_blocked(blocked: SignalSet) {
    let handled = SIGNALS.triggers.load().union(SIGNALS.status.load());
    SIGNALS.blocked.store(blocked.intersection(handled));
}

/// Returns the signals that [`note_blocked`] noted.
pub(crate) fn blocked() -> Vec<Signal> {
    let set = SIGNALS.blocked.load();
    set.numbers().map(Signal::from).collect()
}

/// Returns the triggers that stay ignored.
pub(crate) fn still_ignored() -> Vec<Signal> {
    SIGNALS.ignored.load().numbers().map(Signal::from).collect()
}

/// Handles a signal. Async-signal-safe.
fn on_signal(number: i32, origin: Origin) {
    let is_ours = WATCH.is_owner() && notify(number, origin);
    if !is_ours && !SHARED.load().has(number) {
        signals::take_default_action(number);
    }
}

/// Acts upon a signal. Returns `false` if it is neither a trigger nor a status signal.
/// Async-signal-safe.
pub(crate) fn notify(number: i32, origin: Origin) -> bool {
    let now = deadstop_core::now();
    if SIGNALS.status.load().has(number) {
        #[cfg(feature = "shutdown")]
        process::request_report(Request::Status);
        return true;
    }
    if !SIGNALS.triggers.load().has(number) {
        return false;
    }
    grace::arm();
    match SIGNALS.first.second(now) {
        Some(after) if ends(number, origin) => end(number, origin, after),
        Some(after) => repeat(number, origin, after),
        None => {
            #[cfg(feature = "report")]
            FIRST.note_signal(number, origin.sender);
            #[cfg(feature = "shutdown")]
            process::wake_for_trigger();
        }
    }
    true
}

/// Returns `true` if `number` ends the process as a second signal.
fn ends(number: i32, origin: Origin) -> bool {
    let second = SECOND.load(Ordering::Acquire);
    let is_key = origin.is_kernel && [Signal::INT, Signal::QUIT].contains(&Signal::from(number));
    second == SecondSignal::End as u8 || second == SecondSignal::EndFromTerminal as u8 && is_key
}

fn end(number: i32, origin: Origin, after: Duration) -> ! {
    let mut line = TextBuffer::<256>::new();
    describe(&mut line, "second ", number, origin, after);
    line.text("; ending the process by it\n");
    standard_error::write_line(line.as_bytes());
    WATCH.run_exit_actions();
    deadstop_core::sys::end_by_signal(number)
}

/// Says that a signal was repeated; of a flood, only the 1st, 2nd, 4th, 8th ...
fn repeat(number: i32, origin: Origin, after: Duration) {
    let count = SIGNALS
        .repeated
        .fetch_add(1, Ordering::Relaxed)
        .wrapping_add(1);
    if !count.is_power_of_two() {
        return;
    }
    let mut line = TextBuffer::<256>::new();
    describe(&mut line, "repeated ", number, origin, after);
    line.text(" (number ").number(count);
    line.text("); the shutdown goes on\n");
    standard_error::write_line(line.as_bytes());
}

fn describe(line: &mut TextBuffer<256>, what: &str, number: i32, origin: Origin, after: Duration) {
    line.text("deadstop: ").text(what);
    Signal::from(number).write_to(line);
    if let Some(sender) = origin.sender {
        sender.write_pid_to(line.text(" from "));
    }
    line.text(" after ").seconds(after);
}
