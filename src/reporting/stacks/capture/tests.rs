//! Captures of real threads of the test process. It gets a handler for `SIGURG`,
//! which no other test uses.

use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::copy::signal_handler;
use super::*;
use crate::lock::{Mutex, MutexGuard};
use crate::reporting::{Log, Outlet, Progress};
use deadstop_core::stack::Captured;
use deadstop_core::sys::{SignalMask, SignalSet, thread_status};

/// Not a measurement: no wait is longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// The signal is the process's, and one test gives it away.
pub(super) fn stacks() -> (MutexGuard<'static, ()>, Stacks) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let one = ONE_AT_A_TIME.lock();
    let stacks = Stacks::prepare();
    assert_eq!(stacks.why_not(), None);
    let log = Log::new(Outlet::new(Progress::Off, false));
    stacks.starting().unwrap().start(&log);
    stacks.refresh(by());
    (one, stacks)
}

fn requester(stacks: &Stacks) -> &Requester {
    stacks.requester.as_ref().unwrap()
}

fn by() -> Nanos {
    deadstop_core::now().saturating_add(PATIENCE)
}

pub(super) fn capture(stacks: &Stacks, tid: c_int) -> Box<Stack> {
    let mut stack = Box::new(Stack::empty());
    stacks.capture(tid, &mut stack, by());
    assert_eq!(stack.tid, tid);
    stack
}

/// Captures until `is_there` says that the thread has come where it is going.
fn capture_when(stacks: &Stacks, tid: c_int, is_there: impl Fn(&Stack) -> bool) -> Box<Stack> {
    let by = by();
    loop {
        let mut stack = capture(stacks, tid);
        stacks.look_up(&mut stack, LookUp::Names, || by);
        stacks.look_up(&mut stack, LookUp::Lines, || by);
        if is_there(&stack) {
            return stack;
        }
        assert!(deadstop_core::now() < by, "not there: {}", text(&stack));
        thread::yield_now();
    }
}

fn start<T: Send + 'static>(life: impl FnOnce() -> T + Send + 'static) -> (c_int, JoinHandle<T>) {
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        sender.send(deadstop_core::tid()).unwrap();
        life()
    });
    (receiver.recv().unwrap(), thread)
}

fn text(stack: &Stack) -> String {
    let mut text = format!("{:?}, {} left out\n", stack.captured, stack.left_out);
    for frame in stack.frames() {
        let (module, function) = (frame.module.as_str(), frame.function.as_str());
        let (call, site) = (frame.is_call, frame.site.as_str());
        let (address, offset) = (frame.address, frame.offset);
        text += &format!("{address:#x} {call} {module}+{offset:#x} {function} at {site}\n");
    }
    text
}

/// Returns `true` if a function whose name ends with `function` is among the frames, at
/// a place in this file.
fn is_in(stack: &Stack, function: &str) -> bool {
    stack.frames().any(|frame| {
        frame.function.as_str().ends_with(function)
            && (frame.site.as_str().contains("/tests.rs:") || !cfg!(debug_assertions))
    })
}

#[inline(never)]
fn spins_until_told(stop: &AtomicBool) {
    let mut n = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        n = black_box(n.wrapping_add(1));
    }
}

#[inline(never)]
fn waits_for_a_lock(lock: &std::sync::Mutex<u32>) -> u32 {
    black_box(*lock.lock().unwrap())
}

#[inline(never)]
fn reads_one_byte(stream: &mut UnixStream) -> io::Result<usize> {
    let read = stream.read(&mut [0; 1]);
    black_box(read)
}

#[inline(never)]
fn calls_itself(depth: u32, inside: &dyn Fn()) -> u32 {
    match depth {
        0 => inside(),
        _ => return black_box(calls_itself(depth - 1, inside)) + 1,
    }
    black_box(depth)
}

#[inline(never)]
fn takes_and_frees(stop: &AtomicBool) -> usize {
    let mut taken = 0;
    while !stop.load(Ordering::Relaxed) {
        let vec = black_box(vec![1_u8; 1 + taken % 100_000]);
        taken = taken.wrapping_add(vec.len());
    }
    taken
}

