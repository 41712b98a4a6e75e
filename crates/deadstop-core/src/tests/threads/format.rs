//! A thread in format, and back.

use std::time::Duration;

use proptest::option;
use proptest::prelude::*;

use crate::buffer::TextBuffer;
use crate::threads::{
    Activity, Blocker, Descriptor, DescriptorKind, SystemCall, Thread, ThreadTable, format,
};

fn line<const N: usize>(text: &str) -> TextBuffer<N> {
    let mut line = TextBuffer::new();
    line.text(text);
    line
}

fn text(thread: &Thread) -> String {
    let mut line = TextBuffer::<1024>::new();
    format::thread(&mut line, thread);
    line.as_str().to_owned()
}

fn activity(activity: Activity) -> String {
    let mut line = TextBuffer::<1024>::new();
    format::activity(&mut line, &activity);
    line.as_str().to_owned()
}

fn descriptor(number: i32, kind: DescriptorKind, detail: &str) -> Option<Descriptor> {
    Some(Descriptor {
        number,
        kind,
        detail: line(detail),
    })
}

#[test]
fn thread_is_formatted_with_its_known_fields() {
    let mut thread = Thread {
        tid: 4242,
        name: line("flush the log"),
        is_own: false,
        state: b'S',
        wait_channel: line("futex_do_wait"),
        activity: Activity::WaitsForLock,
        call: None,
        lock_address: 0,
        blocker: Blocker::Unknown,
        cpu: Some(Duration::from_millis(9_440)),
        busy: Some(97),
    };
    assert_eq!(
        text(&thread),
        r#"4242 "flush the log" S futex_do_wait, waits (lock, channel, condition or join), 9.4 s of CPU, 97 % busy"#
    );
    thread.busy = None;
    thread.wait_channel.clear();
    assert_eq!(
        text(&thread),
        r#"4242 "flush the log" S -, waits (lock, channel, condition or join), 9.4 s of CPU"#
    );
    thread.cpu = None;
    thread.state = b'R';
    thread.activity = Activity::Runs;
    assert_eq!(text(&thread), r#"4242 "flush the log" R running, runs"#);
    thread.state = b'?';
    thread.name.clear();
    thread.activity = Activity::Unknown;
    assert_eq!(text(&thread), r#"4242 "" ? -, not known"#);
}

#[test]
fn each_activity_has_its_words() {
    let call = |name| SystemCall { number: 318, name };
    let pipe = || descriptor(5, DescriptorKind::Pipe, "");
    for (is, said) in [
        (Activity::Runs, "runs"),
        (
            Activity::WaitsForLock,
            "waits (lock, channel, condition or join)",
        ),
        (Activity::Reads(pipe()), "reads from descriptor 5 (pipe)"),
        (Activity::Reads(None), "reads"),
        (
            Activity::Writes(descriptor(6, DescriptorKind::File, "/var/log/a (\"b\")\n")),
            r#"writes to descriptor 6 (file "/var/log/a (\"b\")\n")"#,
        ),
        (
            Activity::Writes(descriptor(6, DescriptorKind::Unknown, "")),
            "writes to descriptor 6",
        ),
        (Activity::Writes(None), "writes"),
        (Activity::Sleeps, "sleeps"),
        (Activity::WaitsForChild, "waits for a child process"),
        (Activity::WaitsForSignal, "waits for a signal"),
        (Activity::Polls, "polls"),
        (
            Activity::Calls {
                call: call("connect"),
                descriptor: descriptor(7, DescriptorKind::Socket, "tcp at 127.0.0.1:80"),
                path: TextBuffer::new(),
            },
            r#"in connect on descriptor 7 (socket "tcp at 127.0.0.1:80")"#,
        ),
        (
            Activity::Calls {
                call: call(""),
                descriptor: None,
                path: TextBuffer::new(),
            },
            "in system call 318",
        ),
        (
            Activity::Uninterruptible {
                call: Some(call("fsync")),
                descriptor: descriptor(7, DescriptorKind::Closed, ""),
            },
            "in uninterruptible sleep, in fsync on descriptor 7 (closed)",
        ),
        (
            Activity::Uninterruptible {
                call: None,
                descriptor: None,
            },
            "in uninterruptible sleep",
        ),
        (Activity::Stopped, "stopped"),
        (Activity::Ended, "ended"),
        (Activity::Unknown, "not known"),
    ] {
        assert_eq!(activity(is), said);
    }
}

#[test]
fn table_lists_the_first_64_threads() {
    let mut table = Box::new(ThreadTable::empty());
    for tid in 1..=70 {
        let mut thread = Thread::empty();
        thread.tid = tid;
        table.list_for_test(thread);
    }
    let listed: Vec<_> = table.iter().map(|thread| thread.tid).collect();
    assert_eq!(listed, (1..=64).collect::<Vec<_>>());
    assert_eq!(table.find(64).map(|thread| thread.tid), Some(64));
    assert!(table.find(65).is_none());
    // A slot that is not taken belongs to no thread.
    assert!(ThreadTable::empty().find(0).is_none());
}

/// Reads a quoted text, and returns what is behind it: by the grammar at the
/// head of `format.rs`, and by nothing else.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut chars = text.strip_prefix('"')?.chars();
    let mut read = String::new();
    loop {
        read.push(match chars.next()? {
            '"' => return Some((read, chars.as_str())),
            '\\' => match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let (hex, rest) = chars.as_str().strip_prefix('{')?.split_once('}')?;
                    chars = rest.chars();
                    char::from_u32(u32::from_str_radix(hex, 16).ok()?)?
                }
                c @ ('"' | '\\') => c,
                _ => return None,
            },
            c if c.is_control() => return None,
            c => c,
        });
    }
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    Some((digits.parse().ok()?, rest))
}

