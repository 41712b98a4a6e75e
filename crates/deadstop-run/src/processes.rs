//! Inspects other processes by their files in `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::ChildProcess;
use deadstop_core::threads::parse::{self, Link, Syscall};
use deadstop_core::threads::{Activity, Blocker, DescriptorKind, Thread, infer, sanitize};
use deadstop_core::{Nanos, now};

/// Threads that are looked at.
const THREADS: usize = 64;

/// Descendants that are found.
const PROCESSES: usize = 4096;

/// Processor times of a process's threads at one moment, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct CpuTimes {
    at: Option<Nanos>,
    threads: BTreeMap<i32, u64>,
}

impl CpuTimes {
    /// Reads the times of all threads of `pids`.
    pub(crate) fn of(pids: impl IntoIterator<Item = i32>) -> Self {
        let tids = pids.into_iter().flat_map(|pid| {
            let tids = numbers(&format!("/proc/{pid}/task"));
            tids.into_iter().map(move |tid| (pid, tid))
        });
        Self {
            at: Some(now()),
            threads: tids
                .filter_map(|(pid, tid)| Some((tid, cpu(pid, tid)?)))
                .collect(),
        }
    }

    /// Returns the part of a processor that `tid` has used since `self`, in per cent.
    pub(crate) fn share(&self, tid: i32, later: &Self) -> Option<u8> {
        let before = self.threads.get(&tid).copied().unwrap_or(0);
        let used = later.threads.get(&tid)?.saturating_sub(before);
        let length = later.at?.since(self.at?).as_nanos();
        let share = (u128::from(used) * 100).checked_div(length)?;
        Some(u8::try_from(share).unwrap_or(100).min(100))
    }
}

/// Returns the threads of `pid`, main first.
pub(crate) fn threads(pid: i32, later: &CpuTimes) -> Vec<Thread> {
    let mut tids = numbers(&format!("/proc/{pid}/task"));
    tids.sort_by_key(|tid| (*tid != pid, *tid));
    let tids = tids.into_iter().take(THREADS);
    tids.filter_map(|tid| thread(pid, tid, later)).collect()
}

/// Returns the number of threads of `pid`.
pub(crate) fn thread_count(pid: i32) -> u32 {
    u32::try_from(numbers(&format!("/proc/{pid}/task")).len()).unwrap_or(u32::MAX)
}

fn thread(pid: i32, tid: i32, later: &CpuTimes) -> Option<Thread> {
    let file = |name: &str| fs::read(format!("/proc/{pid}/task/{tid}/{name}"));
    let mut thread = Thread::empty();
    thread.tid = tid;
    sanitize::lossy(&mut thread.name, parse::name(&file("comm").ok()?));
    thread.state = parse::state(&file("stat").ok()?);
    thread.cpu = later.threads.get(&tid).copied().map(Duration::from_nanos);
    let is_waiting = !matches!(thread.state, b'R' | b'T' | b't' | b'Z' | b'X');
    let mut syscall = None;
    if is_waiting {
        let wchan = file("wchan").unwrap_or_default();
        thread.wait_channel.text(parse::wait_channel(&wchan));
        // Refused where this process may not trace the other.
        syscall = file("syscall").ok().and_then(|text| system_call(&text));
        if let Some(Syscall::Running) = syscall {
            thread.state = b'R';
            thread.wait_channel.clear();
        }
    }
    let wait_channel = thread.wait_channel.clone();
    thread.activity = infer::activity(thread.state, wait_channel.as_str(), syscall.as_ref());
    if let Some(descriptor) = thread.activity.descriptor_mut() {
        let link = fs::read_link(format!("/proc/{pid}/task/{tid}/fd/{}", descriptor.number));
        if let Ok(link) = link {
            let link = link.into_os_string().into_encoded_bytes();
            descriptor.kind = match parse::link(&link) {
                Link::Pipe => DescriptorKind::Pipe,
                Link::Socket => DescriptorKind::Socket,
                Link::Object(name) => {
                    sanitize::lossy(&mut descriptor.detail, name);
                    DescriptorKind::Object
                }
                Link::Path(path) => {
                    sanitize::path(&mut descriptor.detail, path);
                    kind(path)
                }
            };
        }
    }
    if let Activity::WaitsForChild = thread.activity {
        thread.blocker = child_of(pid, tid);
    }
    Some(thread)
}

