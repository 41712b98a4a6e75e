//! Signals: handlers in front of the host's, and signals that the host hands over.

use std::ffi::c_int;
use std::sync::atomic::{AtomicI32, Ordering};

use deadstop::Signal;
use deadstop::signals::Sender;
use deadstop_core::sys::SignalSet;

use crate::error::{DEADSTOP_ERROR_SYSTEM, DEADSTOP_OK, Failure, guarded};
use crate::state;
use crate::sys::handler::{self, Place};

/// The process in which a thread is putting handlers in front; 0 if none is. A child of
/// fork does not wait for a thread of its parent.
static CHAINING: AtomicI32 = AtomicI32::new(0);

/// Begins the shutdown because of a signal that the host received itself. `pid` and `uid` are
/// those of the sender; a pid of -1 means "not known". Returns 1, or 0 if the signal is not one
/// of those that begin it, or without deadstop_install().
///
/// Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_notify_signal(signal: c_int, pid: c_int, uid: u32) -> c_int {
    let sender = (pid >= 0).then(|| Sender::new(pid, uid));
    notify(signal, sender).into()
}

fn notify(signal: c_int, sender: Option<Sender>) -> bool {
    state::own().is_some_and(|installed| {
        installed
            .shutdown
            .notify_signal(Signal::from(signal), sender)
    })
}

/// Puts deadstop's handler in front of the host's again, for each signal that begins the
/// shutdown and that the host handles. Call it after the host has set a handler.
/// deadstop_install() does the same for the signals that the host handles at that time. Does
/// nothing unless `signal_mode` is DEADSTOP_SIGNALS_CHAIN.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_chain_signals() -> c_int {
    guarded(|| chain().map(|()| DEADSTOP_OK))
}

/// Refuses the signals that the C library keeps for itself, before anything is installed.
pub(crate) fn check(set: SignalSet) -> Result<(), Failure> {
    for number in set.numbers() {
        handler::check(number).map_err(|error| {
            let signal = Signal::from(number);
            Failure::argument(format!("could not handle {signal}: {error}"))
        })?;
    }
    Ok(())
}

/// Puts the handlers in front.
pub(crate) fn chain() -> Result<(), Failure> {
    let installed = state::required()?;
    let claimed = CHAINING.fetch_update(Ordering::AcqRel, Ordering::Acquire, |holder| {
        (holder != installed.pid).then_some(installed.pid)
    });
    if claimed.is_err() {
        return Err(Failure::new(
            DEADSTOP_ERROR_SYSTEM,
            "another thread is in deadstop_chain_signals",
        ));
    }
    let mut result = Ok(());
    for number in installed.chained.numbers() {
        if let Err(error) = handler::put_in_front(number, notify) {
            let signal = Signal::from(number);
            let text =
                format!("could not put a handler in front of the host's of {signal}: {error}");
            result = Err(Failure::new(DEADSTOP_ERROR_SYSTEM, text));
        }
    }
    CHAINING.store(0, Ordering::Release);
    result
}

/// The destinations of the signals of a set: deadstop's handler, another one, none.
pub(crate) struct Destinations {
    pub(crate) ours: SignalSet,
    pub(crate) replaced: SignalSet,
    pub(crate) ignored: SignalSet,
}

/// Returns where each signal of `set` goes. Those with the default action are in none.
pub(crate) fn destinations(set: SignalSet) -> Destinations {
    let mut found = Destinations {
        ours: SignalSet::EMPTY,
        replaced: SignalSet::EMPTY,
        ignored: SignalSet::EMPTY,
    };
    for number in set.numbers() {
        let place = match handler::place(number) {
            Place::Ours => &mut found.ours,
            Place::Host => &mut found.replaced,
            Place::Ignored => &mut found.ignored,
            Place::Default => continue,
        };
        *place = place.with(number);
    }
    found
}
