//! What the targets in `fuzz/` need of what is private.
//!
//! Compiled with `cfg(deadstop_fuzzing)` only, which `.ci/fuzz` sets: no part of the
//! API.

use std::sync::Arc;
use std::time::Duration;

use crate::coordinator::{Phase, Plan};
use crate::error::PhasesError;
use crate::fault::{self, PlantError};
use crate::gauge;
use crate::kill_path::{self, Line, Nanos, address, infer, outside, parse, words};

/// Reads what `DEADSTOP_FAULT` says, and writes it again.
///
/// # Errors
///
/// Fails as `install` does.
pub fn faults(text: &str) -> Result<String, PlantError> {
    let plans = fault::parse(text)?;
    let entries: Vec<_> = plans.iter().map(ToString::to_string).collect();
    Ok(entries.join(";"))
}

/// Puts phases in order, as `install` does.
///
/// # Errors
///
/// Fails as `install` does.
pub fn plan(added: Vec<Phase>, grace: Duration) -> Result<Vec<Planned>, PhasesError> {
    let plan = Arc::new(Plan::new(added, grace)?);
    let phases = plan.phases().iter().enumerate();
    let planned = phases.map(|(place, phase)| Planned {
        name: phase.name.as_str().to_owned(),
        place,
        plan: Arc::clone(&plan),
    });
    Ok(planned.collect())
}

/// A phase in its place.
#[derive(Debug)]
#[non_exhaustive]
pub struct Planned {
    /// Its name.
    pub name: String,
    place: usize,
    plan: Arc<Plan>,
}

impl Planned {
    /// When its time is over, if it begins at `now`; in nanoseconds.
    pub fn ends(&self, now: u64, deadline: u64) -> u64 {
        let phase = &self.plan.phases()[self.place];
        phase.ends(Nanos(now), Nanos(deadline)).0
    }
}

/// The point in time `length` after `at`, in nanoseconds.
pub fn after(at: u64, length: Duration) -> u64 {
    Nanos(at.min(Nanos::LAST.0)).saturating_add(length).0
}

/// A thread, by what its files in `/proc` say.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the targets make it")]
pub struct Thread<'a> {
    /// Its number.
    pub tid: u32,
    /// `comm`.
    pub comm: &'a [u8],
    /// `stat`.
    pub stat: &'a [u8],
    /// `wchan`.
    pub wchan: &'a [u8],
    /// `syscall`, if it may be read.
    pub syscall: Option<&'a [u8]>,
    /// Where the descriptor leads that it waits for.
    pub link: &'a [u8],
    /// If that is a socket, with whom it is connected.
    pub address: &'a [u8],
}

impl Thread<'_> {
    /// The thread as a report has it.
    pub fn words(&self) -> String {
        let mut thread = kill_path::Thread::empty();
        thread.tid = self.tid as i32;
        outside::lossy(&mut thread.name, parse::name(self.comm));
        thread.state = parse::state(self.stat);
        thread.place.text(parse::place(self.wchan));
        let syscall = self.syscall.and_then(parse::syscall);
        thread.doing = infer::doing(thread.state, thread.place.as_str(), syscall.as_ref());
        if let Some(descriptor) = thread.doing.descriptor_mut() {
            descriptor.kind = match parse::link(self.link) {
                parse::Link::Path(path) => {
                    outside::path(&mut descriptor.detail, path);
                    kill_path::Kind::File
                }
                parse::Link::Pipe => kill_path::Kind::Pipe,
                parse::Link::Socket => {
                    // Of a family that is not known there is nothing to say.
                    let _ = address::address(&mut descriptor.detail, self.address);
                    kill_path::Kind::Socket
                }
                parse::Link::Object(name) => {
                    outside::lossy(&mut descriptor.detail, name);
                    kill_path::Kind::Object
                }
            };
        }
        let mut line = Line::<1024>::new();
        words::thread(&mut line, &thread);
        assert!(!line.is_full(), "there is room for a thread");
        line.as_str().to_owned()
    }
}

/// A thread's name, of what its `comm` says.
pub fn name(comm: &[u8]) -> String {
    let mut name = kill_path::Thread::empty().name;
    outside::lossy(&mut name, parse::name(comm));
    name.as_str().to_owned()
}

/// Reads what the gauge reads of the process's own files.
pub fn holdings(text: &str) {
    let (pages, huge) = gauge::read(text);
    assert!(huge % 1024 == 0 || huge == u64::MAX);
    assert!(pages.is_none() || text.split_ascii_whitespace().count() > 20);
}
