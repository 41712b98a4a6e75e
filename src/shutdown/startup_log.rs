//! The lines that `install` writes to the log.

use super::Shutdown;
use crate::signal::Signal;

impl Shutdown {
    /// Logs what an operator may want to know at startup. `deadstop-log` calls the logger:
    /// one that hangs does not hold `install` up.
    pub(super) fn log_startup(&self, ignored: &[Signal]) {
        let log = &self.coordinator.reporting.log;
        self.watchdog
            .tell_protection(|level, line| log.say(level, line));
        if let Some(why) = self.coordinator.why_no_stacks() {
            log.info(format!("hang reports have no stacks: {why}"));
        }
        #[cfg(feature = "fault")]
        if let Some(line) = crate::fault::planted_line() {
            log.warn(line);
        }
        for signal in ignored {
            let line = format!(
                "{signal} was ignored at startup (nohup or a background job); \
                 it will not trigger a shutdown"
            );
            log.info(line);
        }
    }
}
