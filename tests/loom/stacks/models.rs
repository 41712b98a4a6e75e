use loom::sync::Arc;
use loom::thread;

use super::request::{Request, Seen};
use crate::check;

const TID: i32 = 7;

/// Fails if `finish` is not a release or `is_done` not an acquire.
#[test]
fn an_answer_is_read_whole() {
    check(|| {
        let request = Arc::new(request());
        let handler = Arc::clone(&request);
        assert!(request.ask(TID));
        let thread = thread::spawn(move || answer(&handler, 1));
        if request.is_done(TID) || request.give_up(TID) {
            assert_eq!(read(&request), [frame(1), frame(1)]);
        }
        thread.join().expect("it ends");
    });
}

/// Fails if the reporter gives up what is being written by making it free, if a
/// handler that nobody waits for any more says that it is done, if the reporter
/// frees an answer without a release, or a handler begins without an acquire.
/// That the late handler frees it by a release takes more preemptions to see.
#[test]
fn a_late_handler_never_writes_into_a_later_answer() {
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
fn a_thread_that_is_not_asked_answers_nothing() {
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
fn of_two_that_ask_one_has_the_request() {
    check(|| {
        let request = Arc::new(request());
        let other = Arc::clone(&request);
        let thread = thread::spawn(move || other.ask(TID));
        let mine = request.ask(TID);
        assert!(mine != thread.join().expect("it ends"));
    });
}

/// The handler, on a thread that is asked twice at most.
fn answer(request: &Request<2>, n: u64) {
    if request.begin(TID) {
        request.write(0, frame(n));
        request.write(1, frame(n));
        request.finish(TID, 2);
    }
}

fn frame(n: u64) -> Seen {
    Seen {
        address: n,
        is_call: n == 1,
    }
}

fn read(request: &Request<2>) -> [Seen; 2] {
    let (mut frames, more) = request.answer();
    assert_eq!(more, 0);
    [(); 2].map(|()| frames.next().expect("there are two"))
}

/// A free request, with every atomic made.
fn request() -> Request<2> {
    let request = Request::free();
    assert!(request.ask(TID) && request.begin(TID));
    request.write(1, frame(0));
    request.write(0, frame(0));
    request.finish(TID, 0);
    request.free_again();
    request
}