#[test]
fn thread_that_spins_is_seen_where_it_is() {
    let (_one, stacks) = stacks();
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let (tid, thread) = start(move || spins_until_told(&seen));
    let stack = capture_when(&stacks, tid, |stack| is_in(stack, "spins_until_told"));
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();

    let program = std::env::current_exe().unwrap();
    let program = program.file_name().unwrap().to_str().unwrap();
    let innermost = stack.frames().next().unwrap();
    assert_eq!(innermost.module.as_str(), program, "{}", text(&stack));
    assert!(!innermost.is_call);
    assert!(
        stack.frames().skip(1).all(|frame| frame.is_call),
        "{}",
        text(&stack)
    );
    // Out to where threads begin, which is in libc.
    let outermost = stack.frames().last().unwrap();
    assert_eq!(
        (outermost.module.as_str(), stack.left_out),
        ("libc.so.6", 0),
        "{}",
        text(&stack)
    );
    // Neither the handler nor what the kernel puts under it.
    assert!(!text(&stack).contains("answer") && !text(&stack).contains("restore_rt"));
}

#[test]
fn thread_that_waits_for_a_lock_is_seen_and_gets_it() {
    let (_one, stacks) = stacks();
    let lock = Arc::new(std::sync::Mutex::new(7));
    let held = lock.lock().unwrap();
    let wanted = Arc::clone(&lock);
    let (tid, thread) = start(move || waits_for_a_lock(&wanted));
    let stack = capture_when(&stacks, tid, |stack| {
        is_in(stack, "waits_for_a_lock") && text(stack).contains("libc.so.6")
    });
    assert_eq!(stack.captured, Captured::Yes);
    drop(held);
    assert_eq!(thread.join().unwrap(), 7);
}

#[test]
fn read_that_is_interrupted_still_returns_its_data() {
    let (_one, stacks) = stacks();
    let (mut here, mut there) = UnixStream::pair().unwrap();
    let (tid, thread) = start(move || reads_one_byte(&mut there));
    for _ in 0..10 {
        capture_when(&stacks, tid, |stack| is_in(stack, "reads_one_byte"));
    }
    here.write_all(b"x").unwrap();
    assert_eq!(thread.join().unwrap().unwrap(), 1);
}

#[test]
fn calling_thread_may_ask_for_its_own_and_keeps_its_mask() {
    let (_one, stacks) = stacks();
    let signal = requester(&stacks).signal.number();
    let (_, thread) = start(move || {
        let mask = SignalMask::block(SignalSet::EMPTY.with(signal));
        let tid = deadstop_core::tid();
        let stack = capture(&stacks, tid);
        assert_eq!(stack.captured, Captured::Yes);
        assert!(thread_status(tid).unwrap().blocked.has(signal));
        mask.restore();
    });
    thread.join().unwrap();
}

#[test]
fn thread_that_blocks_the_signal_is_not_asked() {
    let (_one, stacks) = stacks();
    let signal = requester(&stacks).signal.number();
    let (release, is_released) = mpsc::channel();
    let (sender, receiver) = mpsc::channel();
    let (tid, thread) = start(move || {
        SignalMask::block(SignalSet::EMPTY.with(signal));
        sender.send(()).unwrap();
        is_released.recv().unwrap();
    });
    receiver.recv().unwrap();
    assert_eq!(capture(&stacks, tid).captured, Captured::Blocked);
    release.send(()).unwrap();
    thread.join().unwrap();
}

#[test]
fn thread_that_has_ended_is_gone() {
    let (_one, stacks) = stacks();
    let (tid, thread) = start(|| ());
    thread.join().unwrap();
    // `join` returns as the kernel begins to take the thread down.
    let gone = capture_when(&stacks, tid, |stack| stack.captured == Captured::Gone);
    assert_eq!(gone.frames().count(), 0);
}

#[test]
fn signal_with_another_handler_is_not_sent() {
    let (_one, stacks) = stacks();
    let requester = requester(&stacks);
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let (tid, thread) = start(move || spins_until_told(&seen));
    // If it were sent, its default action would end this process.
    deadstop_core::sys::set_default_action(requester.signal.number());
    assert_eq!(capture(&stacks, tid).captured, Captured::SignalTaken);
    let again = Stacks::prepare();
    assert_eq!(capture(&again, tid).captured, Captured::Yes);
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
}

#[test]
fn child_of_fork_requests_no_stack() {
    let (_one, mut stacks) = stacks();
    stacks.requester.as_mut().unwrap().home += 1;
    assert_eq!(
        capture(&stacks, deadstop_core::tid()).captured,
        Captured::NotAsked
    );
}

