//! A thread in words, and back.

use std::time::Duration;

use proptest::option;
use proptest::prelude::*;

use crate::kill_path::{Call, Census, Descriptor, Doing, Kind, Line, Thread, words};

fn line<const N: usize>(text: &str) -> Line<N> {
    let mut line = Line::new();
    line.text(text);
    line
}

fn text(thread: &Thread) -> String {
    let mut line = Line::<1024>::new();
    words::thread(&mut line, thread);
    line.as_str().to_owned()
}

fn doing(doing: Doing) -> String {
    let mut line = Line::<1024>::new();
    words::doing(&mut line, &doing);
    line.as_str().to_owned()
}

fn descriptor(number: i32, kind: Kind, detail: &str) -> Option<Descriptor> {
    Some(Descriptor {
        number,
        kind,
        detail: line(detail),
    })
}

#[test]
fn a_thread_is_said_as_the_report_has_it() {
    let mut thread = Thread {
        tid: 4242,
        name: line("flush the log"),
        state: b'S',
        place: line("futex_do_wait"),
        doing: Doing::WaitsForLock,
        cpu: Some(Duration::from_millis(9_440)),
        busy: Some(97),
    };
    assert_eq!(
        text(&thread),
        r#"4242 "flush the log" S futex_do_wait, waits for a lock, 9.4 s of CPU, 97 % busy"#
    );
    thread.busy = None;
    thread.place.clear();
    assert_eq!(
        text(&thread),
        r#"4242 "flush the log" S -, waits for a lock, 9.4 s of CPU"#
    );
    thread.cpu = None;
    thread.state = b'R';
    thread.doing = Doing::Runs;
    assert_eq!(text(&thread), r#"4242 "flush the log" R running, runs"#);
    thread.state = b'?';
    thread.name.clear();
    thread.doing = Doing::Unknown;
    assert_eq!(text(&thread), r#"4242 "" ? -, not known"#);
}

#[test]
fn each_doing_has_its_words() {
    let call = |name| Call { number: 318, name };
    let pipe = || descriptor(5, Kind::Pipe, "");
    for (is, said) in [
        (Doing::Runs, "runs"),
        (Doing::WaitsForLock, "waits for a lock"),
        (Doing::Reads(pipe()), "reads from descriptor 5 (pipe)"),
        (Doing::Reads(None), "reads"),
        (
            Doing::Writes(descriptor(6, Kind::File, "/var/log/a (\"b\")\n")),
            r#"writes to descriptor 6 (file "/var/log/a (\"b\")\n")"#,
        ),
        (
            Doing::Writes(descriptor(6, Kind::Unknown, "")),
            "writes to descriptor 6",
        ),
        (Doing::Writes(None), "writes"),
        (Doing::Sleeps, "sleeps"),
        (Doing::WaitsForChild, "waits for a child process"),
        (Doing::WaitsForSignal, "waits for a signal"),
        (Doing::Polls, "polls"),
        (
            Doing::Calls {
                call: call("connect"),
                descriptor: descriptor(7, Kind::Socket, "tcp at 127.0.0.1:80"),
            },
            r#"in connect on descriptor 7 (socket "tcp at 127.0.0.1:80")"#,
        ),
        (
            Doing::Calls {
                call: call(""),
                descriptor: None,
            },
            "in system call 318",
        ),
        (
            Doing::Uninterruptible {
                call: Some(call("fsync")),
                descriptor: descriptor(7, Kind::Closed, ""),
            },
            "in uninterruptible sleep, in fsync on descriptor 7 (closed)",
        ),
        (
            Doing::Uninterruptible {
                call: None,
                descriptor: None,
            },
            "in uninterruptible sleep",
        ),
        (Doing::Stopped, "stopped"),
        (Doing::Ended, "ended"),
        (Doing::Unknown, "not known"),
    ] {
        assert_eq!(doing(is), said);
    }
}

#[test]
fn a_census_lists_as_many_as_there_is_room_for() {
    let mut census = Box::new(Census::empty());
    for tid in 1..=40 {
        let mut thread = Thread::empty();
        thread.tid = tid;
        census.list_for_test(thread);
    }
    let listed: Vec<_> = census.threads().map(|thread| thread.tid).collect();
    assert_eq!(listed, (1..=32).collect::<Vec<_>>());
    assert_eq!(census.of(32).map(|thread| thread.tid), Some(32));
    assert!(census.of(33).is_none());
    // A place that is not taken is nobody's.
    assert!(Census::empty().of(0).is_none());
}

/// Reads a quoted text, and returns what is behind it: by the grammar at the
/// head of `words.rs`, and by nothing else.
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

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(vec![
        Kind::Pipe,
        Kind::Socket,
        Kind::File,
        Kind::Directory,
        Kind::Terminal,
        Kind::Device,
        Kind::Disk,
        Kind::Object,
        Kind::Closed,
    ])
}

proptest! {
    #[test]
    fn what_is_said_of_a_thread_can_be_read_back(
        tid in 1_i32..,
        name in ".{0,15}",
        (fd, kind, detail) in (0_i32.., any_kind(), ".{0,20}"),
        busy in option::of(0_u8..=100),
    ) {
        let thread = Thread {
            tid,
            name: line(&name),
            state: b'S',
            place: line("anon_pipe_write"),
            doing: Doing::Writes(descriptor(fd, kind, &detail)),
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
