//! The kind of work that a task stands for.

use crate::atomic::{AtomicU32, Ordering};

/// The kind of work that a task stands for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TaskKind {
    /// A closure or a future of the application.
    #[default]
    Task,
    /// The end of a child process.
    Child,
    /// The work in flight of a gate.
    Gate,
    /// The jobs of a pool.
    Pool,
    /// The closing of a resource.
    Resource,
    /// A thread of the application that is waited for.
    Thread,
}

impl TaskKind {
    const ALL: [Self; 6] = [
        Self::Task,
        Self::Child,
        Self::Gate,
        Self::Pool,
        Self::Resource,
        Self::Thread,
    ];
}

/// The kind of a slot's task.
#[derive(Debug)]
pub(super) struct AtomicTaskKind(AtomicU32);

impl AtomicTaskKind {
    pub(super) const fn new() -> Self {
        Self(AtomicU32::new(TaskKind::Task as u32))
    }

    pub(super) fn store(&self, kind: TaskKind) {
        self.0.store(kind as u32, Ordering::Relaxed);
    }

    pub(super) fn load(&self) -> TaskKind {
        let number = self.0.load(Ordering::Relaxed);
        let mut all = TaskKind::ALL.into_iter();
        all.find(|kind| *kind as u32 == number).unwrap_or_default()
    }
}
