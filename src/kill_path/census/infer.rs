//! What a thread is doing, from what `/proc` says of it.

use ::core::convert::TryFrom;
use ::core::ffi::c_int;
use ::core::option::Option::{self, None, Some};

use super::super::line::Line;
use super::super::sys::{self, Sort};
use super::parse::Syscall;
use super::{Call, Descriptor, Doing, Kind};

/// What a thread is doing. `syscall` is `None` if it could not be read; then
/// the kernel's function has to do.
pub(crate) fn doing(state: u8, place: &str, syscall: Option<&Syscall>) -> Doing {
    match state {
        b'R' => Doing::Runs,
        b'T' | b't' => Doing::Stopped,
        b'Z' | b'X' | b'x' => Doing::Ended,
        b'D' => uninterruptible(syscall),
        _ => waiting(place, syscall),
    }
}

fn uninterruptible(syscall: Option<&Syscall>) -> Doing {
    let Some(&Syscall::Inside { number, first }) = syscall else {
        return Doing::Uninterruptible {
            call: None,
            descriptor: None,
        };
    };
    let (name, sort) = sys::call(number).unwrap_or(("", Sort::Other));
    Doing::Uninterruptible {
        call: Some(Call { number, name }),
        descriptor: match sort {
            Sort::Read | Sort::Write | Sort::On => descriptor(first),
            _ => None,
        },
    }
}

fn waiting(place: &str, syscall: Option<&Syscall>) -> Doing {
    let (number, first) = match syscall {
        None | Some(Syscall::Outside) => return by_place(place).unwrap_or(Doing::Unknown),
        Some(Syscall::Running) => return Doing::Runs,
        Some(&Syscall::Inside { number, first }) => (number, first),
    };
    let in_call = |name, descriptor| Doing::Calls {
        call: Call { number, name },
        descriptor,
    };
    match sys::call(number) {
        None => by_place(place).unwrap_or(in_call("", None)),
        Some((name, sort)) => match sort {
            Sort::Lock => Doing::WaitsForLock,
            Sort::Read => Doing::Reads(descriptor(first)),
            Sort::Write => Doing::Writes(descriptor(first)),
            Sort::Sleep => Doing::Sleeps,
            Sort::Child => Doing::WaitsForChild,
            Sort::Signal => Doing::WaitsForSignal,
            Sort::Poll => Doing::Polls,
            Sort::On => in_call(name, descriptor(first)),
            Sort::Other => in_call(name, None),
            Sort::Resumed => by_place(place).unwrap_or(in_call(name, None)),
        },
    }
}

/// What a wait in one of the kernel's functions means, under their names of
/// today and of some years ago. Only of those where it means one thing.
fn by_place(place: &str) -> Option<Doing> {
    // Compilers add suffixes: `do_sys_poll.constprop.0`.
    let (name, _) = place.split_once('.').unwrap_or((place, ""));
    Some(match name {
        "futex_do_wait"
        | "futex_wait"
        | "futex_wait_queue"
        | "futex_wait_queue_me"
        | "futex_lock_pi"
        | "futex_unqueue_multiple"
        | "futex_wait_multiple" => Doing::WaitsForLock,
        "anon_pipe_read"
        | "pipe_read"
        | "eventfd_read"
        | "inotify_read"
        | "n_tty_read"
        | "sk_wait_data"
        | "unix_stream_data_wait"
        | "unix_stream_read_generic"
        | "__skb_wait_for_more_packets" => Doing::Reads(None),
        "anon_pipe_write"
        | "pipe_write"
        | "eventfd_write"
        | "n_tty_write"
        | "sk_stream_wait_memory"
        | "sock_alloc_send_pskb" => Doing::Writes(None),
        "hrtimer_nanosleep" | "do_nanosleep" | "common_nsleep" => Doing::Sleeps,
        "do_wait" | "do_wait4" | "kernel_wait4" => Doing::WaitsForChild,
        "do_sigtimedwait" | "sigsuspend" | "do_sys_pause" => Doing::WaitsForSignal,
        "do_epoll_wait"
        | "do_poll"
        | "do_pselect"
        | "do_select"
        | "do_sys_poll"
        | "ep_poll"
        | "poll_schedule_timeout" => Doing::Polls,
        _ => return None,
    })
}

/// A descriptor as a first argument has it: the lower half, and not negative,
/// as the one that stands for the working directory is.
fn descriptor(first: u64) -> Option<Descriptor> {
    Some(Descriptor {
        number: c_int::try_from(first as u32).ok()?,
        kind: Kind::Unknown,
        detail: Line::new(),
    })
}
