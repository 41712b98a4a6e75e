//! Private functions that the targets in `fuzz/` call.
//!
//! Compiled with `cfg(deadstop_fuzzing)` only, which `.ci/fuzz` sets: not part of
//! the API.

use std::sync::Arc;
use std::time::Duration;

use crate::coordinator::{Phase, Plan};
use crate::error::PhasesError;
use crate::exit_estimate;
use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::threads::{
    DescriptorKind, Thread as CoreThread, address, format, infer, parse, sanitize,
};

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
    /// The phase's name.
    pub name: String,
    place: usize,
    plan: Arc<Plan>,
}

impl Planned {
    /// Returns the end of its budget, if it begins at `now`; in nanoseconds.
    pub fn ends(&self, now: u64, deadline: u64) -> u64 {
        let phase = &self.plan.phases()[self.place];
        let length = Nanos(deadline).since(Nanos(now));
        // Later phases without a reserve of their own have no tasks here.
        let reserved = self.plan.reserved_after(self.place, length, |_| false);
        phase.ends(Nanos(now), Nanos(deadline), reserved).0
    }
}

/// Returns the point in time `length` after `at`, in nanoseconds.
pub fn after(at: u64, length: Duration) -> u64 {
    Nanos(at.min(Nanos::LAST.0)).saturating_add(length).0
}

/// The files of a thread in `/proc`.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "the targets make it")]
pub struct Thread<'a> {
    /// The thread's number.
    pub tid: u32,
    /// `comm`.
    pub comm: &'a [u8],
    /// `stat`.
    pub stat: &'a [u8],
    /// `wchan`.
    pub wchan: &'a [u8],
    /// `syscall`, if it is readable.
    pub syscall: Option<&'a [u8]>,
    /// The link of the descriptor that it waits for.
    pub link: &'a [u8],
    /// The peer's address, if the descriptor is a socket.
    pub address: &'a [u8],
}

impl Thread<'_> {
    /// Returns the thread in the report's words.
    pub fn words(&self) -> String {
        let mut thread = CoreThread::empty();
        thread.tid = self.tid as i32;
        sanitize::lossy(&mut thread.name, parse::name(self.comm));
        thread.state = parse::state(self.stat);
        thread.wait_channel.text(parse::wait_channel(self.wchan));
        let syscall = self.syscall.and_then(parse::syscall);
        thread.activity =
            infer::activity(thread.state, thread.wait_channel.as_str(), syscall.as_ref());
        if let Some(descriptor) = thread.activity.descriptor_mut() {
            descriptor.kind = match parse::link(self.link) {
                parse::Link::Path(path) => {
                    sanitize::path(&mut descriptor.detail, path);
                    DescriptorKind::File
                }
                parse::Link::Pipe => DescriptorKind::Pipe,
                parse::Link::Socket => {
                    // `None` for an unknown family.
                    let _ = address::address(&mut descriptor.detail, self.address);
                    DescriptorKind::Socket
                }
                parse::Link::Object(name) => {
                    sanitize::lossy(&mut descriptor.detail, name);
                    DescriptorKind::Object
                }
            };
        }
        let mut line = TextBuffer::<1024>::new();
        format::thread(&mut line, &thread);
        assert!(!line.is_full(), "there is room for a thread");
        line.as_str().to_owned()
    }
}

/// Returns a thread's name, from its `comm`.
pub fn name(comm: &[u8]) -> String {
    let mut name = CoreThread::empty().name;
    sanitize::lossy(&mut name, parse::name(comm));
    name.as_str().to_owned()
}

/// Reads the process's own files as the exit estimate does.
pub fn usage(text: &str) {
    let (threads, pages, huge) = exit_estimate::read(text);
    assert!(huge % 1024 == 0 || huge == u64::MAX);
    let fields = text.split_ascii_whitespace().count();
    assert!(threads.is_none() || fields > 17);
    assert!(pages.is_none() || fields > 2);
}
