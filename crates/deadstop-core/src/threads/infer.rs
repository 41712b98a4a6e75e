//! Infers a thread's activity from its files in `/proc`.

use core::ffi::c_int;

use super::activity::{Activity, Descriptor, DescriptorKind, SystemCall};
use super::parse::Syscall;
use crate::buffer::TextBuffer;
use crate::search::{is_one_of, split_once};
use crate::sys::{self, WaitKind};

/// Returns a thread's activity. Without `syscall`, which may be unreadable, the
/// kernel function in `wait_channel` decides.
pub fn activity(state: u8, wait_channel: &str, syscall: Option<&Syscall>) -> Activity {
    match state {
        b'R' => Activity::Runs,
        b'T' | b't' => Activity::Stopped,
        b'Z' | b'X' | b'x' => Activity::Ended,
        b'D' => uninterruptible(syscall),
        _ => waiting(wait_channel, syscall),
    }
}

fn uninterruptible(syscall: Option<&Syscall>) -> Activity {
    let Some(&Syscall::Inside { number, first }) = syscall else {
        return Activity::Uninterruptible {
            call: None,
            descriptor: None,
        };
    };
    let (name, kind) = sys::blocking_call(number).unwrap_or(("", WaitKind::Other));
    Activity::Uninterruptible {
        call: Some(SystemCall { number, name }),
        descriptor: match kind {
            WaitKind::Read | WaitKind::Write | WaitKind::Descriptor => descriptor(first),
            _ => None,
        },
    }
}

fn waiting(wait_channel: &str, syscall: Option<&Syscall>) -> Activity {
    let (number, first) = match syscall {
        None | Some(Syscall::Outside) => {
            return by_wait_channel(wait_channel).unwrap_or(Activity::Unknown);
        }
        Some(Syscall::Running) => return Activity::Runs,
        Some(&Syscall::Inside { number, first }) => (number, first),
    };
    let in_call = |name, descriptor| Activity::Calls {
        call: SystemCall { number, name },
        descriptor,
        path: TextBuffer::new(),
    };
    match sys::blocking_call(number) {
        None => by_wait_channel(wait_channel).unwrap_or(in_call("", None)),
        Some((name, kind)) => match kind {
            WaitKind::Lock => Activity::WaitsForLock,
            WaitKind::Read => Activity::Reads(descriptor(first)),
            WaitKind::Write => Activity::Writes(descriptor(first)),
            WaitKind::Sleep => Activity::Sleeps,
            WaitKind::Child => Activity::WaitsForChild,
            WaitKind::Signal => Activity::WaitsForSignal,
            WaitKind::Poll => Activity::Polls,
            WaitKind::Descriptor => in_call(name, descriptor(first)),
            WaitKind::Other => in_call(name, None),
            WaitKind::Restarted => by_wait_channel(wait_channel).unwrap_or(in_call(name, None)),
        },
    }
}

/// Returns the meaning of a wait in a kernel function, by its current and some
/// older names; only of functions where it is unambiguous.
fn by_wait_channel(wait_channel: &str) -> Option<Activity> {
    // Compilers add suffixes: `do_sys_poll.constprop.0`.
    let (name, _) = split_once(wait_channel, ".").unwrap_or((wait_channel, ""));
    let is_one_of = |names| is_one_of(name, names);
    Some(if is_one_of(LOCKS) {
        Activity::WaitsForLock
    } else if is_one_of(READS) {
        Activity::Reads(None)
    } else if is_one_of(WRITES) {
        Activity::Writes(None)
    } else if is_one_of("hrtimer_nanosleep do_nanosleep common_nsleep") {
        Activity::Sleeps
    } else if is_one_of("do_wait do_wait4 kernel_wait4") {
        Activity::WaitsForChild
    } else if is_one_of("do_sigtimedwait sigsuspend do_sys_pause") {
        Activity::WaitsForSignal
    } else if is_one_of(POLLS) {
        Activity::Polls
    } else {
        return None;
    })
}

const LOCKS: &str = "futex_do_wait futex_wait futex_wait_queue futex_wait_queue_me \
    futex_lock_pi futex_unqueue_multiple futex_wait_multiple";
const READS: &str = "anon_pipe_read pipe_read eventfd_read inotify_read n_tty_read sk_wait_data \
    unix_stream_data_wait unix_stream_read_generic __skb_wait_for_more_packets";
const WRITES: &str = "anon_pipe_write pipe_write eventfd_write n_tty_write \
    sk_stream_wait_memory sock_alloc_send_pskb";
const POLLS: &str = "do_epoll_wait do_poll do_pselect do_select do_sys_poll ep_poll \
    poll_schedule_timeout";

/// Returns the descriptor in a first argument: the lower half, unless it is
/// negative, as `AT_FDCWD` is.
fn descriptor(first: u64) -> Option<Descriptor> {
    Some(Descriptor {
        number: c_int::try_from(first as u32).ok()?,
        kind: DescriptorKind::Unknown,
        detail: TextBuffer::new(),
    })
}
