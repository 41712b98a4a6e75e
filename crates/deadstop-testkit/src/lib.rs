//! Fault injection and a test harness for programs that use `deadstop`.
//!
//! A program that claims to end on time, whatever its cleanup is stuck on, needs
//! a test in which the cleanup gets stuck. This crate plants the hang and
//! watches the process end:
//!
//! - [`Fault`] lists the hangs. A fault is planted at a task by the task's name,
//!   from a test ([`VictimBuilder::plant`]), from the environment
//!   (`DEADSTOP_FAULT="flush the log=spin"`) or from code ([`plant`]).
//! - [`enable`] lets the program under test read what is planted. The program
//!   calls it before `install`, in test builds only.
//! - [`Victim`] is the program under test, in a process of its own; [`Death`]
//!   says how it ended and has assertions.
//!
//! [`guide`] shows the whole procedure. A program that does not call [`enable`]
//! has none of this: no code, no variable that is read, no cost.
//!
//! # The variable
//!
//! `DEADSTOP_FAULT` is a list of `NAME=FAULT`, separated by `;`. Tasks are named
//! as reports name them; a task of a scope has its path (`/ingest/reader`).
//! Blanks around names and faults do not matter. A name that contains `=` or `;`
//! cannot be written there; [`plant`] takes any name.
//!
//! `install` fails with `InstallError::Fault` if the variable cannot be read, if
//! a fault does not exist, or if the program [declares](declare) its names and
//! this is none of them. A fault that was planted and did not strike is a
//! warning in the log at the end, and a line of
//! [`ShutdownReport::missed_faults`](deadstop::report::ShutdownReport::missed_faults).

mod fault;
#[cfg(any(doc, doctest))]
pub mod guide;
mod sys;
mod victim;

pub use fault::{Fault, FaultPlan, ParseFaultError, PlantError, declare, enable, plant, point};
pub use sys::allocator::StuckAllocator;
pub use victim::{Death, NotSaid, StillAlive, Victim, VictimBuilder};
