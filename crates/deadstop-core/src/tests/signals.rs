//! Sets of signals, and the masks of threads.

use std::fs;
use std::thread;

use libc::{SIGHUP, SIGINT, SIGKILL, SIGSTOP, SIGTERM};

use crate::sys::{SignalMask, SignalSet};

fn set(signals: &[i32]) -> SignalSet {
    let signals = signals.iter();
    signals.fold(SignalSet::EMPTY, |set, signal| set.with(*signal))
}

/// Returns the signals that the calling thread blocks, from the kernel.
fn blocked() -> SignalSet {
    let status = fs::read_to_string("/proc/thread-self/status").expect("it is there");
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigBlk:"));
    let mask = mask.expect("every thread has one").trim();
    SignalSet::from_bits(u64::from_str_radix(mask, 16).expect("a number"))
}

fn numbers(set: SignalSet) -> Vec<i32> {
    set.numbers().collect()
}

/// Every signal that a thread may block, as far as glibc lets it.
fn all() -> Vec<i32> {
    let may = |signal: &i32| ![SIGKILL, SIGSTOP, 32, 33].contains(signal);
    (1..=64).filter(may).collect()
}

/// On a thread of its own, whose mask no other test needs.
fn aside(body: fn()) {
    thread::spawn(body).join().expect("it returns");
}

#[test]
fn signal_set_contains_the_added_signals() {
    let both = set(&[SIGTERM, SIGINT]);
    assert_eq!(numbers(both), [SIGINT, SIGTERM]);
    assert!(both.has(SIGINT) && both.has(SIGTERM) && !both.has(SIGHUP));
    assert_eq!(both.bits(), 1 << (SIGINT - 1) | 1 << (SIGTERM - 1));
    assert_eq!(numbers(SignalSet::from_bits(both.bits())), numbers(both));
    assert_eq!(
        numbers(both.union(set(&[SIGHUP, SIGINT]))),
        [SIGHUP, SIGINT, SIGTERM]
    );
    assert!(SignalSet::EMPTY.is_empty() && !both.is_empty());
    assert_eq!(numbers(set(&[1, 64])), [1, 64]);
}

#[test]
fn signal_set_ignores_numbers_outside_1_to_64() {
    for signal in [i32::MIN, -1, 0, 65, i32::MAX] {
        assert!(set(&[signal]).is_empty(), "{signal}");
    }
}

#[test]
fn thread_blocks_all_signals_except_the_given_ones() {
    aside(|| {
        let before = SignalMask::block_all();
        assert_eq!(numbers(blocked()), all());
        SignalMask::block_all_except(set(&[SIGTERM]));
        let rest: Vec<_> = all().into_iter().filter(|it| *it != SIGTERM).collect();
        assert_eq!(numbers(blocked()), rest);
        SignalMask::unblock(set(&[SIGINT, SIGHUP]));
        assert_eq!(
            blocked().bits(),
            set(&rest).bits() & !set(&[SIGINT, SIGHUP]).bits()
        );
        SignalMask::block_all_except(set(&[SIGINT]));
        assert!(blocked().has(SIGTERM) && !blocked().has(SIGINT));
        SignalMask::unblock_all();
        assert!(blocked().is_empty());
        before.restore();
        // The thread began with the mask of the thread that started it.
        assert!(!blocked().has(SIGTERM));
    });
}

#[test]
fn restored_mask_blocks_what_it_blocked_before() {
    aside(|| {
        SignalMask::unblock_all();
        let nothing = SignalMask::block(set(&[SIGHUP]));
        assert_eq!(numbers(blocked()), [SIGHUP]);
        let hup = SignalMask::block(set(&[SIGTERM]));
        assert_eq!(numbers(blocked()), [SIGHUP, SIGTERM]);
        let both = SignalMask::current();
        assert_eq!(numbers(blocked()), [SIGHUP, SIGTERM]);
        hup.restore();
        assert_eq!(numbers(blocked()), [SIGHUP]);
        both.restore();
        assert_eq!(numbers(blocked()), [SIGHUP, SIGTERM]);
        nothing.restore();
        assert!(blocked().is_empty());
    });
}