fn any_kind() -> impl Strategy<Value = DescriptorKind> {
    prop::sample::select(vec![
        DescriptorKind::Pipe,
        DescriptorKind::Socket,
        DescriptorKind::File,
        DescriptorKind::Directory,
        DescriptorKind::Terminal,
        DescriptorKind::Device,
        DescriptorKind::Disk,
        DescriptorKind::Object,
        DescriptorKind::Closed,
    ])
}

proptest! {
    #[test]
    fn formatted_thread_parses_back(
        tid in 1_i32..,
        name in ".{0,15}",
        (fd, kind, detail) in (0_i32.., any_kind(), ".{0,20}"),
        busy in option::of(0_u8..=100),
    ) {
        let thread = Thread {
            tid,
            name: line(&name),
            is_own: false,
            state: b'S',
            wait_channel: line("anon_pipe_write"),
            activity: Activity::Writes(descriptor(fd, kind, &detail)),
            call: None,
            lock_address: 0,
            blocker: Blocker::Unknown,
            cpu: Some(Duration::from_millis(1_300)),
            busy,
        };
        let mut kept = line::<45>("");
        kept.text(&name);
        let mut kept_detail = line::<64>("");
        kept_detail.text(&detail);

        let said = text(&thread);
        let (read, rest) = number(&said).unwrap();
        prop_assert_eq!(read, tid as u64);
        let (read, rest) = unquote(rest.strip_prefix(' ').unwrap()).unwrap();
        prop_assert_eq!(read, kept.as_str());
        let rest = rest.strip_prefix(" S anon_pipe_write, writes to descriptor ").unwrap();
        let (read, rest) = number(rest).unwrap();
        prop_assert_eq!(read, fd as u64);
        let rest = rest.strip_prefix(" (").unwrap().strip_prefix(kind.word()).unwrap();
        let (read, rest) = match rest.strip_prefix(' ') {
            Some(quoted) => unquote(quoted).unwrap(),
            None => (String::new(), rest),
        };
        prop_assert_eq!(read, kept_detail.as_str());
        let rest = rest.strip_prefix("), 1.3 s of CPU").unwrap();
        let read = rest.strip_prefix(", ").map(|rest| number(rest).unwrap());
        prop_assert_eq!(read, busy.map(|busy| (u64::from(busy), " % busy")));
    }
}
