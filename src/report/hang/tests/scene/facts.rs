//! Makes the facts of a report of made-up contents.

use std::time::Duration;

use super::{CapturedStack, Fate, ListedThread, Registered, SLEEPS, Scene, WAITS_FOR_LOCK};
use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{Facts, Kind, Repeats, Shares, Still};
use deadstop_core::roster::{Entry, Roster};
use deadstop_core::stack::{Source, Stack};
use deadstop_core::threads::{
    Activity, Blocker, Descriptor, DescriptorKind, Hold, SystemCall, Thread, ThreadTable,
};

/// Makes the facts of a report with the contents of `scene`, and calls `look` with them.
pub(in super::super) fn with_facts<T>(scene: &Scene, look: impl FnOnce(&Facts<'_>) -> T) -> T {
    // Tables hand out slots for good.
    let roster: &'static Roster = Box::leak(Box::new(Roster::empty()));
    for task in &scene.running {
        let slot = roster.running.add(&entry(task));
        if let Some(slot) = slot {
            slot.set_thread(task.tid);
            slot.set_progress(&task.says);
            if matches!(task.fate, Fate::Abandoned | Fate::Late) {
                slot.mark_abandoned();
            }
        }
        if matches!(task.fate, Fate::Done | Fate::Failed | Fate::Late) {
            let ended = Nanos(task.started).saturating_add(Duration::from_secs(1));
            let failed = task.fate == Fate::Failed;
            roster.running.finish(slot, ended, failed);
        }
    }
    for task in &scene.waiting {
        roster.pending.add(&entry(task));
    }
    for beat in &scene.stalls {
        if let Some(slot) = roster.stalls.add(&entry(beat)) {
            slot.set_thread(beat.tid);
        }
    }
    for phase in &scene.phases {
        let (started, ends) = (Nanos(phase.started), Nanos(phase.ends));
        roster.phases.begin(&phase.name, started, ends);
        if let Some(ended) = phase.ended {
            roster.phases.end(Nanos(ended));
        }
    }
    let mut threads = Box::new(ThreadTable::empty());
    for listed in &scene.threads {
        threads.list_for_test(thread(listed));
    }
    threads.total = scene.total;
    threads.proc_error = scene.refused;
    let stacks: Vec<_> = scene.stacks.iter().map(stack).collect();
    look(&Facts {
        kind: if scene.status {
            Kind::Status
        } else {
            Kind::Deadline
        },
        pid: 4241,
        roster,
        threads: &threads,
        stacks: &stacks,
        cause: scene.cause.as_deref(),
        begun: scene.begun.map(Nanos),
        now: Nanos(15_000_000_000),
        at: scene.at.map(Nanos),
        exit_status: scene.at.map(|_| 124),
        still: &[
            Still {
                tid: 1,
                since: Nanos(9_000_000_000),
                last: Nanos(15_000_000_000),
                samples: 3,
                quiet: 3,
                shares: shares(),
            },
            Still {
                tid: 2,
                since: Nanos(0),
                last: Nanos(0),
                samples: 1,
                quiet: 1,
                shares: Shares::none(),
            },
        ],
        number: 1,
        replaced: "",
        repeats: Some(Repeats {
            tid: 1,
            samples: 8,
            distinct: 2,
        }),
    })
}

fn thread(listed: &ListedThread) -> Thread {
    Thread {
        tid: listed.tid,
        name: line(&listed.name),
        is_own: false,
        state: listed.state,
        wait_channel: line(&listed.wait_channel),
        activity: activity(listed.doing, &listed.detail),
        call: None,
        lock_address: match listed.tid {
            16..=18 => 0x1000,
            19 | 20 => 0x2000,
            _ => 0,
        },
        blocker: blocker(listed.tid, &listed.name),
        cpu: listed.cpu,
        busy: listed.busy,
    }
}

fn entry(task: &Registered) -> Entry<'_> {
    Entry {
        name: &task.name,
        phase: &task.phase,
        file: &task.file,
        line: task.line,
        started: Nanos(task.started),
        budget: task.budget,
    }
}

fn shares() -> Shares {
    let mut shares = Shares::none();
    for cpu in [100, 5] {
        shares.add(Duration::from_millis(cpu), Duration::from_millis(100));
    }
    shares
}

fn blocker(tid: i32, name: &str) -> Blocker {
    let hold = match tid {
        1 => Hold::Joined,
        2 => Hold::Owns,
        3 => Hold::Refers,
        4 => {
            return Blocker::Process {
                pid: 77,
                name: line(name),
                state: b'S',
                others: 2,
            };
        }
        5 => return Blocker::OwnDescriptor { number: 9 },
        _ => return Blocker::Unknown,
    };
    Blocker::Thread { tid: tid + 1, hold }
}

fn line<const N: usize>(text: &str) -> TextBuffer<N> {
    let mut line = TextBuffer::new();
    line.text(text);
    line
}

/// Returns the activity of a number.
fn activity(doing: u8, detail: &str) -> Activity {
    let kinds = [
        DescriptorKind::Pipe,
        DescriptorKind::File,
        DescriptorKind::Closed,
        DescriptorKind::Unknown,
    ];
    let descriptor = || Descriptor {
        number: i32::from(doing),
        kind: kinds[usize::from(doing) % kinds.len()],
        detail: line(detail),
    };
    let call = |name| SystemCall { number: 318, name };
    match doing {
        0 => Activity::Runs,
        WAITS_FOR_LOCK => Activity::WaitsForLock,
        2 => Activity::Reads(Some(descriptor())),
        3 => Activity::Reads(None),
        4 => Activity::Writes(Some(descriptor())),
        SLEEPS => Activity::Sleeps,
        6 => Activity::WaitsForChild,
        7 => Activity::WaitsForSignal,
        8 => Activity::Polls,
        9 => Activity::Calls {
            call: call("fsync"),
            descriptor: Some(descriptor()),
            path: TextBuffer::new(),
        },
        10 => Activity::Calls {
            call: call(""),
            descriptor: None,
            path: TextBuffer::new(),
        },
        11 => Activity::Uninterruptible {
            call: Some(call("fsync")),
            descriptor: Some(descriptor()),
        },
        12 => Activity::Uninterruptible {
            call: None,
            descriptor: None,
        },
        13 => Activity::Stopped,
        14 => Activity::Ended,
        _ => Activity::Unknown,
    }
}

fn stack(of: &CapturedStack) -> Stack {
    let mut stack = Stack::empty();
    stack.clear(of.tid);
    stack.captured = of.captured;
    for captured in &of.frames {
        if let Some(frame) = stack.push(captured.address) {
            frame.module.text(&captured.module);
            frame.offset = captured.offset;
            frame.function.text(&captured.function);
            frame.site.text(&captured.site);
            frame.source = match captured.site.split_once('/') {
                Some(("src", _)) => Source::Application,
                Some(("std" | "core", _)) => Source::Std,
                Some(_) => Source::Dependency,
                None => Source::Unknown,
            };
        }
    }
    stack
}
