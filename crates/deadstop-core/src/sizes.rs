//! Capacities of the fixed tables and buffers.

/// Running tasks in the roster.
pub(crate) const MAX_RUNNING_TASKS: usize = 64;
/// Phases in the roster.
pub(crate) const MAX_PHASES: usize = 16;
/// Pending tasks in the roster.
pub(crate) const MAX_PENDING_TASKS: usize = 32;

/// Stalled heartbeats in the roster.
pub const MAX_STALLS: usize = 8;

/// Bytes of a task's name.
pub(crate) const TASK_NAME_LEN: usize = 64;
/// Bytes of a phase's name.
pub(crate) const PHASE_NAME_LEN: usize = 32;
/// Bytes of the path of a source file.
pub(crate) const SOURCE_PATH_LEN: usize = 96;
/// Bytes of a task's progress text.
pub(crate) const PROGRESS_LEN: usize = 128;
/// Bytes of the cause.
pub const CAUSE_LEN: usize = 256;

/// Threads whose stacks a report has: those of tasks, main, and suspicious ones.
pub const MAX_STACKS: usize = 24;
/// Frames of a stack.
pub const MAX_FRAMES: usize = 24;
/// Bytes of the name of the file that a frame's code is from.
pub(crate) const MODULE_NAME_LEN: usize = 48;
/// Bytes of a function's name.
pub(crate) const FUNCTION_NAME_LEN: usize = 128;

/// Labels of threads at the same time.
pub(crate) const MAX_LABELS: usize = 256;
/// Bytes of a label.
pub(crate) const LABEL_LEN: usize = 64;

/// The number of tries to read a text between two writes.
pub(crate) const READ_ATTEMPTS: u32 = 100;

/// Threads that a thread dump lists.
pub(crate) const MAX_THREADS: usize = 64;
/// Threads whose processor time is sampled.
pub(crate) const MAX_SAMPLED_THREADS: usize = 2048;
/// Bytes of a thread's name: the kernel's 15, each of which may have become a
/// U+FFFD.
pub(crate) const THREAD_NAME_LEN: usize = 45;
/// Bytes of the name of the kernel function that a thread waits in.
pub(crate) const WAIT_CHANNEL_LEN: usize = 32;
/// Bytes of a descriptor's description.
pub(crate) const DETAIL_LEN: usize = 64;

/// Child processes in the kill list.
pub(crate) const MAX_KILLED_PROCESSES: usize = 256;
/// Files in the list of files to remove.
pub(crate) const MAX_REMOVED_FILES: usize = 32;
/// Bytes of the path of a file to remove.
pub(crate) const REMOVED_PATH_LEN: usize = 256;
