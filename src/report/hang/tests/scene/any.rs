//! Any contents that a report can have.

use std::collections::HashSet;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{BegunPhase, CapturedFrame, CapturedStack, Fate, ListedThread, Registered, Scene};
use crate::cause::Cause;
use crate::cause_text::cause_text;
use deadstop_core::Nanos;
use deadstop_core::stack::Captured;

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
    let rest = (any::<u32>(), time(), length(), -1..6_i32, fate());
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

fn fate() -> impl Strategy<Value = Fate> {
    use Fate::{Abandoned, Done, Failed, Late, Runs};
    prop::sample::select(vec![Runs, Abandoned, Done, Failed, Late])
}

fn captured() -> impl Strategy<Value = Captured> {
    prop::sample::select(vec![
        Captured::Blocked,
        Captured::Gone,
        Captured::NoAnswer,
        Captured::NotAsked,
        Captured::SignalTaken,
        Captured::Unavailable,
        Captured::Yes,
    ])
}

fn thread() -> impl Strategy<Value = ListedThread> {
    let fields = (
        1..6_i32,
        any_text(),
        prop::sample::select(b"RSDTtZX?".to_vec()),
        prop_oneof![Just(String::new()), identifier()],
        0..16_u8,
        any_text(),
        prop::option::of(length()),
        prop::option::of(0..=100_u8),
    );
    fields.prop_map(
        |(tid, name, state, wait_channel, doing, detail, cpu, busy)| ListedThread {
            tid,
            name,
            state,
            wait_channel,
            doing,
            detail,
            cpu,
            busy,
        },
    )
}

fn stack() -> impl Strategy<Value = CapturedStack> {
    let frame = (
        any::<usize>(),
        any_text(),
        any::<u64>(),
        any_text(),
        any_text(),
    );
    let frame = frame.prop_map(|(address, module, offset, function, site)| CapturedFrame {
        address,
        module,
        offset,
        function,
        site,
    });
    let fields = (1..6_i32, captured(), vec(frame, 0..30));
    fields.prop_map(|(tid, captured, frames)| CapturedStack {
        tid,
        captured,
        frames,
    })
}

fn phase() -> impl Strategy<Value = BegunPhase> {
    let fields = (any_text(), time(), time(), prop::option::of(time()));
    fields.prop_map(|(name, started, ends, ended)| BegunPhase {
        name,
        started,
        ends,
        ended,
    })
}

/// Any contents that a report can have.
pub(in super::super) fn scene() -> impl Strategy<Value = Scene> {
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
        vec(phase(), 0..4),
        // One stall more than the table has slots.
        vec(stall, 0..10),
    );
    let threads = (
        vec(thread(), 0..6),
        0..2000_u32,
        0..40_i32,
        vec(stack(), 0..4),
    );
    (clock, prop::option::of(cause()), tables, threads).prop_map(
        |((status, begun, at), cause, (running, waiting, phases, stalls), threads)| {
            let (threads, total, refused, mut stacks) = threads;
            // A thread is asked once.
            let mut asked = HashSet::new();
            stacks.retain(|stack: &CapturedStack| asked.insert(stack.tid));
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
