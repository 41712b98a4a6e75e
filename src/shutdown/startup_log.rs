//! The lines that `install` writes to the log.

use super::Shutdown;
use crate::signal::Signal;

impl Shutdown {
    /// Logs what an operator may want to know at startup. `deadstop-log` calls the logger:
    /// one that hangs does not delay `install`.
    pub(super) fn log_startup(&self, ignored: &[Signal]) {
        let reporting = &self.coordinator.reporting;
        self.watchdog
            .tell_protection(|level, line| reporting.message(level, line));
        if let Some(why) = self.coordinator.why_no_stacks() {
            reporting.warn(format!("hang reports have no stacks: {why}"));
        }
        #[cfg(feature = "fault")]
        if let Some(line) = crate::fault::planted_line() {
            reporting.warn(line);
        }
        for signal in ignored {
            let line = format!(
                "{signal} was ignored at startup (nohup or a background job); \
                 it will not trigger a shutdown"
            );
            reporting.info(line);
        }
    }
}
