//! The warning that other code has replaced the handler of a signal that begins the shutdown.
//!
//! A library that sets its own handler after `install` mostly replaces deadstop's. The signal
//! then starts nothing, and the operator may find that out when the program is stopped for the
//! first time. So the program's first wait for the request checks the handlers, and so does its
//! first wait for the end: by then most programs have set their handlers.
//!
//! The panic hook is not checked. `std` shows it only by taking it away for a moment, which
//! waits for every hook that is running, and a panic in that moment would not begin the
//! shutdown.

use super::coordinator::Coordinator;
use super::handler_checks::HandlerCheck;
use super::milestone::Milestone;
use crate::trigger;

impl Coordinator {
    /// Checks the signal handlers if this is the program's first wait of this kind and no check
    /// has warned. Any other wait costs one atomic load.
    #[inline]
    pub(in crate::coordinator) fn check_handlers(&self, awaited: Milestone) {
        let check = match awaited {
            Milestone::Requested(_) => HandlerCheck::WaitForRequest,
            Milestone::Ended => HandlerCheck::WaitForEnd,
            Milestone::Reached(_) => return,
        };
        if self.handler_checks.is_due(check) {
            self.check_handlers_now(check);
        }
    }

    /// Two threads that wait first at the same time may both check; one of them warns.
    #[cold]
    fn check_handlers_now(&self, check: HandlerCheck) {
        self.handler_checks.note(check);
        // After the trigger a warning is too late. Without a watchdog there are no triggers.
        if !self.settings.is_attached || self.is_requested() {
            return;
        }
        let replaced = trigger::signal::replaced_triggers();
        if !replaced.is_empty() && self.handler_checks.is_first_to_warn() {
            self.reporting.alert(trigger::replaced_warning(&replaced));
        }
    }
}
