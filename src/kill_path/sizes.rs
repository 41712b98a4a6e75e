//! How much the roster keeps, and how hard it is read.

/// Tasks that run.
pub(super) const RUNNING: usize = 64;
/// Phases that have begun.
pub(super) const PHASES: usize = 16;
/// Tasks whose turn has not come.
pub(super) const WAITING: usize = 32;

/// Bytes of a task's name.
pub(super) const NAME: usize = 64;
/// Bytes of a phase's name.
pub(super) const PHASE: usize = 32;
/// Bytes of the path where a task was registered.
pub(super) const SITE: usize = 96;
/// Bytes of what a task says of its progress.
pub(super) const SAYS: usize = 128;
/// Bytes of the cause.
pub(crate) const CAUSE: usize = 256;

/// Threads whose stacks are asked for: tasks', and main.
pub(crate) const STACKS: usize = 9;
/// Frames of a stack.
pub(super) const FRAMES: usize = 24;
/// Bytes of the name of the file that a frame's code is from.
pub(super) const MODULE: usize = 48;
/// Bytes of a function's name.
pub(super) const FUNCTION: usize = 128;

/// How often a reader tries to catch a text between two writings.
pub(super) const TRIES: u32 = 100;

/// Threads that a census lists.
pub(super) const THREADS: usize = 32;
/// Threads whose processor time is looked at.
pub(super) const LOOKS: usize = 2048;
/// Bytes of a thread's name: the system's 15, each of which may have become a
/// U+FFFD.
pub(super) const COMM: usize = 45;
/// Bytes of the name of the kernel's function that a thread waits in.
pub(super) const PLACE: usize = 32;
/// Bytes of what a descriptor stands for.
pub(super) const DETAIL: usize = 64;
