//! The reporter's side, against a thread that the test plays.

use std::thread;
use std::time::Duration;

use super::*;
use crate::reporting::stacks::capture::unwind::Unwinder;

/// Not a measurement: no wait that ends is longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Shorter than the time that the played thread takes.
const SHORT: Duration = Duration::from_millis(20);

fn symbolizer() -> Symbolizer {
    let modules = Modules::default();
    let unwinder = Arc::new(SharedUnwinder::new(Unwinder::new(&modules)));
    Symbolizer::prepare(modules, unwinder)
}

fn start(shared: &Shared) {
    let empty = || Box::new(crate::lock::Mutex::new(Stack::empty()));
    shared.slot.get_or_init(empty);
    shared.is_running.store(true, Ordering::Release);
    WATCH.notify();
}

fn after(length: Duration) -> Nanos {
    deadstop_core::now().saturating_add(length)
}

/// Looks up the names of a stack with one frame, and returns that frame's name.
fn looked_up(symbolizer: &Symbolizer, until: Nanos) -> String {
    let mut stack = Stack::empty();
    stack.push(1).expect("an empty stack has room");
    symbolizer.look_up(&mut stack, LookUp::Names, || until);
    let frame = stack.frames().next().expect("it has one frame");
    frame.function.as_str().to_owned()
}

fn wait_for_look_up(shared: &Shared) {
    let until = after(PATIENCE);
    while shared.job() != Some(Job::LookUp(LookUp::Names)) {
        assert!(deadstop_core::now() < until, "no look-up came");
        thread::yield_now();
    }
}

fn answer(shared: &Shared) {
    wait_for_look_up(shared);
    let mut slot = shared.try_slot().expect("the reporter waits");
    let frame = slot.frames_mut().next().expect("it has one frame");
    frame.function.text("found");
    drop(slot);
    shared.finish_job(Job::LookUp(LookUp::Names));
}

#[test]
fn look_up_waits_for_a_thread_that_reads_names_ahead() {
    let symbolizer = symbolizer();
    let shared = &*symbolizer.shared;
    start(shared);
    let until = after(SHORT);
    symbolizer.refresh(|| until);
    assert_eq!(shared.job(), Some(Job::Refresh), "the thread is busy");
    thread::scope(|scope| {
        scope.spawn(|| {
            wait_for_look_up(shared);
            // The thread has done the refresh just now.
            shared.finish_job(Job::Refresh);
            answer(shared);
        });
        assert_eq!(looked_up(&symbolizer, after(PATIENCE)), "found");
    });
    assert!(shared.is_idle());
}

#[test]
fn look_up_does_not_wait_for_a_thread_that_hangs_in_an_earlier_one() {
    let symbolizer = symbolizer();
    start(&symbolizer.shared);
    assert_eq!(looked_up(&symbolizer, after(SHORT)), "");
    let until = after(PATIENCE);
    assert_eq!(looked_up(&symbolizer, until), "");
    assert!(deadstop_core::now() < until, "it waited");
}

#[test]
fn look_up_waits_for_the_thread_to_start() {
    let symbolizer = symbolizer();
    let shared = &*symbolizer.shared;
    let until = after(SHORT);
    symbolizer.refresh(|| until);
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(SHORT);
            start(shared);
            answer(shared);
        });
        assert_eq!(looked_up(&symbolizer, after(PATIENCE)), "found");
    });
}

#[test]
fn one_look_up_waits_for_a_thread_that_never_starts() {
    let symbolizer = symbolizer();
    let until = after(SHORT);
    assert_eq!(looked_up(&symbolizer, until), "");
    assert!(deadstop_core::now() >= until, "the first waits");
    let until = after(PATIENCE);
    assert_eq!(looked_up(&symbolizer, until), "");
    assert!(deadstop_core::now() < until, "the second waited");
}

#[test]
fn look_up_does_not_wait_for_a_thread_that_was_refused() {
    let symbolizer = symbolizer();
    symbolizer.shared.refuse();
    let until = after(PATIENCE);
    symbolizer.refresh(|| until);
    assert_eq!(looked_up(&symbolizer, until), "");
    assert!(deadstop_core::now() < until, "it waited");
}
