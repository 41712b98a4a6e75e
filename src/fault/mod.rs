//! Faults to plant in one's own program, and a harness that watches it end.
//!
//! A program that says it ends on time whatever its cleanup is stuck on is worth
//! a test that has its cleanup get stuck. With the feature `fault`, which only
//! tests turn on, a fault strikes at a task by the task's name:
//!
//! ```console
//! $ DEADSTOP_FAULT="flush the log=spin" target/debug/app
//! ```
//!
//! Several are separated by `;`. What faults there are, [`Fault`] says; tasks
//! are named as reports name them, those of a scope with its path
//! (`/ingest/reader`). Blanks around names and faults do not matter. A name with
//! `=` or `;` in it cannot be written there, and there is no way to escape them:
//! [`plant`] takes any. A name may be there once.
//!
//! The variable is read once, by
//! [`Shutdown`](crate::ShutdownBuilder::install)'s `install`, which fails with
//! [`InstallError::Fault`](crate::InstallError::Fault) if it makes no sense: if
//! it cannot be read, if there is no such fault, or if the program
//! [declares](declare) the names of its tasks and this is none of them.
//!
//! Where nothing is declared, any name makes sense: tasks are registered after
//! `install`, and some during the shutdown. Then it is at the end that a fault
//! which did not strike is heard of: as a warning in the log, and in
//! [`ShutdownReport::missed_faults`](crate::ShutdownReport::missed_faults). A
//! process that its deadline ends does not come to say it.
//!
//! From code, [`plant`] does the same, and [`point`] makes a place for a fault
//! that is not a task; a program with the watchdog alone has these two. A
//! [`Victim`] is the program under test, in a process of its own.
//!
//! Without the feature there is none of this: no code, no variable that is
//! read, no cost.

mod declared;
mod kind;
mod language;
mod names;
mod plant;
mod strike;
mod victim;

pub use self::declared::declare;
pub use self::kind::Fault;
#[cfg(deadstop_fuzzing)]
pub(crate) use self::language::parse;
pub use self::language::{ParseFaultError, PlantError};
pub use self::plant::{plant, point};
pub use self::victim::{Death, NotSaid, StillAlive, Victim, VictimBuilder};
pub use crate::sys::allocator::StuckAllocator;

pub(crate) use self::plant::{FromEnvironment, log_planted, missed, strike_task};
