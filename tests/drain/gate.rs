use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::{Cause, Phase, Shutdown};

use crate::{finish, shutdown, victim, wait};

const MS: Duration = Duration::from_millis(1);

#[test]
fn empty_gate_delays_nothing() {
    let ended = victim::run("gate::empty_gate_delays_nothing", || {
        let shutdown = shutdown(20);
        let gate = shutdown.gate("requests").open().expect("it opens");
        drop(gate.enter());
        finish(&shutdown);
    });
    ended.assert_status(0);
    assert!(ended.after < Duration::from_secs(10), "{ended:#?}");
}

#[test]
fn drain_waits_for_a_request_and_the_next_phase_follows_it() {
    let name = "gate::drain_waits_for_a_request_and_the_next_phase_follows_it";
    let ended = victim::run(name, || {
        let shutdown = shutdown(20);
        let gate = shutdown.gate("requests").open().expect("it opens");
        let guard = gate.enter().expect("it is open");
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        flush
            .on_shutdown(move |_| println!("flush: {} in flight", gate.in_flight()))
            .expect("it is accepted");
        // The guard is dropped on a different thread from the one that entered.
        thread::spawn(move || {
            gate.closing().wait();
            thread::sleep(300 * MS);
            println!("request: done");
            drop(guard);
        });
        finish(&shutdown);
    });
    ended.assert_status(0);
    let done = ended.stdout.find("request: done");
    let flush = ended.stdout.find("flush: 0 in flight");
    assert!(done.is_some() && done < flush, "{ended:#?}");
}

#[test]
fn closed_gate_refuses_and_counts_refusals() {
    let ended = victim::run("gate::closed_gate_refuses_and_counts_refusals", || {
        let shutdown = shutdown(20);
        let gate = shutdown.gate("requests").open().expect("it opens");
        let late = shutdown.task("late").phase(Phase::FLUSH);
        late.on_shutdown(move |_| {
            println!("{}", gate.enter().expect_err("it is closed"));
            println!("{}", gate.stream().expect_err("it is closed"));
            println!("refused {}, in flight {}", gate.refused(), gate.in_flight());
        })
        .expect("it is accepted");
        finish(&shutdown);
    });
    ended.assert_status(0);
    ended.assert_says("gate \"requests\" is closed: the process is shutting down");
    ended.assert_says("refused 2, in flight 0");
}

