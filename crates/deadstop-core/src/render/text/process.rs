//! The report about a process that does not use the library: the threads, the
//! busiest first, and the child processes.
//!
//! ```text
//! deadstop: deadline in 0.5 s: "node" (pid 4711) has not ended: main runs, 100 % busy since the trigger
//! deadstop:   cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s
//! deadstop:   process 4712 "sleep" (S) is killed with it
//! deadstop:   at the deadline the process ends with status 124
//! deadstop: details:
//! ...
//! deadstop: end of hang report 1
//! ```

#![expect(
    single_use_lifetimes,
    reason = "anonymous lifetimes in `impl Trait` are unstable"
)]

use core::cmp::Reverse;
use core::ffi::c_int;

use super::span::span;
use super::threads::{and_more, cannot_list, group, is_alike};
use super::{CUT, stacks};
use crate::buffer::{TextBuffer, TextSlice};
use crate::render::words;
use crate::sizes::{MAX_THREADS, THREAD_NAME_LEN};
use crate::stack::{Captured, Frame, Stack};
use crate::sys::Nanos;
use crate::threads::format::thread;
use crate::threads::{Activity, Blocker, Thread};

/// A thread that used less processor time than this, in per cent, is not what the
/// first line names.
const BUSY: u8 = 10;

/// The last line: a process has one such report.
const END: &str = "deadstop: end of hang report 1\n";

/// Frames of a stack.
const FRAMES: usize = 16;

/// Waiting threads that are named.
const NAMES: usize = 16;

/// Child processes with a line of their own.
const CHILDREN: usize = 8;

/// A process that does not use the library.
#[derive(Clone, Copy)]
pub struct Process<'a> {
    pub name: &'a str,
    pub pid: c_int,
    /// The cause of the shutdown.
    pub cause: &'a str,
    pub begun: Nanos,
    pub now: Nanos,
    pub at: Nanos,
    /// The status that the process ends with at the deadline, by itself or by its
    /// supervisor.
    pub exit_status: u8,
    /// The number of threads, listed or not.
    pub threads: u32,
    /// The `errno` of reading `/proc`, or 0.
    pub proc_error: c_int,
    pub stacks: &'a [Stack],
    /// A line about the stacks; empty for none.
    pub note: &'a str,
}

/// Another process that ends with this one or is left alone, at the time of the report.
#[derive(Clone, Debug)]
pub struct ChildProcess {
    pub pid: c_int,
    pub name: TextBuffer<THREAD_NAME_LEN>,
    /// As `ps` shows it.
    pub state: u8,
    /// Set if the watchdog kills it at the deadline.
    pub is_killed: bool,
}

/// The rank of a thread: the busiest since the trigger first.
#[derive(Clone, Copy)]
struct Rank {
    share: Option<u8>,
    busy: Option<u8>,
    is_main: bool,
    index: u8,
}

/// Renders the report. `share` is the part of a processor that a thread has used
/// since the trigger, in per cent.
pub fn process<'a>(
    line: &mut TextSlice,
    process: &Process<'_>,
    threads: impl Iterator<Item = &'a Thread> + Clone,
    share: impl Fn(c_int) -> Option<u8>,
    children: impl Iterator<Item = &'a ChildProcess>,
) {
    line.clear();
    let mut ranks = [const { None::<Rank> }; MAX_THREADS];
    for ((index, known), rank) in (0_u8..).zip(threads.clone()).zip(&mut ranks) {
        *rank = Some(Rank {
            share: share(known.tid),
            busy: known.busy,
            is_main: known.tid == process.pid,
            index,
        });
    }
    crate::threads::heap_sort_by_key(&mut ranks, |rank| {
        let rank = rank.as_ref();
        let key = rank.map(|at| (Reverse(at.share), Reverse(at.busy), !at.is_main, at.index));
        // Empty ranks last.
        (key.is_none(), key)
    });
    let ordered = ranks.iter().flatten();
    let ordered = ordered.filter_map(|rank| Some((*rank, threads.clone().nth(rank.index.into())?)));

    headline(line, process, ordered.clone());
    cause(line, process);
    if !process.note.is_empty() {
        line.text("deadstop:   ").text(process.note).text("\n");
    }
    self::children(line, children);
    line.text("deadstop:   at the deadline the process ends with status ")
        .number(u64::from(process.exit_status))
        .text("\ndeadstop: details:\n");
    details(line, process, ordered.map(|(_, thread)| thread));
    line.text(END);
    if line.is_full() {
        line.end_with(CUT);
    }
}