/// From `syscall`: the call that a thread is in. `None` for a 32-bit program, whose calls have
/// other numbers; its stack is below 4 GiB.
fn system_call(text: &[u8]) -> Option<Syscall> {
    let is_32_bit = cfg!(target_pointer_width = "64")
        && parse::arguments(text).is_some_and(|call| u32::try_from(call.stack_pointer).is_ok());
    (!is_32_bit).then(|| parse::syscall(text)).flatten()
}

fn kind(path: &[u8]) -> DescriptorKind {
    match path {
        [b'/', b'd', b'e', b'v', b'/', b'p', b't', b's', ..] => DescriptorKind::Terminal,
        b"/dev/tty" | b"/dev/console" => DescriptorKind::Terminal,
        [b'/', b'd', b'e', b'v', b'/', ..] => DescriptorKind::Device,
        _ => DescriptorKind::File,
    }
}

/// The only living child of a thread that waits for one.
fn child_of(pid: i32, tid: i32) -> Blocker {
    let children = children_of_thread(pid, tid);
    let mut living = children
        .into_iter()
        .filter_map(process)
        .filter(|child| child.state != b'Z');
    match (living.next(), living.next()) {
        (Some(child), None) => Blocker::Process {
            pid: child.pid,
            name: child.name,
            state: child.state,
            others: 0,
        },
        _ => Blocker::Unknown,
    }
}

/// Returns a process, unless it is gone.
pub(crate) fn process(pid: i32) -> Option<ChildProcess> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let mut name = TextBuffer::new();
    let comm = fs::read(format!("/proc/{pid}/comm")).ok()?;
    sanitize::lossy(&mut name, parse::name(&comm));
    Some(ChildProcess {
        pid,
        name,
        state: parse::state(&stat),
        is_killed: true,
    })
}

/// Returns `true` if a process has ended, or has a `SIGKILL` that it has not acted on yet.
pub(crate) fn is_dying(pid: i32) -> bool {
    let file = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}"));
    let (Ok(stat), Ok(status)) = (file("stat"), file("status")) else {
        return true;
    };
    is_exiting(&stat) || has_kill(&status)
}

/// From `stat`: a process that has ended or is about to.
fn is_exiting(stat: &str) -> bool {
    /// The kernel's `PF_EXITING`.
    const EXITING: u64 = 4;
    // The name, in parentheses, may have spaces.
    let Some((_, fields)) = stat.rsplit_once(')') else {
        return false;
    };
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next();
    // The ninth field of the file.
    let flags = fields.nth(5).and_then(|flags| flags.parse::<u64>().ok());
    matches!(state, Some("Z" | "X")) || flags.is_some_and(|flags| flags & EXITING != 0)
}

/// From `status`: whether `SIGKILL` is pending.
fn has_kill(status: &str) -> bool {
    const KILL: u64 = 1 << (libc::SIGKILL - 1);
    let sets = status.lines().filter_map(|line| {
        let set = line
            .strip_prefix("SigPnd:")
            .or(line.strip_prefix("ShdPnd:"))?;
        u64::from_str_radix(set.trim(), 16).ok()
    });
    sets.fold(0, |all, set| all | set) & KILL != 0
}

