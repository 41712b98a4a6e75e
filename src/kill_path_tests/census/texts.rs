//! The files of `/proc`, and what is made of them.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::kill_path::parse::{self, Link, Syscall};
use crate::kill_path::{Line, address, infer, words};

#[test]
fn a_name_may_hold_what_it_likes() {
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
fn a_state_that_is_not_there_is_not_known() {
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
fn a_place_is_a_name_or_nothing() {
    assert_eq!(parse::place(b"futex_do_wait"), "futex_do_wait");
    assert_eq!(
        parse::place(b"do_poll.constprop.0\n"),
        "do_poll.constprop.0"
    );
    for wchan in [&b"0"[..], b"", b"0xffffffff81", b"a b", b"a,", b"\xff"] {
        assert_eq!(parse::place(wchan), "");
    }
}

#[test]
fn a_call_is_its_number_and_its_first_argument() {
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
fn a_link_leads_to_a_path_or_to_what_has_none() {
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

/// What is said of a thread in state `state`.
fn doing(state: u8, place: &str, syscall: &str) -> String {
    let mut line = Line::<256>::new();
    let syscall = parse::syscall(syscall.as_bytes());
    words::doing(&mut line, &infer::doing(state, place, syscall.as_ref()));
    line.as_str().to_owned()
}

/// A system call in `/proc`'s words.
fn call(number: i64, first: u64) -> String {
    format!("{number} {first:#x} 0x80 0x2 0x0 0x0 0x0 0x7ffd 0x7f8e\n")
}

#[test]
fn a_state_goes_before_a_call() {
    let read = call(libc::SYS_read, 5);
    assert_eq!(doing(b'R', "", "running\n"), "runs");
    assert_eq!(doing(b'S', "", "running\n"), "runs");
    assert_eq!(doing(b'T', "", &read), "stopped");
    assert_eq!(doing(b't', "", &read), "stopped");
    assert_eq!(doing(b'Z', "", &read), "ended");
    assert_eq!(doing(b'?', "", &read), "reads from descriptor 5");
    assert_eq!(doing(b'?', "", ""), "not known");
}

#[test]
fn a_sleep_that_nothing_ends_is_named_with_its_call() {
    let in_sleep = "in uninterruptible sleep";
    assert_eq!(doing(b'D', "io_schedule", ""), in_sleep);
    assert_eq!(doing(b'D', "io_schedule", "-1 0x7ffd 0x7f8e\n"), in_sleep);
    assert_eq!(
        doing(b'D', "kernel_clone", &call(libc::SYS_clone3, 0x7ffd)),
        format!("{in_sleep}, in clone3")
    );
    assert_eq!(
        doing(b'D', "jbd2_log_wait_commit", &call(libc::SYS_fsync, 7)),
        format!("{in_sleep}, in fsync on descriptor 7")
    );
    assert_eq!(
        doing(b'D', "", &call(4000, 7)),
        format!("{in_sleep}, in system call 4000")
    );
}

#[test]
fn a_call_says_what_is_waited_for() {
    let waits = |number, first| doing(b'S', "", &call(number, first));
    assert_eq!(waits(libc::SYS_futex, 0x7f01), "waits for a lock");
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
fn the_kernels_function_does_where_the_call_is_not_to_be_had() {
    for (place, said) in [
        ("futex_do_wait", "waits for a lock"),
        ("futex_wait_queue_me", "waits for a lock"),
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
        assert_eq!(doing(b'S', place, ""), said, "{place}");
        assert_eq!(doing(b'S', place, "-1 0x7ffd 0x7f8e\n"), said, "{place}");
    }
    // After a stop, the kernel shows another call than the first.
    let resumed = call(libc::SYS_restart_syscall, 0);
    assert_eq!(doing(b'S', "hrtimer_nanosleep", &resumed), "sleeps");
    assert_eq!(doing(b'S', "wait_woken", &resumed), "in restart_syscall");
    // One that is newer than the table.
    assert_eq!(
        doing(b'S', "futex_do_wait", &call(4000, 5)),
        "waits for a lock"
    );
}

fn written(bytes: &[u8]) -> Option<String> {
    let mut line = Line::<64>::new();
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
fn a_local_address_is_a_path_or_a_name() {
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
    fn an_address_is_written_as_std_writes_it(
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
    fn the_state_is_found_behind_any_name(comm in vec(any::<u8>(), 0..16), state in b'A'..=b'Z') {
        let mut stat = b"4242 (".to_vec();
        stat.extend(&comm);
        stat.extend(b") ");
        stat.push(state);
        stat.extend(b" 1 4242 4242 0 -1 4194304\n");
        prop_assert_eq!(parse::state(&stat), state);
    }

    #[test]
    fn no_text_is_too_strange(bytes in vec(any::<u8>(), 0..300), state: u8) {
        let found = parse::state(&bytes);
        prop_assert!(found == b'?' || found.is_ascii_alphabetic());
        let place = parse::place(&bytes);
        prop_assert!(!place.contains([',', ' ', '"', '\n']));
        let doing = infer::doing(state, place, parse::syscall(&bytes).as_ref());
        let mut line = Line::<64>::new();
        words::doing(&mut line, &doing);
        prop_assert!(!line.as_str().is_empty());
        let _ = address::address(&mut line, &bytes);
        prop_assert!(str::from_utf8(line.as_bytes()).is_ok());
        prop_assert!(bytes.starts_with(parse::name(&bytes)));
    }

    #[test]
    fn a_call_is_read_as_it_was_written(number in 0_i64.., first: u64) {
        let read = parse::syscall(call(number, first).as_bytes());
        prop_assert_eq!(read, Some(Syscall::Inside { number, first }));
    }
}