fn headline<'a>(
    line: &mut TextSlice,
    process: &Process<'_>,
    mut threads: impl Iterator<Item = (Rank, &'a Thread)> + Clone,
) {
    span(
        line.text("deadstop: deadline in "),
        process.at.since(process.now),
    )
    .text(": ");
    // Without `/proc` the name is not known.
    match process.name {
        "" => line.text("the process"),
        name => line.quoted(name),
    }
    .text(" (pid ")
    .int(process.pid)
    .text(") has not ended");
    let busiest = threads.clone().next();
    let busiest = busiest.filter(|(rank, thread)| {
        rank.share.or(rank.busy) >= Some(BUSY) || stack(process.stacks, thread.tid).is_some()
    });
    let main = threads.find(|(_, thread)| thread.tid == process.pid);
    let Some((rank, first)) = busiest.or(main) else {
        line.text("\n");
        return;
    };
    line.text(": ");
    name(line, process, first);
    line.text(" ").text(words::doing(first).as_str());
    if let Blocker::Process { pid, name, .. } = &first.blocker {
        line.text(", for process ")
            .int(*pid)
            .text(" ")
            .quoted(name.as_str());
    }
    if let Some(share) = rank.share {
        line.text(", ")
            .number(u64::from(share))
            .text(" % busy since the trigger");
    }
    if let Some(frame) = innermost(process.stacks, first.tid) {
        line.text(", in ").escaped(frame.function.as_str());
        if !frame.site.as_str().is_empty() {
            line.text(" (").escaped(frame.site.as_str()).text(")");
        }
    }
    line.text("\n");
}

/// Returns the innermost frame whose function has a name.
fn innermost(stacks: &[Stack], tid: c_int) -> Option<&Frame> {
    let stack = stack(stacks, tid)?;
    stack
        .frames()
        .find(|frame| !frame.function.as_str().is_empty())
}

fn stack(stacks: &[Stack], tid: c_int) -> Option<&Stack> {
    stacks
        .iter()
        .find(|stack| stack.tid == tid && stack.captured != Captured::NotAsked)
}

fn name(line: &mut TextSlice, process: &Process<'_>, thread: &Thread) {
    match thread.tid == process.pid {
        true => line.text("main"),
        false => line
            .text("thread ")
            .int(thread.tid)
            .text(" ")
            .quoted(thread.name.as_str()),
    };
}

fn cause(line: &mut TextSlice, process: &Process<'_>) {
    line.text("deadstop:   cause: ")
        .text(process.cause)
        .text(", ")
        .seconds(process.now.since(process.begun))
        .text(" ago; grace ");
    span(line, process.at.since(process.begun)).text("\n");
}

fn children<'a>(line: &mut TextSlice, children: impl Iterator<Item = &'a ChildProcess>) {
    let mut more = 0_u64;
    for (n, child) in children.enumerate() {
        if n >= CHILDREN {
            more = more.saturating_add(1);
            continue;
        }
        line.text("deadstop:   process ")
            .int(child.pid)
            .text(" ")
            .quoted(child.name.as_str())
            .text(" (")
            .text(char::from(child.state).encode_utf8(&mut [0; 4]))
            .text(match child.is_killed {
                true => ") is killed with it\n",
                false => ") is left alone\n",
            });
    }
    if more > 0 {
        line.text("deadstop:   and ")
            .number(more)
            .text(" more processes\n");
    }
}

fn details<'a>(
    line: &mut TextSlice,
    process: &Process<'_>,
    threads: impl Iterator<Item = &'a Thread> + Clone,
) {
    let first = threads.clone().next().map_or(0, |first| first.tid);
    let is_alone = |one: &Thread| {
        one.tid == process.pid || one.tid == first || stack(process.stacks, one.tid).is_some()
    };
    let is_idle = |one: &Thread| matches!(one.activity, Activity::WaitsForLock);
    for one in threads.clone().filter(|one| is_alone(one)) {
        thread(line.text("deadstop: thread "), one);
        line.text("\n");
        if let Some(stack) = stack(process.stacks, one.tid) {
            stacks::render(line, stack, FRAMES);
        }
    }
    let others = threads.clone().filter(|one| !is_alone(one));
    let active = others.clone().filter(|one| !is_idle(one));
    for (index, first) in active.clone().enumerate() {
        if !active
            .clone()
            .take(index)
            .any(|before| is_alike(before, first))
        {
            let like = active.clone().filter(|other| is_alike(other, first));
            group(line, first, like.count());
        }
    }
    idle_threads(line, others.filter(|one| is_idle(one)));
    let listed = threads.count() as u64;
    let more = u64::from(process.threads).saturating_sub(listed);
    if more > 0 {
        and_more(line.text("deadstop: "), more).text("\n");
    }
    cannot_list(line, process.proc_error);
}

/// One line for the threads that wait on a futex: a runtime has dozens of them.
fn idle_threads<'a>(line: &mut TextSlice, threads: impl Iterator<Item = &'a Thread> + Clone) {
    let count = threads.clone().count();
    if count == 0 {
        return;
    }
    line.text("deadstop: ")
        .number(count as u64)
        .text(match count {
            1 => " other thread waits (lock, channel, condition or join):",
            _ => " other threads wait (lock, channel, condition or join):",
        });
    for (index, thread) in threads.take(NAMES).enumerate() {
        line.text(if index == 0 { " " } else { ", " })
            .quoted(thread.name.as_str());
    }
    line.text(if count > NAMES { ", ...\n" } else { "\n" });
}
