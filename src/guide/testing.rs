//! Testing your own binary's shutdown.
//!
//! That a program ends on time is a claim about a process, and only a process
//! can show it: one that is started, asked to stop, and stuck in its cleanup in
//! a way that one chose. With the feature `fault` there are ways to choose from,
//! [`Fault`], and somebody to start it and watch, [`Victim`].
//!
//! # Turn it on for tests, and only there
//!
//! ```toml
//! [dependencies]
//! deadstop = "0.1"
//!
//! [dev-dependencies]
//! deadstop = { version = "0.1", features = ["fault"] }
//! ```
//!
//! Cargo then builds your binary with the feature for `cargo test`, and without
//! it for `cargo build` and `cargo run`; the code you ship has nothing of it, and
//! does not look at the variable. (That is resolver 2, the default since the
//! edition of 2021.)
//!
//! # The program
//!
//! It needs nothing for it but what it should have anyway: tasks with names, and
//! a line that says when it can be asked to stop. A grace that can be configured
//! makes for quick tests, and for a control.
//!
//! ```no_run
//! use std::process::ExitCode;
//! use std::time::Duration;
//! use deadstop::{Phase, Shutdown};
//!
//! fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
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
//! In `tests/shutdown.rs`. It is not run here, where there is no such program:
//!
//! ```no_run
//! use std::error::Error;
//! use std::time::Duration;
//! use deadstop::Signal;
//! use deadstop::fault::{Fault, Victim, VictimBuilder};
//!
//! const GRACE: Duration = Duration::from_secs(2);
//!
//! // Not a measure of anything: it keeps a test that fails from hanging.
//! const PATIENCE: Duration = Duration::from_secs(15);
//!
//! fn stopping(app: VictimBuilder) -> Result<Victim, Box<dyn Error>> {
//!     let mut app = app.start()?;
//!     app.wait_for_line("ready", PATIENCE)?;
//!     app.signal(Signal::Terminate)?;
//!     Ok(app)
//! }
//!
//! # /*
//! #[test]
//! # */
//! fn a_log_that_hangs_does_not_keep_the_process() -> Result<(), Box<dyn Error>> {
//! #   let path = "app";
//! #   /*
//!     let path = env!("CARGO_BIN_EXE_app");
//! #   */
//!     let app = Victim::command(path)
//!         .env("APP_GRACE_SECONDS", "2")
//!         .plant("flush the log", Fault::SelfDeadlock);
//!     let death = stopping(app)?.wait(PATIENCE)?;
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
//! fn and_would_without_its_deadline() -> Result<(), Box<dyn Error>> {
//! #   let path = "app";
//! #   /*
//!     let path = env!("CARGO_BIN_EXE_app");
//! #   */
//!     let app = Victim::command(path)
//!         .env("APP_GRACE_SECONDS", "3600")
//!         .plant("flush the log", Fault::SelfDeadlock);
//!     let alive = stopping(app)?.wait(3 * GRACE);
//!     alive.expect_err("it is stuck");
//!     Ok(())
//! }
//! # let _ = (a_log_that_hangs_does_not_keep_the_process, and_would_without_its_deadline);
//! ```
//!
//! The second test is the control. Without it the first could pass for the wrong
//! reason: a fault that was never one, a process that ends with 124 by itself.
//!
//! A [`Death`](crate::fault::Death) that is not what it should be prints all that
//! there is to know: how the victim was started, its status, the time, and what
//! it said. Nothing outlives the test: the victim is killed with its process
//! group when it is dropped, and itself by the kernel if the test is killed.
//!
//! The example `fault_kit` is the whole of it as a program.
//!
//! # What to assert of time
//!
//! That the process is not gone *before* its grace is over can be asserted
//! exactly, on every run: no load makes anything early. That it is gone *soon
//! after* cannot: on a busy machine any one run may be late by any length. If it
//! has to be tested, take the least
//! [`lateness`](crate::fault::Death::lateness) of a few runs, and compare it with
//! a share of the grace.
//!
//! ```
//! use std::time::Duration;
//!
//! let lateness = [14, 2, 31].map(Duration::from_millis); // of three deaths
//! let best = lateness.into_iter().min();
//! assert!(best <= Some(Duration::from_secs(2) / 10));
//! ```
//!
//! The hang report comes a tenth of the grace before the deadline. A test that
//! looks for it has a grace of a few seconds, so that on a busy machine that
//! tenth is time enough: with six processes spinning on two processors, a grace
//! of 1.5 s was too short in 2 of 46 runs, and one of 3 s in none of 69.
//!
//! # Which faults, and where
//!
//! | to try | plant |
//! | --- | --- |
//! | code of your own that never ends | `spin`, `self-deadlock` |
//! | a peer, a disk, a library that does not answer | `blocked-read`, `sleep` |
//! | somebody who does not read what you write | `blocked-pipe-write` |
//! | a helper that does not stop | `child-process` |
//! | a logger that died with a lock | `stderr-lock`, `stdout-lock` |
//! | a process that is hung to the bone | `allocator-lock` |
//! | cleanup that fails | `panic` |
//! | cleanup that takes its time, and budgets | `slow(800ms)` |
//!
//! Each strikes before the task's own closure is called; one that hangs in the
//! middle, or in a worker instead of a task, has a [`point`]:
//!
//! ```
//! fn flush_segment(number: u32) {
//! #   /*
//!     #[cfg(feature = "fault-points")]
//! #   */
//!     deadstop::fault::point("flush: segment");
//!     // ...
//!     # let _ = number;
//! }
//! # flush_segment(1);
//! ```
//!
//! As without the feature `fault` there is no such function, the call is behind a
//! feature of yours, `fault-points = ["deadstop/fault"]`, which the tests turn
//! on: `cargo test --features fault-points`.
//!
//! `allocator-lock` hangs whoever allocates or frees, in the whole process, and
//! so needs a [`StuckAllocator`] in front of your allocator; see there.
//!
//! # By hand
//!
//! A victim is told by its environment, and so may any build with the feature
//! be:
//!
//! ```console
//! $ cargo build --features fault-points
//! $ DEADSTOP_FAULT="flush the log=spin; close the database=slow(3s)" target/debug/app
//! ```
//!
//! The process says in its log that faults are planted, and the hang report says
//! it of a task that hangs in one. Programs that it starts inherit the variable,
//! as they do any.
//!
//! # What if nothing happens?
//!
//! A fault at a name that no task has does not strike, and a test that waits for
//! a hang sees a program that ends well. `install` cannot know that the name is
//! wrong, since tasks are registered later, unless the program says which there
//! will be:
//!
//! ```
//! # /*
//! #[cfg(feature = "fault-points")]
//! # */
//! deadstop::fault::declare(["flush the log", "close the database"]);
//! ```
//!
//! From then on `install` refuses a fault at any other name, with an error that
//! lists these. Who declares none is told at the end, by a warning in the log and
//! by [`ShutdownReport::missed_faults`](crate::ShutdownReport::missed_faults).
//! Names are as reports show them: a task of a scope has its path,
//! `/ingest/reader`.
//!
//! [`Fault`]: crate::fault::Fault
//! [`StuckAllocator`]: crate::fault::StuckAllocator
//! [`Victim`]: crate::fault::Victim
//! [`point`]: crate::fault::point
