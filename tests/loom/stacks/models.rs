use loom::sync::Arc;
use loom::thread;

use super::request::Request;
use crate::check;
use crate::primitives::atomic::Ordering;

const TID: i32 = 7;
/// The address of the stack.
const FROM: u64 = 64;

/// Fails if `finish` is not a release or `is_done` not an acquire.
#[test]
fn answer_is_read_whole() {
    check(|| {
        let request = Arc::new(request());
        let handler = Arc::clone(&request);
        assert!(request.ask(TID));
        let thread = thread::spawn(move || answer(&handler, 1));
        if request.is_done(TID) || request.give_up(TID) {
            assert_eq!(read(&request), [1, 1]);
        }
        thread.join().expect("it ends");
    });
}

/// Fails if the reporter gives up what is being written by making it free, if a
/// handler that is no longer waited for says that it is done, if the reporter
/// frees an answer without a release, or a handler begins without an acquire.
/// The release by which the late handler frees it shows only with more preemptions.
#[test]
fn late_handler_never_writes_into_a_later_answer() {
    check(|| {
        let request = Arc::new(request());
        assert!(request.ask(TID));
        let threads = [1, 2].map(|n| {
            let handler = Arc::clone(&request);
            thread::spawn(move || answer(&handler, n))
        });
        if request.give_up(TID) {
            request.free_again();
        }
        if request.ask(TID) && (request.is_done(TID) || request.give_up(TID)) {
            let [first, second] = read(&request);
            assert_eq!(first, second, "torn");
            request.free_again();
        }
        for thread in threads {
            thread.join().expect("it ends");
        }
        assert!(request.ask(TID), "it is free again");
    });
}

/// Fails if the word does not carry the thread.
#[test]
fn thread_that_is_not_asked_answers_nothing() {
    check(|| {
        let request = Arc::new(request());
        let handler = Arc::clone(&request);
        let late = thread::spawn(move || handler.begin(TID + 1));
        assert!(request.ask(TID));
        assert!(!late.join().expect("it ends"));
        assert!(!request.give_up(TID));
    });
}

/// Fails if a request is taken by a load and a store.
#[test]
fn one_of_two_callers_has_the_request() {
    check(|| {
        let request = Arc::new(request());
        let other = Arc::clone(&request);
        let thread = thread::spawn(move || other.ask(TID));
        let mine = request.ask(TID);
        assert!(mine != thread.join().expect("it ends"));
    });
}

/// The handler, on a thread that is asked twice at most.
fn answer(request: &Request<1>, n: u64) {
    if request.begin(TID) {
        write(request, n);
        request.finish(TID, FROM, 1);
    }
}

/// Writes `n` as a register and as the stack.
fn write(request: &Request<1>, n: u64) {
    request.write_registers([n, 0, 0, 0]);
    request.copy()[0].store(n, Ordering::Relaxed);
}

fn read(request: &Request<1>) -> [u64; 2] {
    let [pc, ..] = request.registers();
    [pc, request.stack_word(FROM).expect("there is one")]
}

/// A free request, with all atomics initialized.
fn request() -> Request<1> {
    let request = Request::free();
    assert!(request.ask(TID) && request.begin(TID));
    write(&request, 0);
    request.finish(TID, FROM, 0);
    request.free_again();
    request
}