/// The thread blocks the signal and is sent it all the same, so that the
/// handler comes when it lets it through: after the reporter has given up.
#[test]
fn late_handler_answers_no_request() {
    let (_one, stacks) = stacks();
    let requester = requester(&stacks);
    let set = SignalSet::EMPTY.with(requester.signal.number());
    let (go, going) = mpsc::channel();
    let (sender, receiver) = mpsc::channel();
    let (tid, thread) = start(move || {
        SignalMask::block(set);
        sender.send(()).unwrap();
        going.recv().unwrap();
        SignalMask::unblock(set);
        sender.send(()).unwrap();
        going.recv().unwrap();
    });
    receiver.recv().unwrap();
    let before = signal_handler::ANSWERED.read();
    let mut stack = Stack::empty();
    // As many times as there are requests, and more: each is free again.
    for _ in 0..6 {
        stack.clear(tid);
        let until = deadstop_core::now().saturating_add(Duration::from_millis(1));
        assert_eq!(
            requester.request(tid, &mut stack, until),
            Captured::NoAnswer
        );
        assert!(deadstop_core::now() >= until);
    }
    go.send(()).unwrap();
    receiver.recv().unwrap();
    assert_eq!(
        signal_handler::ANSWERED.read(),
        before,
        "six handlers have run by now"
    );
    assert_eq!(capture(&stacks, tid).captured, Captured::Yes);
    go.send(()).unwrap();
    thread.join().unwrap();
}

/// A handler that is cut off in the middle of its answer is played here.
#[test]
fn handler_that_is_still_writing_keeps_its_request_to_itself() {
    let (_one, stacks) = stacks();
    let tid = deadstop_core::tid();
    let stalled = signal_handler::ask(tid).unwrap();
    assert!(stalled.begin(tid));
    assert!(!stalled.give_up(tid));
    for _ in 0..10 {
        assert_eq!(capture(&stacks, tid).captured, Captured::Yes);
    }
    assert!(!stalled.ask(tid), "it is not free");
    stalled.finish(tid, 0, 0);
    assert!(!stalled.is_done(tid));
    assert!(stalled.ask(tid), "it is free");
    assert!(!stalled.give_up(tid));
}

#[test]
fn capture_fails_while_all_requests_are_in_use() {
    let (_one, stacks) = stacks();
    let no_thread = c_int::MAX >> 4;
    let taken: Vec<_> = std::iter::from_fn(|| signal_handler::ask(no_thread)).collect();
    assert_eq!(
        capture(&stacks, deadstop_core::tid()).captured,
        Captured::NoAnswer
    );
    for request in taken {
        assert!(!request.give_up(no_thread));
    }
    assert_eq!(
        capture(&stacks, deadstop_core::tid()).captured,
        Captured::Yes
    );
}

#[test]
fn frames_without_room_are_counted_up_to_a_bound() {
    let (_one, stacks) = stacks();
    for (depth, at_least, at_most) in [(60, 36, 175), (5_000, 176, 176)] {
        let (_, thread) = start(|| ());
        thread.join().unwrap();
        let seen = Mutex::new(Stack::empty());
        let inside = || stacks.capture(deadstop_core::tid(), &mut seen.lock(), by());
        assert_eq!(calls_itself(depth, &inside), depth);
        let stack = seen.into_inner();
        assert_eq!(
            (stack.captured, stack.frames().count()),
            (Captured::Yes, 24)
        );
        assert!(
            (at_least..=at_most).contains(&stack.left_out),
            "{}",
            text(&stack)
        );
    }
}

/// In the allocator's own code too, where the thread holds its lock. A thousand
/// times, or as often as a busy machine lets it.
#[test]
fn thread_that_takes_and_frees_memory_answers_again_and_again() {
    let (_one, stacks) = stacks();
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let (tid, thread) = start(move || takes_and_frees(&seen));
    let mut stack = Stack::empty();
    let (mut answers, mut in_libc) = (0, 0);
    let enough = deadstop_core::now().saturating_add(PATIENCE / 4);
    let by = by();
    while answers == 0 || in_libc == 0 || (answers < 1_000 && deadstop_core::now() < enough) {
        stacks.capture(tid, &mut stack, by);
        answers += u32::from(stack.captured == Captured::Yes);
        let innermost = stack.frames().next();
        in_libc += u32::from(innermost.is_some_and(|frame| frame.module.as_str() == "libc.so.6"));
        assert!(
            deadstop_core::now() < by,
            "{answers} answers, {in_libc} of them from libc"
        );
    }
    stop.store(true, Ordering::Relaxed);
    assert!(thread.join().unwrap() > 0);
}

#[test]
fn capture_does_not_disturb_a_condition_variable_or_a_file() {
    let (_one, stacks) = stacks();
    let pair = Arc::new((std::sync::Mutex::new(false), Condvar::new()));
    let waited = Arc::clone(&pair);
    let (tid, thread) = start(move || {
        let (lock, changed) = &*waited;
        let mut guard = lock.lock().unwrap();
        while !*guard {
            guard = changed.wait(guard).unwrap();
        }
        File::open("/proc/self/status").unwrap()
    });
    // Right behind an answer the thread may still be in the handler, which
    // blocks every signal.
    for _ in 0..20 {
        capture_when(&stacks, tid, |stack| stack.captured == Captured::Yes);
    }
    *pair.0.lock().unwrap() = true;
    pair.1.notify_one();
    thread.join().unwrap();
}

