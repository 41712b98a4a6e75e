//! The hang report of real processes that hang in known ways.
//!
//! A victim registers a task with a known name, which hangs in a function with a known name.
//! The test reads the report that the victim wrote, and compares it. Each hang has a control:
//! without a watchdog, the same victim must still run long after its deadline.

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

/// The grace of victims that write a report. On a machine under load, it is long enough for
/// the report, which is written half a second before the deadline, and for the function names
/// in it.
const REPORTED: Duration = Duration::from_secs(5);
