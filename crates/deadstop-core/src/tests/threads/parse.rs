//! The files of `/proc`, and what is made of them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::buffer::TextBuffer;
use crate::sys::FileIdentity;
use crate::threads::parse::{self, Link, Syscall};
use crate::threads::{address, format, infer};

#[test]
fn name_and_state_are_parsed_whatever_the_name_contains() {
    assert_eq!(parse::name(b"main\n"), b"main");
    assert_eq!(parse::name(b"a) R (b\n\n"), b"a) R (b\n");
    assert_eq!(parse::name(b"\n"), b"");
    assert_eq!(parse::name(b""), b"");
    for comm in ["main", "a b", "a) R 1", ") Z (", "\n", "", ") R "] {
        let stat = format!("4242 ({comm}) S 1 2 3 0 -1 4194304 0 0 0 0 5 6 0\n");
        assert_eq!(parse::state(stat.as_bytes()), b'S', "{comm:?}");
    }
}

#[test]
fn malformed_stat_has_no_state() {
    for stat in [
        "",
        "4242",
        "4242 (main)",
        "4242 (main) ",
        "4242 (main) 7 1",
        "S",
    ] {
        assert_eq!(parse::state(stat.as_bytes()), b'?', "{stat:?}");
    }
}

#[test]
fn wait_channel_is_an_identifier_or_empty() {
    assert_eq!(parse::wait_channel(b"futex_do_wait"), "futex_do_wait");
    assert_eq!(
        parse::wait_channel(b"do_poll.constprop.0\n"),
        "do_poll.constprop.0"
    );
    for wchan in [&b"0"[..], b"", b"0xffffffff81", b"a b", b"a,", b"\xff"] {
        assert_eq!(parse::wait_channel(wchan), "");
    }
}

#[test]
fn syscall_file_yields_number_and_first_argument() {
    let inside = |number, first| Some(Syscall::Inside { number, first });
    assert_eq!(
        parse::syscall(b"202 0x7f01 0x80 0x2 0x0 0x0 0x0 0x7ffd 0x7f8e\n"),
        inside(202, 0x7f01)
    );
    assert_eq!(parse::syscall(b"running\n"), Some(Syscall::Running));
    assert_eq!(
        parse::syscall(b"-1 0x7ffd 0x7f8e\n"),
        Some(Syscall::Outside)
    );
    for text in [
        &b""[..],
        b"\n",
        b"-2 0x0",
        b"202",
        b"202 7",
        b"x 0x1",
        b"\xff",
    ] {
        assert_eq!(parse::syscall(text), None);
    }
}

#[test]
fn descriptor_link_is_a_path_or_a_kernel_object() {
    for (link, leads) in [
        ("/a (deleted)", Link::Path(b"/a (deleted)")),
        ("/memfd:a (deleted)", Link::Path(b"/memfd:a (deleted)")),
        ("pipe:[7]", Link::Pipe),
        ("socket:[7]", Link::Socket),
        ("anon_inode:[eventfd]", Link::Object(b"eventfd")),
        ("anon_inode:inotify", Link::Object(b"inotify")),
        ("net:[7]", Link::Object(b"net:[7]")),
        ("", Link::Object(b"")),
    ] {
        assert_eq!(parse::link(link.as_bytes()), leads);
    }
}

/// Returns the text about a thread in state `state`.
fn activity(state: u8, wait_channel: &str, syscall: &str) -> String {
    let mut line = TextBuffer::<256>::new();
    let syscall = parse::syscall(syscall.as_bytes());
    format::activity(
        &mut line,
        &infer::activity(state, wait_channel, syscall.as_ref()),
    );
    line.as_str().to_owned()
}

/// A system call in `/proc`'s format.
fn call(number: i64, first: u64) -> String {
    format!("{number} {first:#x} 0x80 0x2 0x0 0x0 0x0 0x7ffd 0x7f8e\n")
}

#[test]
fn state_takes_precedence_over_system_call() {
    let read = call(libc::SYS_read, 5);
    assert_eq!(activity(b'R', "", "running\n"), "runs");
    assert_eq!(activity(b'S', "", "running\n"), "runs");
    assert_eq!(activity(b'T', "", &read), "stopped");
    assert_eq!(activity(b't', "", &read), "stopped");
    assert_eq!(activity(b'Z', "", &read), "ended");
    assert_eq!(activity(b'?', "", &read), "reads from descriptor 5");
    assert_eq!(activity(b'?', "", ""), "not known");
}