/// The calling thread's handler runs inside the call that sends the signal.
#[test]
fn waiter_for_an_answer_is_woken() {
    let (_one, stacks) = stacks();
    let before = signal_handler::ANSWERED.read();
    assert_eq!(
        capture(&stacks, deadstop_core::tid()).captured,
        Captured::Yes
    );
    assert_ne!(signal_handler::ANSWERED.read(), before);
}

/// A frame at `address`, with its names.
fn looked_up(stacks: &Stacks, address: usize, is_call: bool) -> String {
    let own = capture(stacks, deadstop_core::tid());
    let program = own
        .frames()
        .find(|frame| frame.module.as_str() != "libc.so.6");
    let program = program.unwrap();
    let moved = program.address - usize::try_from(program.offset).unwrap();
    let mut stack = Stack::empty();
    let frame = stack.push(address).unwrap();
    frame.is_call = is_call;
    frame.offset = (address - moved) as u64;
    frame.module.text(program.module.as_str());
    stacks.look_up(&mut stack, LookUp::Names, by);
    stacks.look_up(&mut stack, LookUp::Lines, by);
    let frame = stack.frames().next().unwrap();
    frame.function.as_str().to_owned()
}

/// A call may be the last instruction of a function, and returns into the next.
#[test]
fn frame_shows_the_call_not_the_return_address() {
    let (_one, stacks) = stacks();
    let first = spins_until_told as fn(&AtomicBool) as usize;
    assert!(looked_up(&stacks, first, false).ends_with("::spins_until_told"));
    assert!(!looked_up(&stacks, first, true).ends_with("::spins_until_told"));
    assert!(looked_up(&stacks, first + 1, true).ends_with("::spins_until_told"));
}

#[inline(never)]
fn adds_up(n: u64) -> u64 {
    n.wrapping_add(black_box(1))
        .wrapping_add(black_box(2))
        .wrapping_add(black_box(3))
}

/// `wrapping_add` is always put into its caller, in debug builds too.
#[test]
fn function_of_the_standard_library_is_not_named_where_its_caller_is() {
    let (_one, stacks) = stacks();
    let first = adds_up as fn(u64) -> u64 as usize;
    for address in first..first + 48 {
        let name = looked_up(&stacks, address, false);
        assert!(!name.contains("wrapping_add"), "{name}");
    }
    assert_eq!(adds_up(black_box(1)), 7);
}

#[inline(never)]
fn throws(depth: u32) {
    let _guard = black_box(String::from("dropped while the stack unwinds"));
    match depth {
        0 => std::panic::resume_unwind(Box::new(1)),
        _ => throws(black_box(depth) - 1),
    }
}

/// Thousands of captures, many of them inside the C library's unwinder. Unwinding
/// there in the handler ends the process within seconds.
#[test]
fn thread_that_throws_survives_thousands_of_captures() {
    let (_one, stacks) = stacks();
    let stop = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&stop);
    let (tid, thread) = start(move || {
        let mut caught = 0_u64;
        while !seen.load(Ordering::Relaxed) {
            caught += u64::from(std::panic::catch_unwind(|| throws(5)).is_err());
        }
        caught
    });
    let mut stack = Stack::empty();
    let (mut answers, mut useful, mut whole) = (0_u32, 0_u32, 0_u32);
    let by = by();
    let enough = deadstop_core::now().saturating_add(PATIENCE / 2);
    while answers < 5_000 && deadstop_core::now() < enough {
        stacks.capture(tid, &mut stack, by);
        if stack.captured != Captured::Yes {
            continue;
        }
        answers += 1;
        useful += u32::from(stack.frames().count() > 2);
        let outermost = stack.frames().last().unwrap();
        whole += u32::from(stack.left_out > 0 || outermost.module.as_str() == "libc.so.6");
    }
    stop.store(true, Ordering::Relaxed);
    assert!(thread.join().unwrap() > 0);
    let counts =
        format!("{answers} answers, {useful} useful, {whole} out to the start of the thread\n");
    // The macro's output is captured in a test that passes.
    let _ = io::stderr().write_all(counts.as_bytes());
    assert!(answers > 0 && useful * 2 > answers, "{useful} of {answers}");
}
