//! Models of races between atomics, run in every interleaving with up to three preemptions.
//!
//! The files under test are compiled from `src`, unchanged, with [loom]'s
//! atomics in place of `core`'s, a mutex in place of the kernel's futex and
//! timer, and texts of two words. Known bugs of such code
//! need at most three preemptions. Each model fails if one of its orderings is weakened by one
//! step, or its comment says why it cannot.
//!
//! [loom]: https://docs.rs/loom

#![expect(dead_code, unreachable_pub, reason = "files are taken whole")]

mod atomic {
    pub(crate) use crate::lazy::{AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering, fence};
}
mod sizes {
    pub(crate) const READ_ATTEMPTS: u32 = 2;
    pub(crate) const MAX_RUNNING_TASKS: usize = 1;
    pub(crate) const MAX_PENDING_TASKS: usize = 1;
    pub(crate) const MAX_STALLS: usize = 1;
    pub(crate) const TASK_NAME_LEN: usize = 1;
    pub(crate) const PHASE_NAME_LEN: usize = 1;
    pub(crate) const MAX_PHASES: usize = 1;
    pub(crate) const SOURCE_PATH_LEN: usize = 1;
    pub(crate) const PROGRESS_LEN: usize = 1;
    pub(crate) const CAUSE_LEN: usize = 1;
    pub(crate) const LABEL_LEN: usize = 1;
    pub(crate) const MAX_LABELS: usize = 1;
    pub(crate) const MAX_KILLED_PROCESSES: usize = 1;
}
#[path = "../../crates/deadstop-core/src/buffer.rs"]
mod buffer;
#[path = "../../crates/deadstop-core/src/escape.rs"]
mod escape;
#[path = "../../crates/deadstop-core/src/slot_state.rs"]
mod slot_state;
#[path = "kill_path/sys.rs"]
mod sys;

/// A slot of a fixed table.
mod slot {
    mod models;
}

/// The kill path, as far as it is modeled.
mod kill_path {
    #[path = "../../../crates/deadstop-core/src/kill_path/backup_timer.rs"]
    mod backup_timer;
    #[path = "../../../crates/deadstop-core/src/kill_path/deadline.rs"]
    mod deadline;
    #[path = "../../../crates/deadstop-core/src/kill_path/kill_list.rs"]
    mod kill_list;
    #[path = "../../../crates/deadstop-core/src/roster/text.rs"]
    mod text;
    #[path = "../../../crates/deadstop-core/src/roster/words.rs"]
    mod words;

    pub(crate) use self::deadline::Deadline;
    pub(crate) use self::models::{arm, unarmed, wake};
    pub(crate) use crate::sys::Nanos;

    mod kill_list_models;
    mod models;
}

/// The roster, modeled on simpler texts.
mod roster {
    #[path = "../../../crates/deadstop-core/src/roster/labels.rs"]
    mod labels;
    #[path = "../../../crates/deadstop-core/src/roster/phases.rs"]
    mod phases;
    #[path = "../../../crates/deadstop-core/src/roster/reading.rs"]
    mod reading;
    #[path = "../../../crates/deadstop-core/src/roster/slot.rs"]
    mod slot;
    #[path = "../../../crates/deadstop-core/src/roster/table.rs"]
    mod table;
    #[path = "../../../crates/deadstop-core/src/roster/tables.rs"]
    mod tables;
    #[path = "../../../crates/deadstop-core/src/roster/task_kind.rs"]
    mod task_kind;
    #[path = "../../../crates/deadstop-core/src/roster/task_status.rs"]
    mod task_status;
    mod text;
    mod words;

    mod models;
}

/// The reporter, as far as it is modeled.
mod reporting {
    #[path = "../../../src/reporting/schedule.rs"]
    mod schedule;

    mod models;
}

/// The process-wide state that triggers write, as far as it is modeled.
mod process {
    #[path = "../../../src/process/first_signal.rs"]
    mod first_signal;
    #[path = "../../../src/process/first_trigger.rs"]
    mod first_trigger;
    #[path = "../../../src/process/report_requests.rs"]
    pub(crate) mod report_requests;

    mod models;
}

/// The modeled part of stack capture.
mod stacks {
    #[path = "../../../src/reporting/stacks/capture/copy/request.rs"]
    mod request;

    mod models;
}

/// The coordinator, as far as it is modeled.
mod coordinator {
    #[path = "../../../src/coordinator/write_latch.rs"]
    mod write_latch;

    mod models;
}

/// The drain kit, as far as it is modeled.
mod drain {
    pub(crate) mod gate {
        #[path = "../../../../src/drain/gate/counter.rs"]
        mod counter;

        mod models;

        pub(crate) use self::counter::Counter;
    }

    mod pool {
        #[path = "../../../../src/drain/pool/machine/mod.rs"]
        mod machine;
        #[path = "../../../../src/drain/pool/scheduler/mod.rs"]
        mod scheduler;

        mod models;
    }

    mod resource {
        #[path = "../../../../src/drain/resource/list.rs"]
        mod list;
        #[path = "../../../../src/drain/resource/once.rs"]
        mod once;

        mod models;
    }

    mod wake {
        #[path = "../../../../src/drain/wake/entry.rs"]
        mod entry;

        mod models;
    }
}

#[path = "../../src/cause.rs"]
mod cause;
#[path = "../../src/signal.rs"]
mod signal;

#[path = "../../src/sys/published.rs"]
mod published;

mod lazy;

/// The library's `crate::primitives`.
mod primitives {
    pub(crate) mod atomic {
        pub(crate) use crate::lazy::{AtomicPtr, AtomicU8, AtomicU32, AtomicU64, Ordering};
    }
    pub(crate) use crate::kill_path::{Deadline, Nanos};
    pub(crate) use crate::lazy::{Backoff, CachePadded, Mutex, MutexGuard, thread};
    pub(crate) use crate::published::Published;
    pub(crate) use crate::sys::EventCount;
}

/// Runs `model` in every interleaving with up to three preemptions.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 20_000;
    builder.check(model);
}