/// Returns the process that traces `pid`, such as a debugger.
pub(crate) fn tracer(pid: i32) -> Option<i32> {
    tracer_in(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

/// From `status`: the tracer.
fn tracer_in(status: &str) -> Option<i32> {
    let tracer = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    tracer?.trim().parse().ok().filter(|tracer| *tracer != 0)
}

/// Returns `true` if `/proc` shows the processes of this PID namespace. There may be none, or
/// that of another namespace, in which other processes have the same numbers.
pub(crate) fn are_visible() -> bool {
    let own = fs::read_link("/proc/self").ok();
    let own = own.and_then(|own| own.to_str()?.parse().ok());
    own == Some(deadstop_core::pid())
}

/// Returns the living descendants of `pid`, parents before their children. None where
/// `/proc` is of another PID namespace: other processes have the same numbers there.
pub(crate) fn descendants(pid: i32) -> Vec<i32> {
    if !are_visible() {
        return Vec::new();
    }
    let mut found = children(pid);
    let mut next = 0;
    while next < found.len() && found.len() < PROCESSES {
        for child in children(found[next]) {
            if !found.contains(&child) {
                found.push(child);
            }
        }
        next += 1;
    }
    found
}

fn children(pid: i32) -> Vec<i32> {
    // Most processes have one thread.
    let threads = numbers(&format!("/proc/{pid}/task"));
    threads
        .into_iter()
        .flat_map(|tid| children_of_thread(pid, tid))
        .collect()
}

fn children_of_thread(pid: i32, tid: i32) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/children"));
    let text = text.unwrap_or_default();
    text.split_ascii_whitespace()
        .filter_map(|child| child.parse().ok())
        .collect()
}

/// Returns the names in a directory that are numbers.
fn numbers(directory: &str) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(Path::new(directory)) else {
        return Vec::new();
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    names
        .filter_map(|name| name.to_str()?.parse().ok())
        .collect()
}

/// The processor time of a thread: `schedstat` counts in nanoseconds.
fn cpu(pid: i32, tid: i32) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/schedstat")).ok()?;
    text.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{has_kill, is_exiting, system_call, tracer_in};
    use deadstop_core::threads::parse::Syscall;

    #[test]
    fn process_that_dies_is_known_by_its_state_its_flag_and_its_signal() {
        assert!(is_exiting("7 (a) b) Z 1 7 7 0 -1 4194304 0"));
        assert!(is_exiting("7 (a) b) R 1 7 7 0 -1 4194308 0"));
        assert!(!is_exiting("7 (a) b) S 1 7 7 0 -1 4194304 0"));
        assert!(has_kill(
            "SigQ:\t1/2\nSigPnd:\t0000000000000100\nShdPnd:\t0\n"
        ));
        assert!(has_kill("SigPnd:\t0\nShdPnd:\t0000000000000100\n"));
        assert!(!has_kill(
            "SigPnd:\t0\nShdPnd:\t0000000000004000\nSigBlk:\t100\n"
        ));
    }

    #[cfg(target_pointer_width = "64")]
    #[test]
    fn call_of_a_32_bit_program_is_not_taken_for_another() {
        // Both wait in read(2).
        let of_64_bits = b"0 0x3 0x7ffd0f 0x1 0x0 0x0 0x0 0x7ffd1f2e3d40 0x7f1e2d3c4b5a\n";
        let of_32_bits = b"3 0x3 0xffd3f1 0x1 0x0 0x0 0x0 0xffd3f0a0 0xf7f15559\n";
        let call = system_call(of_64_bits);
        assert_eq!(
            call,
            Some(Syscall::Inside {
                number: 0,
                first: 3
            })
        );
        assert_eq!(system_call(of_32_bits), None);
        assert_eq!(system_call(b"running\n"), Some(Syscall::Running));
    }

    #[test]
    fn tracer_is_read_unless_there_is_none() {
        assert_eq!(
            tracer_in("PPid:\t1\nTracerPid:\t4711\nUid:\t0\n"),
            Some(4711)
        );
        assert_eq!(tracer_in("PPid:\t1\nTracerPid:\t0\n"), None);
        assert_eq!(tracer_in(""), None);
    }
}
