//! Made-up contents of a report: any that there can be, and small ones for one test each.

use std::collections::HashSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::cause::Cause;
use crate::cause_text::cause_text;
use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{Facts, Kind, Repeats, Shares, Still, json};
use deadstop_core::roster::{Entry, Roster};
use deadstop_core::stack::{Captured, Source, Stack};
use deadstop_core::threads::{
    Activity, Blocker, Descriptor, DescriptorKind, Hold, SystemCall, Thread, ThreadTable,
};

pub(super) const SIZE: usize = 64 * 1024;

/// A task as a program may register it.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) name: String,
    pub(super) phase: String,
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) started: u64,
    pub(super) budget: Duration,
    pub(super) tid: i32,
    pub(super) says: String,
    /// 0 runs, 1 is abandoned, 2 is done, 3 has failed, 4 is late.
    pub(super) fate: u8,
}

/// A thread: its number, name, state and place; what it does, and to what; its
/// processor time, and how busy it is.
pub(super) type ThreadFields = (
    i32,
    String,
    u8,
    String,
    u8,
    String,
    Option<Duration>,
    Option<u8>,
);

/// A stack: of which thread, how it went, and its frames.
pub(super) type StackFields = (i32, u8, Vec<(usize, String, u64, String, String)>);

/// Everything that can be in a report.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) status: bool,
    pub(super) begun: Option<u64>,
    pub(super) at: Option<u64>,
    pub(super) cause: Option<String>,
    pub(super) running: Vec<Registered>,
    pub(super) waiting: Vec<Registered>,
    pub(super) phases: Vec<(String, u64, u64, Option<u64>)>,
    /// Heartbeats that are stalled: the phase is the policy.
    pub(super) stalls: Vec<Registered>,
    pub(super) threads: Vec<ThreadFields>,
    pub(super) total: u32,
    pub(super) refused: i32,
    pub(super) stacks: Vec<StackFields>,
}

/// Any text at all, with a liking for what has a meaning in the format.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        "[a-z_]{1,8}",
        prop::sample::select(vec![
            "\"",
            "\\",
            "\n",
            "\t",
            "\u{1b}[2J",
            ", ",
            " (",
            ")",
            ";",
            "; says \"",
            ":41",
            "+0x1f",
            " of CPU",
            ", 0.1 s of CPU",
            " ago; grace ",
            "deadstop: ",
            "no end",
            "é",
            "…",
            "#0 ",
            " at ",
            " waiting, ",
            ", thread 1",
        ])
        .prop_map(String::from),
    ];
    vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// A cause, in words.
fn cause() -> impl Strategy<Value = String> {
    let texts = (any_text(), any_text(), prop::option::of(any_text()));
    texts.prop_map(|(message, location, thread)| {
        let cause = match message.len() % 2 {
            0 => Cause::requested(message),
            _ => Cause::Panicked {
                thread,
                message,
                location,
            },
        };
        cause_text(&cause).as_str().to_owned()
    })
}

/// Names as the kernel's functions have them.
fn identifier() -> impl Strategy<Value = String> {
    "[a-z_][a-z0-9_.]{0,20}"
}

fn time() -> impl Strategy<Value = u64> {
    prop_oneof![0..200_u64, any::<u64>()]
        .prop_map(|tenths| tenths.saturating_mul(100_000_000).min(Nanos::LAST.0))
}

fn length() -> impl Strategy<Value = Duration> {
    prop_oneof![
        (0..2_000_000_u64).prop_map(Duration::from_millis),
        any::<u64>().prop_map(Duration::from_nanos),
    ]
}

fn registered() -> impl Strategy<Value = Registered> {
    let texts = (any_text(), any_text(), any_text(), any_text());
    let rest = (any::<u32>(), time(), length(), -1..6_i32, 0..5_u8);
    (texts, rest).prop_map(|((name, phase, file, says), rest)| {
        let (line, started, budget, tid, fate) = rest;
        Registered {
            name,
            phase,
            file,
            line,
            started,
            budget,
            tid,
            says,
            fate,
        }
    })
}

pub(super) fn scene() -> impl Strategy<Value = Scene> {
    let thread = (
        1..6_i32,
        any_text(),
        prop::sample::select(b"RSDTtZX?".to_vec()),
        prop_oneof![Just(String::new()), identifier()],
        0..16_u8,
        any_text(),
        prop::option::of(length()),
        prop::option::of(0..=100_u8),
    );
    let frame = (
        any::<usize>(),
        any_text(),
        any::<u64>(),
        any_text(),
        any_text(),
    );
    let stack = (1..6_i32, 0..6_u8, vec(frame, 0..30));
    let phase = (any_text(), time(), time(), prop::option::of(time()));
    let clock = (
        any::<bool>(),
        prop::option::of(time()),
        prop::option::of(time()),
    );
    let policy = prop::sample::select(vec!["report", "not_alive", "shutdown"]);
    let stall = (registered(), policy).prop_map(|(beat, policy)| Registered {
        phase: policy.into(),
        ..beat
    });
    let tables = (
        vec(registered(), 0..6),
        vec(registered(), 0..4),
        vec(phase, 0..4),
        // One stall more than the table has places.
        vec(stall, 0..10),
    );
    let threads = (vec(thread, 0..6), 0..2000_u32, 0..40_i32, vec(stack, 0..4));
    (clock, prop::option::of(cause()), tables, threads).prop_map(
        |((status, begun, at), cause, (running, waiting, phases, stalls), threads)| {
            let (threads, total, refused, mut stacks) = threads;
            // A thread is asked once.
            let mut asked = HashSet::new();
            stacks.retain(|(tid, ..): &StackFields| asked.insert(*tid));
            Scene {
                status,
                begun,
                // Only a status report may come without a deadline.
                at: at.or((!status).then_some(20_000_000_000)),
                cause,
                running,
                waiting,
                phases,
                stalls,
                threads,
                total,
                refused,
                stacks,
            }
        },
    )
}