#[test]
fn uninterruptible_sleep_is_named_with_its_system_call() {
    let in_sleep = "in uninterruptible sleep";
    assert_eq!(activity(b'D', "io_schedule", ""), in_sleep);
    assert_eq!(
        activity(b'D', "io_schedule", "-1 0x7ffd 0x7f8e\n"),
        in_sleep
    );
    assert_eq!(
        activity(b'D', "kernel_clone", &call(libc::SYS_clone3, 0x7ffd)),
        format!("{in_sleep}, in clone3")
    );
    assert_eq!(
        activity(b'D', "jbd2_log_wait_commit", &call(libc::SYS_fsync, 7)),
        format!("{in_sleep}, in fsync on descriptor 7")
    );
    assert_eq!(
        activity(b'D', "", &call(4000, 7)),
        format!("{in_sleep}, in system call 4000")
    );
}

#[test]
fn system_call_says_what_the_thread_waits_for() {
    let waits = |number, first| activity(b'S', "", &call(number, first));
    assert_eq!(
        waits(libc::SYS_futex, 0x7f01),
        "waits (lock, channel, condition or join)"
    );
    assert_eq!(waits(libc::SYS_recvfrom, 5), "reads from descriptor 5");
    assert_eq!(waits(libc::SYS_sendto, 5), "writes to descriptor 5");
    assert_eq!(waits(libc::SYS_clock_nanosleep, 0), "sleeps");
    assert_eq!(waits(libc::SYS_waitid, 0), "waits for a child process");
    assert_eq!(waits(libc::SYS_rt_sigtimedwait, 0), "waits for a signal");
    assert_eq!(waits(libc::SYS_ppoll, 0x7f01), "polls");
    assert_eq!(waits(libc::SYS_flock, 5), "in flock on descriptor 5");
    assert_eq!(waits(libc::SYS_msync, 5), "in msync");
    // The lower half of the register is the argument; this is `AT_FDCWD`.
    assert_eq!(waits(libc::SYS_openat, 0xffff_ff9c), "in openat");
    assert_eq!(waits(libc::SYS_openat, 0xffff_ffff_ffff_ff9c), "in openat");
    assert_eq!(
        waits(libc::SYS_read, 0x7f01_0000_0005),
        "reads from descriptor 5"
    );
    assert_eq!(waits(4000, 5), "in system call 4000");
}

#[test]
fn wait_channel_decides_when_the_system_call_is_unknown() {
    for (wait_channel, said) in [
        ("futex_do_wait", "waits (lock, channel, condition or join)"),
        (
            "futex_wait_queue_me",
            "waits (lock, channel, condition or join)",
        ),
        ("anon_pipe_read", "reads"),
        ("pipe_write", "writes"),
        ("hrtimer_nanosleep", "sleeps"),
        ("do_nanosleep", "sleeps"),
        ("do_wait", "waits for a child process"),
        ("do_sigtimedwait", "waits for a signal"),
        ("ep_poll", "polls"),
        ("do_poll.constprop.0", "polls"),
        ("do_select", "polls"),
        ("n_tty_read", "reads"),
        ("wait_woken", "not known"),
        ("", "not known"),
    ] {
        assert_eq!(activity(b'S', wait_channel, ""), said, "{wait_channel}");
        assert_eq!(
            activity(b'S', wait_channel, "-1 0x7ffd 0x7f8e\n"),
            said,
            "{wait_channel}"
        );
    }
    // After a stop, the kernel shows another call than the first.
    let resumed = call(libc::SYS_restart_syscall, 0);
    assert_eq!(activity(b'S', "hrtimer_nanosleep", &resumed), "sleeps");
    assert_eq!(activity(b'S', "wait_woken", &resumed), "in restart_syscall");
    // A system call that is newer than the table.
    assert_eq!(
        activity(b'S', "futex_do_wait", &call(4000, 5)),
        "waits (lock, channel, condition or join)"
    );
}

fn written(bytes: &[u8]) -> Option<String> {
    let mut line = TextBuffer::<64>::new();
    address::address(&mut line, bytes)?;
    Some(line.as_str().to_owned())
}

/// An address as the kernel writes it.
fn as_the_kernel(address: SocketAddr) -> Vec<u8> {
    let (family, flow, ip) = match address {
        SocketAddr::V4(v4) => (libc::AF_INET, vec![], v4.ip().octets().to_vec()),
        SocketAddr::V6(v6) => (libc::AF_INET6, vec![0; 4], v6.ip().octets().to_vec()),
    };
    let family = (family as u16).to_ne_bytes().to_vec();
    let port = address.port().to_be_bytes().to_vec();
    [family, port, flow, ip, vec![0; 4]].concat()
}

