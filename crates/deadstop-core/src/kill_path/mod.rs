//! The kill path: what runs from the deadline to the end of the process.
//!
//! ```text
//! watchdog ──▶ backup_timer ──▶ deadline     two lines of defense, one word
//!          ──▶ kill_list                     children that end with the process
//!          ──▶ terminal                      attributes to restore
//! ```

mod backup_timer;
mod deadline;
mod kill_list;
mod terminal;
mod watchdog;

#[cfg(test)]
pub(crate) use self::backup_timer::default_distance;
pub use self::backup_timer::{BackupTimer, BackupTimerMode};
pub use self::deadline::Deadline;
pub use self::kill_list::{KillList, KillSlot};
pub use self::terminal::SavedTerminal;
#[cfg(test)]
pub(crate) use self::watchdog::{Look, next_look};
pub use self::watchdog::{Watchdog, next_wakeup};
