//! Fault injection and a test harness for programs that use `deadstop`.
//!
//! To test that a program ends on time, its cleanup must get stuck. This crate plants a hang in
//! the cleanup, and observes how the process ends:
//!
//! - [`Fault`] lists the hangs. A fault is planted at a task, which the task's name identifies:
//!   by a test ([`VictimBuilder::plant`]), by the environment (`DEADSTOP_FAULT="flush the
//!   log=spin"`) or by code ([`plant`]).
//! - [`enable`] lets the program under test read the planted faults. The program calls it
//!   before `install`, only in test builds.
//! - [`Victim`] is the program under test, in a process of its own; [`Death`]
//!   says how it ended and has assertions.
//!
//! [`guide`] describes each step. A program that does not call [`enable`] contains no code of
//! this crate, reads no variable, and has no cost.
//!
//! # The variable
//!
//! `DEADSTOP_FAULT` is a list of `NAME=FAULT`, separated by `;`. Use the names that reports
//! show; the name of a task in a scope includes the path (`/ingest/reader`). Blanks around
//! names and faults do not matter. The variable cannot have a name that contains `=` or `;`;
//! [`plant`] accepts any name.
//!
//! `install` fails with `InstallError::Fault` if the variable is invalid, if a fault does not
//! exist, or if the program [declares](declare) its names and the name is not among them. A
//! planted fault that was not triggered is a warning in the log at the end, and a line of
//! [`ShutdownReport::missed_faults`](deadstop::report::ShutdownReport::missed_faults).

mod fault;
#[cfg(any(doc, doctest))]
pub mod guide;
mod sys;
mod victim;

pub use fault::{Fault, FaultPlan, ParseFaultError, PlantError, declare, enable, plant, point};
pub use sys::allocator::StuckAllocator;
pub use victim::{Death, NotSaid, StillAlive, Victim, VictimBuilder};
