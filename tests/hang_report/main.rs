//! The hang report, of real processes that hang in known ways.
//!
//! A process plants a task under a telling name, which hangs in a function of a
//! telling name. What it leaves behind is read back and compared. Each hang has
//! its control: without a watchdog it must still be there long after.

#![expect(unsafe_code, reason = "makes a fifo")]

mod chains;
mod files;
#[path = "../harness/mod.rs"]
mod harness;
mod message;
mod obstacles;
mod order;
mod planted;
mod read;
mod sinks;
mod status_reports;

use std::time::Duration;

/// Long enough for the report to come, and for names to be looked up, on a
/// machine under load: it comes half a second before the deadline.
const REPORTED: Duration = Duration::from_secs(5);
