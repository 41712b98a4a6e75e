//! The races that the library leaves to atomics, tried in every interleaving
//! with up to three preemptions.
//!
//! The files under test are compiled from `src`, unchanged, with [loom]'s
//! atomics in place of `core`'s, a mutex in place of the kernel's futex and
//! timer, and texts of two bytes. Three preemptions is where the known bugs of
//! such code lie; each model below fails if an ordering it is about is weakened
//! one step, or says why it cannot.
//!
//! [loom]: https://docs.rs/loom

#![expect(dead_code, unreachable_pub, reason = "files are taken whole")]

/// The room, as far as it is modelled.
mod kill_path {
    #[path = "../../../src/kill_path/backstop.rs"]
    mod backstop;
    #[path = "../../../src/kill_path/deadline.rs"]
    mod deadline;
    #[path = "../../../src/kill_path/text.rs"]
    mod text;

    mod atomic {
        pub(super) use crate::lazy::{AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
    }
    mod sizes {
        pub(super) const TRIES: u32 = 2;
    }
    pub(crate) mod sys;

    pub(crate) use self::deadline::Deadline;
    pub(crate) use self::models::{arm, unarmed, wake};
    pub(crate) use self::sys::Nanos;

    mod models;
}

/// The roster, in a room of its own: it is modelled on simpler texts.
mod roster {
    #[path = "../../../src/kill_path/phases.rs"]
    mod phases;
    #[expect(clippy::module_inception, reason = "it is that file")]
    #[path = "../../../src/kill_path/roster.rs"]
    mod roster;

    mod atomic {
        pub(super) use crate::lazy::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
    }
    mod sizes {
        pub(super) const RUNNING: usize = 1;
        pub(super) const WAITING: usize = 1;
        pub(super) const NAME: usize = 1;
        pub(super) const PHASE: usize = 1;
        pub(super) const PHASES: usize = 1;
        pub(super) const SITE: usize = 1;
        pub(super) const SAYS: usize = 1;
        pub(super) const CAUSE: usize = 1;
    }
    mod sys {
        pub(super) use crate::kill_path::Nanos;
    }
    mod text;

    mod models;
}

/// The reporter, as far as it is modelled.
mod report {
    #[path = "../../../src/report/round.rs"]
    mod round;

    mod models;
}

/// The triggers, as far as they are modelled.
mod trigger {
    #[path = "../../../src/trigger/first.rs"]
    mod first;
    #[path = "../../../src/trigger/second.rs"]
    mod second;

    mod models;
}

/// What captures stacks, as far as it is modelled.
mod stacks {
    #[path = "../../../src/report/stacks/present/request.rs"]
    mod request;

    mod models;
}

/// The coordinator, as far as it is modelled.
mod coordinator {
    #[path = "../../../src/coordinator/state.rs"]
    mod state;

    mod models;
}

#[path = "../../src/cause.rs"]
mod cause;
#[path = "../../src/signal.rs"]
mod signal;

mod lazy;

/// What the library calls `crate::sync`.
mod sync {
    pub(crate) mod atomic {
        pub(crate) use crate::lazy::{AtomicU8, AtomicU32, AtomicU64, Ordering};
    }
    pub(crate) use crate::lazy::Mutex;
}

/// Tries `model` in every interleaving with up to three preemptions.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 20_000;
    builder.check(model);
}
