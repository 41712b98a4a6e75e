//! Testing the shutdown of your own binary.
//!
//! To test that your program ends on time, a test starts the program, makes its cleanup hang in
//! a chosen way, and asks it to stop. This crate has the hangs ([`Fault`]) and the harness
//! ([`Victim`]).
//!
//! # Dependencies
//!
//! The program needs this crate in test builds only, under a feature of its own:
//!
//! ```toml
//! [dependencies]
//! deadstop = "0.1"
//! deadstop-testkit = { version = "0.1", optional = true }
//!
//! [dev-dependencies]
//! deadstop-testkit = "0.1"
//!
//! [features]
//! fault-points = ["dep:deadstop-testkit"]
//! ```
//!
//! Run the tests with `cargo test --features fault-points`. The code that you
//! ship contains no fault and does not read the variable.
//!
//! # The program
//!
//! The program calls [`enable`] before `install`. It also needs tasks with names, and a line on
//! standard output that says that it is ready. A configurable grace makes the tests short, and
//! makes the control possible.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::time::Duration;
//! use deadstop::{Phase, Shutdown};
//!
//! fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
//! #   /*
//!     #[cfg(feature = "fault-points")]
//! #   */
//!     deadstop_testkit::enable();
//!     let seconds = std::env::var("APP_GRACE_SECONDS");
//!     let seconds = seconds.as_deref().unwrap_or("25").parse()?;
//!     let shutdown = Shutdown::builder()
//!         .grace(Duration::from_secs(seconds))
//!         .install()?;
//!     shutdown
//!         .task("flush the log")
//!         .phase(Phase::FLUSH)
//!         .on_shutdown(|_| { /* ... */ })?;
//!     println!("ready");
//!     Ok(shutdown.wait())
//! }
//! ```
//!
//! # The test
//!
//! In `tests/shutdown.rs`:
//!
//! ```no_run
//! use std::error::Error;
//! use std::time::Duration;
//! use deadstop::Signal;
//! use deadstop_testkit::{Fault, Victim, VictimBuilder};
//!
//! const GRACE: Duration = Duration::from_secs(2);
//!
//! // Not a measurement: it bounds the time of a test that fails.
//! const TIMEOUT: Duration = Duration::from_secs(15);
//!
//! fn stopping(app: VictimBuilder) -> Result<Victim, Box<dyn Error>> {
//!     let mut app = app.start()?;
//!     app.wait_for_line("ready", TIMEOUT)?;
//!     app.signal(Signal::TERM)?;
//!     Ok(app)
//! }
//!
//! # /*
//! #[test]
//! # */
//! fn process_with_hung_flush_ends_at_the_deadline() -> Result<(), Box<dyn Error>> {
//! #   let path = "app";
//! #   /*
//!     let path = env!("CARGO_BIN_EXE_app");
//! #   */
//!     let app = Victim::command(path)
//!         .env("APP_GRACE_SECONDS", "2")
//!         .plant("flush the log", Fault::SelfDeadlock);
//!     let death = stopping(app)?.wait(TIMEOUT)?;
//!     death
//!         .assert_status(124)
//!         .assert_not_before(GRACE)
//!         .assert_names("flush the log");
//!     Ok(())
//! }
//!
//! # /*
//! #[test]
//! # */
//! fn control_process_without_deadline_hangs() -> Result<(), Box<dyn Error>> {
//! #   let path = "app";
//! #   /*
//!     let path = env!("CARGO_BIN_EXE_app");
//! #   */
//!     let app = Victim::command(path)
//!         .env("APP_GRACE_SECONDS", "3600")
//!         .plant("flush the log", Fault::SelfDeadlock);
//!     let alive = stopping(app)?.wait(3 * GRACE);
//!     alive.expect_err("the process hangs");
//!     Ok(())
//! }
//! # let _ = (process_with_hung_flush_ends_at_the_deadline, control_process_without_deadline_hangs);
//! ```
//!
//! The second test is the control. Without it the first could pass for a wrong
//! reason: a fault that does not hang, or a process that ends with 124 by itself.
//!
//! A failed assertion of [`Death`] prints the command line, the status, the time
//! and the output. Nothing outlives the test: the victim is killed with its
//! process group when it is dropped, and by the kernel if the test is killed.
//!
//! The example `test_your_shutdown` is the whole procedure in one program.
//!
//! # What to assert about time
//!
//! Assert exactly, on every run, that the process does not end *before* its grace
//! has passed: no load makes anything early. Do not assert that one run ends
//! *soon after*: on a busy machine a run may be late by any length. Take the
//! smallest [`lateness`](crate::Death::lateness) of a few runs, and compare it with a
//! share of the grace.
//!
//! ```
//! use std::time::Duration;
//!
//! let lateness = [14, 2, 31].map(Duration::from_millis); // of three runs
//! let best = lateness.into_iter().min();
//! assert!(best <= Some(Duration::from_secs(2) / 10));
//! ```
//!
//! The hang report is written a tenth of the grace before the deadline. A test
//! that reads it needs a grace of a few seconds. Measured with six spinning
//! processes on two processors: with a grace of 1.5 s the report was missing in
//! 2 of 46 runs, with 3 s in none of 69.
//!
//! # Which fault to plant
//!
//! | to test | plant |
//! | --- | --- |
//! | your own code that never ends | `spin`, `self-deadlock` |
//! | a peer, a disk or a library that does not answer | `blocked-read`, `sleep` |
//! | a reader that does not read your output | `blocked-pipe-write` |
//! | a helper process that does not stop | `child-process` |
//! | a logger thread that holds a lock for good | `stderr-lock`, `stdout-lock` |
//! | a process in which no thread can allocate | `allocator-lock` |
//! | cleanup that fails | `panic` |
//! | slow cleanup and budgets | `slow(800ms)` |
//!
//! A fault strikes before the task's closure runs. To hang in the middle of a
//! task, or in a worker, mark the place with a [`point`]:
//!
//! ```
//! fn flush_segment(number: u32) {
//! #   /*
//!     #[cfg(feature = "fault-points")]
//! #   */
//!     deadstop_testkit::point("flush: segment");
//!     // ...
//!     # let _ = number;
//! }
//! # flush_segment(1);
//! ```
//!
//! `allocator-lock` hangs every thread that allocates or frees, and needs a
//! [`StuckAllocator`] as the program's allocator.
//!
//! # By hand
//!
//! Any build that calls [`enable`] reads the variable:
//!
//! ```console
//! $ cargo build --features fault-points
//! $ DEADSTOP_FAULT="flush the log=spin; close the database=slow(3s)" target/debug/app
//! ```
//!
//! The process logs that faults are planted, and the hang report says it of the
//! task. Child processes inherit the variable.
//!
//! # If nothing happens
//!
//! A fault at a name that no task has does not strike, and the program ends well.
//! Declare the names, and `install` refuses any other:
//!
//! ```
//! # /*
//! #[cfg(feature = "fault-points")]
//! # */
//! deadstop_testkit::declare(["flush the log", "close the database"]);
//! ```
//!
//! Without a declaration, a warning in the log at the end and
//! [`ShutdownReport::missed_faults`](deadstop::report::ShutdownReport::missed_faults) name
//! the faults that did not strike. A task of a scope is named with its path,
//! `/ingest/reader`.
//!
//! [`Death`]: crate::Death
//! [`Fault`]: crate::Fault
//! [`StuckAllocator`]: crate::StuckAllocator
//! [`Victim`]: crate::Victim
//! [`enable`]: crate::enable
//! [`point`]: crate::point