/// The control for the next test: without `keep_accepting`, the gate closes at the request.
#[test]
fn gate_closes_at_the_request_without_keep_accepting() {
    let name = "gate::gate_closes_at_the_request_without_keep_accepting";
    let ended = victim::run(name, || {
        let shutdown = shutdown(20);
        let gate = shutdown.gate("requests").open().expect("it opens");
        assert!(!gate.should_close());
        shutdown.request(Cause::Finished);
        assert!(gate.should_close());
        gate.closing().wait();
        shutdown.wait();
        println!("kept accepting: {}", has_kept_accepting(&shutdown));
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("kept accepting: false");
}

/// Returns `true` if the ended shutdown had a task that kept the gate open.
fn has_kept_accepting(shutdown: &Shutdown) -> bool {
    let report = shutdown.report().expect("it has ended");
    report.task("keep accepting requests").is_some()
}

#[test]
fn gate_admits_requests_while_it_keeps_accepting() {
    let name = "gate::gate_admits_requests_while_it_keeps_accepting";
    let ended = victim::run(name, || {
        let shutdown = shutdown(20);
        let gate = shutdown
            .gate("requests")
            .keep_accepting(500 * MS)
            .open()
            .expect("it opens");
        let requested = shutdown.clone();
        let client = thread::spawn(move || {
            requested.requested().wait();
            let begun = Instant::now();
            let (mut admitted, mut asked) = (0, 0);
            while let Ok(_request) = gate.enter() {
                admitted += 1;
                asked += usize::from(gate.should_close());
                thread::sleep(MS);
            }
            println!("admitted for 500 ms: {}", begun.elapsed() >= 490 * MS);
            println!("some asked: {}", asked > 0 && asked < admitted);
            println!("should close: {}", gate.should_close());
        });
        shutdown.request(Cause::requested("test"));
        let code = shutdown.wait();
        client.join().expect("it ends");
        assert!(crate::succeeded(code));
        println!("kept accepting: {}", has_kept_accepting(&shutdown));
    });
    ended.assert_status(0);
    ended.assert_says("admitted for 500 ms: true");
    ended.assert_says("kept accepting: true");
    ended.assert_says("some asked: true");
    ended.assert_says("should close: true");
}

#[test]
fn hang_report_names_the_oldest_entry_and_its_age() {
    let name = "gate::hang_report_names_the_oldest_entry_and_its_age";
    let ended = victim::run(name, || {
        let shutdown = shutdown(1);
        let gate = shutdown.gate("http requests").open().expect("it opens");
        let _oldest = gate.enter_named("GET /orders/7").expect("it is open");
        thread::sleep(10 * MS);
        let _younger = gate.enter_named("GET /orders/8").expect("it is open");
        let _unnamed = gate.enter().expect("it is open");
        finish(&shutdown);
    });
    ended.assert_says("http requests");
    ended.assert_says("3 in flight; oldest \\\"GET /orders/7\\\" for");
    ended.assert_silent_about("GET /orders/8");
}

#[test]
fn reports_name_the_oldest_entry_after_the_budget_of_its_gate() {
    let name = "gate::reports_name_the_oldest_entry_after_the_budget_of_its_gate";
    let ended = victim::run(name, || {
        let shutdown = shutdown(4);
        let gate = shutdown.gate("http requests").budget(200 * MS);
        let gate = gate.open().expect("it opens");
        let _oldest = gate.enter_named("GET /orders/7").expect("it is open");
        crate::hang_in_the_last_phase(&shutdown);
        finish(&shutdown);
    });
    ended.assert_status(124);
    let says = "1 in flight; oldest \\\"GET /orders/7\\\" for";
    crate::assert_named_after_its_budget(&ended, "\"http requests\" (phase drain,", says);
}

#[test]
fn tasks_of_a_gate_are_registered_where_it_is_opened() {
    let name = "gate::tasks_of_a_gate_are_registered_where_it_is_opened";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let gate = shutdown.gate("requests").keep_accepting(10 * MS);
        let line = line!() + 1;
        let _gate = gate.open().expect("it opens");
        let _ = shutdown.finish();
        let report = shutdown.report().expect("it is over");
        let here = format!("tests/drain/gate.rs:{line}");
        for task in ["requests", "keep accepting requests"] {
            let site = report.task(task).map(|task| task.site() == here);
            println!("<{task}> {site:?}");
        }
        shutdown.wait_and_exit();
    });
    ended.assert_status(0);
    ended.assert_says("<requests> Some(true)");
    ended.assert_says("<keep accepting requests> Some(true)");
}

#[test]
fn leaked_guard_delays_the_flush_by_the_gates_budget() {
    let name = "gate::leaked_guard_delays_the_flush_by_the_gates_budget";
    let ended = victim::run(name, || {
        let shutdown = shutdown(20);
        let gate = shutdown.gate("requests").budget(200 * MS);
        let gate = gate.open().expect("it opens");
        let guard = gate.enter_named("GET /leaks").expect("it is open");
        Box::leak(Box::new(guard));
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        flush
            .on_shutdown(|_| println!("flushed"))
            .expect("accepted");
        finish(&shutdown);
    });
    ended.assert_status(1).assert_says("flushed");
    // The report names it, or the gate's own line if its task returned before the report.
    ended.assert_says("1 in flight; oldest ");
    ended.assert_says("GET /leaks");
    assert!(ended.after < Duration::from_secs(15), "{ended:#?}");
}

#[test]
fn guard_dropped_by_a_panic_leaves_the_gate() {
    let ended = victim::run("gate::guard_dropped_by_a_panic_leaves_the_gate", || {
        let shutdown = shutdown(20);
        let gate = shutdown.gate("requests").open().expect("it opens");
        let request = thread::spawn(move || {
            let _guard = gate.enter_named("GET /panics").expect("it is open");
            panic!("the handler panics");
        });
        assert!(request.join().is_err());
        println!("in flight {}, oldest {:?}", gate.in_flight(), gate.oldest());
        finish(&shutdown);
    });
    ended
        .assert_status(0)
        .assert_says("in flight 0, oldest None");
}