/// Makes the facts of a report with the contents of `scene`, and calls `look` with them.
pub(super) fn with_facts<T>(scene: &Scene, look: impl FnOnce(&Facts<'_>) -> T) -> T {
    // Tables hand out places for good.
    let roster: &'static Roster = Box::leak(Box::new(Roster::empty()));
    for task in &scene.running {
        let place = roster.running.add(&entry(task));
        if let Some(place) = place {
            place.set_thread(task.tid);
            place.set_progress(&task.says);
            if [1, 4].contains(&task.fate) {
                place.mark_abandoned();
            }
        }
        if task.fate > 1 {
            let ended = Nanos(task.started).saturating_add(Duration::from_secs(1));
            roster.running.finish(place, ended, task.fate == 3);
        }
    }
    for task in &scene.waiting {
        roster.pending.add(&entry(task));
    }
    for beat in &scene.stalls {
        if let Some(place) = roster.stalls.add(&entry(beat)) {
            place.set_thread(beat.tid);
        }
    }
    for (name, started, ends, ended) in &scene.phases {
        roster.phases.begin(name, Nanos(*started), Nanos(*ends));
        if let Some(ended) = ended {
            roster.phases.end(Nanos(*ended));
        }
    }
    let mut threads = Box::new(ThreadTable::empty());
    for (tid, name, state, place, doing, detail, cpu, busy) in &scene.threads {
        threads.list_for_test(Thread {
            tid: *tid,
            name: line(name),
            state: *state,
            wait_channel: line(place),
            activity: self::doing(*doing, detail),
            call: None,
            lock_address: match tid {
                16..=18 => 0x1000,
                19 | 20 => 0x2000,
                _ => 0,
            },
            blocker: blocker(*tid, name),
            cpu: *cpu,
            busy: *busy,
        });
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

fn doing(kind: u8, detail: &str) -> Activity {
    let kinds = [
        DescriptorKind::Pipe,
        DescriptorKind::File,
        DescriptorKind::Closed,
        DescriptorKind::Unknown,
    ];
    let descriptor = || Descriptor {
        number: i32::from(kind),
        kind: kinds[usize::from(kind) % kinds.len()],
        detail: line(detail),
    };
    let call = |name| SystemCall { number: 318, name };
    match kind {
        0 => Activity::Runs,
        1 => Activity::WaitsForLock,
        2 => Activity::Reads(Some(descriptor())),
        3 => Activity::Reads(None),
        4 => Activity::Writes(Some(descriptor())),
        5 => Activity::Sleeps,
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

fn stack((tid, captured, frames): &StackFields) -> Stack {
    let mut stack = Stack::empty();
    stack.clear(*tid);
    stack.captured = match captured {
        0 => Captured::Blocked,
        1 => Captured::Gone,
        2 => Captured::NoAnswer,
        3 => Captured::NotAsked,
        4 => Captured::SignalTaken,
        _ => Captured::Yes,
    };
    for (address, module, offset, function, site) in frames {
        if let Some(frame) = stack.push(*address) {
            frame.module.text(module);
            frame.offset = *offset;
            frame.function.text(function);
            frame.site.text(site);
            frame.source = match site.split_once('/') {
                Some(("src", _)) => Source::Application,
                Some(("std" | "core", _)) => Source::Std,
                Some(_) => Source::Dependency,
                None => Source::Unknown,
            };
        }
    }
    stack
}

/// The JSON that the library writes of `scene`.
pub(super) fn rendered(scene: &Scene) -> String {
    let mut object = Box::new(TextBuffer::<SIZE>::new());
    with_facts(scene, |facts| json(&mut object, facts));
    object.as_str().to_owned()
}

/// Two tasks that hang, the later one on thread 7, and one on thread 8 that is
/// over; threads 7, 8 and 9 are listed, of 12.
pub(super) fn one_task_on_a_listed_thread() -> Scene {
    let task = |name: &str, started: u64, budget, tid, fate| Registered {
        name: name.to_owned(),
        phase: "flush".to_owned(),
        file: "src/main.rs".to_owned(),
        line: 1,
        started: started * 1_000_000_000,
        budget,
        tid,
        says: String::new(),
        fate,
    };
    let thread = |tid| {
        let (name, nothing) = ("t".to_owned(), String::new());
        (tid, name, b'S', nothing.clone(), 5, nothing, None, None)
    };
    Scene {
        status: false,
        begun: Some(1_000_000_000),
        at: Some(20_000_000_000),
        cause: None,
        running: vec![
            task("with a thread", 3, Duration::from_millis(2500), 7, 0),
            task("without", 2, Duration::MAX, 0, 0),
            task("over", 4, Duration::MAX, 8, 2),
        ],
        waiting: Vec::new(),
        phases: Vec::new(),
        stalls: Vec::new(),
        threads: [7, 8, 9].map(thread).to_vec(),
        total: 12,
        refused: 0,
        stacks: Vec::new(),
    }
}