#[test]
fn unix_address_is_a_path_or_an_abstract_name() {
    let unix = |rest: &[u8]| [&1_u16.to_ne_bytes()[..], rest].concat();
    let longest = format!("/{}", "x".repeat(106));
    assert_eq!(written(&unix(b"/run/x\0")).as_deref(), Some("/run/x"));
    assert_eq!(written(&unix(b"\0name")).as_deref(), Some("@name"));
    assert_eq!(
        written(&unix(longest.as_bytes())).as_deref(),
        Some(&*format!("...{}", "x".repeat(61)))
    );
    // Between characters, of two bytes each.
    let longest = format!("/{}", "é".repeat(53));
    assert_eq!(
        written(&unix(longest.as_bytes())),
        Some(format!("...{}", "é".repeat(30)))
    );
    assert_eq!(written(&unix(b"/\xff/")).as_deref(), Some("/\u{fffd}/"));
    assert_eq!(written(&unix(b"")), None);
    assert_eq!(written(&16_u16.to_ne_bytes()), None);
    assert_eq!(written(b""), None);
}

proptest! {
    #[test]
    fn address_is_formatted_as_std_formats_it(
        v4: [u8; 4],
        v6 in prop::array::uniform8(prop_oneof![Just(0), any::<u16>()]),
        port: u16,
    ) {
        let mapped = Ipv4Addr::from(v4).to_ipv6_mapped();
        for ip in [Ipv4Addr::from(v4).into(), Ipv6Addr::from(v6).into(), mapped.into()] {
            let address = SocketAddr::new(ip, port);
            prop_assert_eq!(written(&as_the_kernel(address)), Some(address.to_string()));
        }
    }

    #[test]
    fn state_is_found_after_any_name(comm in vec(any::<u8>(), 0..16), state in b'A'..=b'Z') {
        let mut stat = b"4242 (".to_vec();
        stat.extend(&comm);
        stat.extend(b") ");
        stat.push(state);
        stat.extend(b" 1 4242 4242 0 -1 4194304\n");
        prop_assert_eq!(parse::state(&stat), state);
    }

    #[test]
    fn arbitrary_bytes_are_parsed_without_a_panic(bytes in vec(any::<u8>(), 0..300), state: u8) {
        let found = parse::state(&bytes);
        prop_assert!(found == b'?' || found.is_ascii_alphabetic());
        let wait_channel = parse::wait_channel(&bytes);
        prop_assert!(!wait_channel.contains([',', ' ', '"', '\n']));
        let activity = infer::activity(state, wait_channel, parse::syscall(&bytes).as_ref());
        let mut line = TextBuffer::<64>::new();
        format::activity(&mut line, &activity);
        prop_assert!(!line.as_str().is_empty());
        let _ = address::address(&mut line, &bytes);
        prop_assert!(str::from_utf8(line.as_bytes()).is_ok());
        prop_assert!(bytes.starts_with(parse::name(&bytes)));
    }

    #[test]
    fn syscall_file_parses_back(number in 0_i64.., first: u64) {
        let read = parse::syscall(call(number, first).as_bytes());
        prop_assert_eq!(read, Some(Syscall::Inside { number, first }));
    }
}

#[test]
fn holder_of_a_file_lock_is_read_from_the_list_of_locks() {
    use parse::LockKind::{Fcntl, Flock};

    let file = |major, minor, inode| FileIdentity {
        major,
        minor,
        inode,
    };

    let locks = b"1: FLOCK  ADVISORY  WRITE 711 fe:00:326279 0 EOF\n\
                  1: FLOCK  ADVISORY  WRITE 710 fe:00:42 0 EOF\n\
                  2: -> POSIX  ADVISORY  WRITE 712 fe:00:42 0 EOF\n\
                  2: POSIX  ADVISORY  READ  713 fe:00:42 0 9\n\
                  3: OFDLCK ADVISORY  WRITE -1 fe:00:43 0 EOF\n";
    assert_eq!(
        parse::lock_holder(locks, Flock, file(0xfe, 0, 326_279)),
        Some(711)
    );
    assert_eq!(
        parse::lock_holder(locks, Fcntl, file(0xfe, 0, 42)),
        Some(713)
    );
    assert_eq!(
        parse::lock_holder(locks, Flock, file(0xfe, 0, 42)),
        Some(710)
    );
    assert_eq!(
        parse::lock_holder(locks, Fcntl, file(0xfe, 0, 43)),
        Some(-1)
    );
    assert_eq!(parse::lock_holder(locks, Fcntl, file(0xfe, 1, 42)), None);
    assert_eq!(
        parse::lock_holder(b"1: POSIX ADVISORY", Fcntl, file(0, 0, 0)),
        None
    );
}