#[test]
fn endless_stream_is_ended_and_does_not_delay_the_drain() {
    let name = "gate::endless_stream_is_ended_and_does_not_delay_the_drain";
    let ended = victim::run(name, || {
        let shutdown = shutdown(20);
        let gate = shutdown.gate("requests").streams_within(100 * MS);
        let gate = gate.open().expect("it opens");
        let polite = gate.stream().expect("it is open");
        let endless = gate.enter().expect("it is open").into_stream();
        println!("{} in flight, {} streams", gate.in_flight(), gate.streams());
        thread::spawn(move || {
            polite.closing().wait();
            println!("asked to end: {}", polite.should_end());
        });
        Box::leak(Box::new(endless));
        finish(&shutdown);
    });
    ended.assert_status(0);
    ended.assert_says("0 in flight, 2 streams");
    ended.assert_says("asked to end: true");
    assert!(ended.after < Duration::from_secs(15), "{ended:#?}");
}

#[test]
fn ten_thousand_entries_of_many_threads_are_all_waited_for() {
    let name = "gate::ten_thousand_entries_of_many_threads_are_all_waited_for";
    let ended = victim::signal(name, libc::SIGTERM, || {
        let shutdown = shutdown(30);
        let gate = shutdown.gate("requests").open().expect("it opens");
        let left = Arc::new(AtomicUsize::new(0));
        for _ in 0..8 {
            let left = Arc::clone(&left);
            let guards: Vec<_> = (0..1_250)
                .map(|_| gate.enter_named("GET /").expect("it is open"))
                .collect();
            thread::spawn(move || {
                gate.closing().wait();
                for guard in guards {
                    left.fetch_add(1, Ordering::Relaxed);
                    drop(guard);
                }
            });
        }
        assert_eq!(gate.in_flight(), 10_000);
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        flush
            .on_shutdown(move |_| println!("left {}", left.load(Ordering::Relaxed)))
            .expect("it is accepted");
        wait(&shutdown);
    });
    ended.assert_status(0).assert_says("left 10000");
}

