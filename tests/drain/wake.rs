use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use deadstop::Phase;
use deadstop::drain::wakers;

use crate::{Panics, finish, hang, shutdown, victim, wait};

#[test]
fn waker_that_blocks_or_panics_does_not_keep_the_others_from_running() {
    let name = "wake::waker_that_blocks_or_panics_does_not_keep_the_others_from_running";
    let ended = victim::run(name, || {
        // To print a stack may take longer than the shutdown.
        std::panic::set_hook(Box::new(|_| {}));
        let shutdown = shutdown(30);
        let add = |name: &str, wake: fn()| {
            shutdown.waker(name, wake).expect("it is accepted");
        };
        add("blocks", || hang());
        add("panics", || panic!("a waker panics"));
        add("blocks too", || hang());
        add("last", || println!("the last waker ran"));
        let task = shutdown.task("waits").phase("drain");
        task.on_shutdown(|_| thread::sleep(Duration::from_millis(500)))
            .expect("it is accepted");
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("the last waker ran");
    ended.assert_says("waker \"blocks\" has not returned after 20ms");
    ended.assert_says("waker \"panics\" panicked");
}

#[test]
fn waker_whose_panic_cannot_be_dropped_keeps_no_other_from_running() {
    let name = "wake::waker_whose_panic_cannot_be_dropped_keeps_no_other_from_running";
    let ended = victim::run(name, || {
        // To print a stack takes longer than the time of a waker.
        std::panic::set_hook(Box::new(|_| {}));
        let shutdown = shutdown(30);
        for number in 0..6 {
            let wakes = move || match number % 2 {
                0 => std::panic::panic_any(Panics),
                _ => println!("waker {number} ran"),
            };
            let waker = shutdown.waker(format!("waker {number}"), wakes);
            waker.expect("it is accepted");
        }
        finish(&shutdown);
    });
    ended
        .assert_status(0)
        .assert_says("waker \"waker 0\" panicked");
    for number in [1, 3, 5] {
        ended.assert_says(&format!("waker {number} ran"));
    }
}

/// There are tasks in the first phase and in a scope, and one waker hangs. The best of a few
/// runs counts: under load a waker may be called, but not yet have printed.
#[test]
fn tasks_start_after_each_waker_was_called() {
    let name = "wake::tasks_start_after_each_waker_was_called";
    let order = || {
        let ended = victim::signal(name, libc::SIGTERM, wakers_and_tasks);
        ended.assert_status(0);
        let is_of_order = |line: &&str| line.starts_with("waker ") || *line == "task";
        let lines = ended.stdout.lines().filter(is_of_order);
        let order: Vec<_> = lines.map(str::to_owned).collect();
        assert_eq!(order.len(), 8, "{ended:#?}");
        order
    };
    let tasks_are_last = |order: &[String]| order[6..].iter().all(|line| line == "task");
    let tries: Vec<_> = (0..3).map(|_| order()).collect();
    let is_kept = tries.iter().any(|order| tasks_are_last(order));
    assert!(is_kept, "{tries:?}");
}

fn wakers_and_tasks() {
    let shutdown = shutdown(30);
    for number in 1..=5 {
        let wakes = move || {
            thread::sleep(Duration::from_millis(10));
            println!("waker {number}");
        };
        let waker = shutdown.waker(format!("waker {number}"), wakes);
        waker.expect("it is accepted");
    }
    let hangs = || hang();
    shutdown.waker("hangs", hangs).expect("it is accepted");
    let last = shutdown.waker("last", || println!("waker 6"));
    last.expect("it is accepted");
    let scope = shutdown.scope("ingest");
    for task in [shutdown.task("first"), scope.task("first")] {
        let task = task.phase(Phase::UNBIND);
        task.on_shutdown(|_| println!("task")).expect("accepted");
    }
    wait(&shutdown);
}

#[test]
fn accept_loop_ends_at_sigterm_by_its_waker() {
    let name = "wake::accept_loop_ends_at_sigterm_by_its_waker";
    let ended = victim::signal(name, libc::SIGTERM, || {
        let shutdown = shutdown(30);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let waker = wakers::socket(&listener).expect("it is our own");
        shutdown
            .waker("accept loop", waker)
            .expect("it is accepted");
        let accepts = thread::spawn(move || {
            while listener.accept().is_ok() {}
            println!("the loop has ended");
        });
        shutdown
            .task("accept loop")
            .join(accepts)
            .expect("accepted");
        wait(&shutdown);
    });
    ended.assert_status(0).assert_says("the loop has ended");
    assert!(ended.after < Duration::from_secs(15), "{ended:#?}");
}

/// The control: without the waker, the phase uses its budget, and the report names the thread.
#[test]
fn control_accept_loop_without_a_waker_is_abandoned_and_named() {
    let name = "wake::control_accept_loop_without_a_waker_is_abandoned_and_named";
    let ended = victim::signal(name, libc::SIGTERM, || {
        let shutdown = shutdown(2);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let accepts = thread::spawn(move || while listener.accept().is_ok() {});
        let task = shutdown.task("accept loop").phase("drain");
        task.budget(Duration::from_millis(300))
            .join(accepts)
            .expect("accepted");
        wait(&shutdown);
    });
    ended.assert_status(1).assert_says("\"accept loop\"");
}

#[test]
fn disabled_waker_does_not_run_and_a_late_one_runs_at_once() {
    let name = "wake::disabled_waker_does_not_run_and_a_late_one_runs_at_once";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let disabled = shutdown.waker("disabled", || println!("disabled ran"));
        let disabled = disabled.expect("it is accepted");
        println!("was enabled: {}", disabled.disable());
        disabled.wake();
        let late = shutdown.clone();
        let task = shutdown.task("late").phase("drain");
        task.on_shutdown(move |_| {
            thread::sleep(Duration::from_millis(100));
            late.waker("late", || println!("late ran"))
                .expect("accepted");
            thread::sleep(Duration::from_millis(200));
        })
        .expect("it is accepted");
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("was enabled: true");
    ended
        .assert_says("late ran")
        .assert_silent_about("disabled ran");
}

/// The kernel starts no thread for a thread whose children get another PID namespace.
#[test]
fn waker_without_a_thread_is_refused_for_that_and_accepted_later() {
    let name = "wake::waker_without_a_thread_is_refused_for_that_and_accepted_later";
    let Some(victim) = victim::start_in_user_namespace(name, || {
        let shutdown = shutdown(30);
        let refused = thread::scope(|scope| {
            let leaves = scope.spawn(|| {
                victim::leave_pid_namespace();
                shutdown.waker("first", || println!("first ran")).err()
            });
            leaves.join().expect("it does not panic")
        });
        println!("refused: {}", refused.expect("no thread can be started"));
        let second = shutdown.waker("second", || println!("second ran"));
        second.expect("it is accepted");
        finish(&shutdown);
    }) else {
        return;
    };
    let ended = victim.wait();
    ended
        .assert_status(0)
        .assert_says("refused: the system refused a thread")
        .assert_says("second ran")
        .assert_silent_about("first ran");
}