/// Two gates close in two phases. Work of the outer gate may still enter the inner one.
#[test]
fn gate_of_a_later_phase_admits_the_last_work_of_an_earlier_one() {
    let name = "gate::gate_of_a_later_phase_admits_the_last_work_of_an_earlier_one";
    let ended = victim::run(name, || {
        let shutdown = shutdown(20);
        let outer = shutdown.gate("requests").open().expect("it opens");
        let inner = shutdown.gate("writes").phase(Phase::FLUSH);
        let inner = inner.open().expect("it opens");
        let request = outer.enter().expect("it is open");
        thread::spawn(move || {
            outer.closing().wait();
            let write = inner.enter();
            println!("nested admitted: {}", write.is_ok());
            drop(request);
            inner.closing().wait();
            drop(write);
        });
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("nested admitted: true");
}

/// The scope stops alone, twice, and then together with the shutdown.
#[test]
fn gate_of_a_scope_closes_with_it_and_reopens_after_its_restart() {
    let name = "gate::gate_of_a_scope_closes_with_it_and_reopens_after_its_restart";
    let ended = victim::run(name, || {
        let shutdown = shutdown(20);
        let scope = shutdown.scope("admin");
        let gate = scope.gate("requests").open().expect("it opens");
        println!("reopened while open: {:?}", gate.reopen());
        let grace = Duration::from_secs(5);
        for round in 1..=2 {
            let request = gate.enter().expect("it is open");
            let waits = thread::spawn(move || {
                gate.closing().wait();
                println!("round {round}: asked to close, {}", gate.should_close());
                thread::sleep(100 * MS);
                drop(request);
            });
            let report = scope.stop(Cause::requested("a reload"), grace);
            let report = report.expect("it stops");
            let outcome = report
                .task("/admin/requests")
                .map(|task| task.outcome().clone());
            println!("round {round}: {outcome:?}, {} in flight", gate.in_flight());
            waits.join().expect("it ends");
            println!("round {round}: refused {}", gate.enter().is_err());
            println!("round {round}: reopened {:?}", gate.reopen().is_ok());
            assert!(scope.restart());
            println!("round {round}: reopened {:?}", gate.reopen());
            println!("round {round}: should close {}", gate.should_close());
        }
        let request = gate.enter().expect("it is open again");
        thread::spawn(move || {
            gate.closing().wait();
            thread::sleep(100 * MS);
            println!("the last request is done");
            drop(request);
        });
        let _ = shutdown.finish();
        println!("in flight at the end: {}", gate.in_flight());
        println!("reopened at the end: {}", gate.reopen().is_ok());
    });
    ended.assert_status(0);
    ended.assert_says("reopened while open: Ok(false)");
    for round in 1..=2 {
        ended.assert_says(&format!("round {round}: asked to close, true"));
        ended.assert_says(&format!("round {round}: Some(Done), 0 in flight"));
        ended.assert_says(&format!("round {round}: refused true"));
        ended.assert_says(&format!("round {round}: reopened false"));
        ended.assert_says(&format!("round {round}: reopened Ok(true)"));
        ended.assert_says(&format!("round {round}: should close false"));
    }
    ended.assert_says("the last request is done\nin flight at the end: 0");
    ended.assert_says("reopened at the end: false");
}

/// The gate is closed and opened again. Waits on old handles end; waits on new handles do not.
#[test]
fn stream_of_a_reopened_gate_is_not_asked_to_end() {
    let name = "gate::stream_of_a_reopened_gate_is_not_asked_to_end";
    let ended = victim::run(name, || {
        let shutdown = shutdown(20);
        let scope = shutdown.scope("admin");
        let gate = scope.gate("requests").open().expect("it opens");
        let grace = Duration::from_secs(5);
        scope
            .stop(Cause::requested("a reload"), grace)
            .expect("it stops");
        assert!(scope.restart());
        gate.reopen().expect("it was restarted");
        let stream = gate.stream().expect("it is open");
        println!("should end: {}", stream.should_end());
        scope
            .stop(Cause::requested("a reload"), grace)
            .expect("it stops");
        println!("should end: {}", stream.should_end());
        drop(stream);
        finish(&shutdown);
    });
    ended.assert_status(0);
    ended.assert_says("should end: false\nshould end: true");
}

#[test]
fn gate_without_a_name_or_phase_is_refused() {
    let ended = victim::run("gate::gate_without_a_name_or_phase_is_refused", || {
        let shutdown = shutdown(20);
        let error = shutdown.gate(" ").open().expect_err("it has no name");
        println!("{error}");
        let error = shutdown.gate("a").phase("none").open();
        println!("{}", error.expect_err("there is no such phase"));
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("empty name");
    ended.assert_says("there is no phase \"none\"");
}

/// The server ends when the gate closes. The shutdown starts from a later phase than the gate's.
#[test]
fn gate_whose_phase_is_skipped_closes_at_the_request() {
    let name = "gate::gate_whose_phase_is_skipped_closes_at_the_request";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let gate = shutdown.gate("requests").open().expect("it opens");
        let held = gate.enter().expect("it is open");
        let (closing, drained) = (gate.closing(), gate.drained());
        let from_close = shutdown.request_from(Phase::CLOSE, Cause::requested("a test"));
        assert_eq!(from_close.ok(), Some(true));
        closing.wait();
        drained.wait();
        println!("refused {}", gate.enter().is_err());
        drop(held);
        shutdown.wait_and_exit();
    });
    ended.assert_status(0).assert_says("refused true");
}

/// The task of an abandoned stop checks the gate again after the gate was opened again.
#[test]
fn drain_that_was_abandoned_does_not_end_the_next_one() {
    let name = "gate::drain_that_was_abandoned_does_not_end_the_next_one";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let scope = shutdown.scope("admin");
        let gate = scope.gate("requests").open().expect("it opens");
        let held = gate.enter().expect("it is open");
        let first = gate.drained();
        let cause = Cause::requested("a reload");
        scope.stop(cause, 50 * MS).expect("it stops");
        assert!(scope.restart());
        gate.reopen().expect("it was restarted");
        first.wait();
        let (said, drained) = std::sync::mpsc::channel();
        let second = gate.drained();
        thread::spawn(move || {
            second.wait();
            said.send(()).expect("the scenario waits");
        });
        // Longer than the interval at which the first task checks the gate.
        let early = drained.recv_timeout(Duration::from_secs(1));
        println!("drained while open: {}", early.is_ok());
        println!("admits: {}", gate.enter().is_ok());
        drop(held);
        let _ = shutdown.finish();
        println!("drained at last: {}", drained.recv().is_ok());
    });
    ended.assert_status(0);
    ended.assert_says("drained while open: false\nadmits: true\ndrained at last: true");
}
