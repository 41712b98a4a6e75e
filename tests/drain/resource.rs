use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use crate::{finish, hang, shutdown, victim};

const MS: Duration = Duration::from_millis(1);

#[test]
fn resources_are_closed_in_reverse_order_one_after_another() {
    let name = "resource::resources_are_closed_in_reverse_order_one_after_another";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        for at in 1..=4 {
            let resource = shutdown.resource(format!("client {at}"), at);
            resource
                .close(|at| {
                    println!("begin {at}");
                    thread::sleep(20 * MS);
                    println!("end {at}");
                })
                .expect("it is accepted");
        }
        finish(&shutdown);
    });
    ended.assert_status(0);
    let order = "begin 4\nend 4\nbegin 3\nend 3\nbegin 2\nend 2\nbegin 1\nend 1\n";
    ended.assert_says(order);
}

#[test]
fn close_that_hangs_is_named_and_the_next_is_closed() {
    let name = "resource::close_that_hangs_is_named_and_the_next_is_closed";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let close = |name: &'static str| {
            let resource = shutdown.resource(name, ());
            resource.budget(200 * MS)
        };
        close("first")
            .close(|()| println!("closed first"))
            .expect("accepted");
        let hangs = close("hangs").close(|()| -> () { hang() });
        hangs.expect("accepted");
        close("last")
            .close(|()| println!("closed last"))
            .expect("accepted");
        let code = shutdown.finish();
        println!("clean: {}", crate::succeeded(code));
        let report = shutdown.report().expect("it is over");
        let failed = report.tasks().filter(|task| task.outcome().is_failure());
        for task in failed {
            println!("{:?} {}", task.name(), task.outcome());
        }
    });
    ended.assert_says("clean: false");
    ended.assert_says("closed last\nclosed first\n");
    ended.assert_says("\"hangs\" over budget");
    assert!(ended.after < Duration::from_secs(20), "{ended:#?}");
}

#[test]
fn shared_client_is_closed_once() {
    let ended = victim::run("resource::shared_client_is_closed_once", || {
        let shutdown = shutdown(30);
        let client = Arc::new(7);
        for name in ["first user", "second user"] {
            let resource = shutdown.resource(name, Arc::clone(&client));
            let handle = resource
                .identity(Arc::as_ptr(&client))
                .close(move |_| println!("closed by {name}"))
                .expect("it is accepted");
            println!("registered as {}", handle.name());
        }
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("closed by first user");
    ended.assert_silent_about("closed by second user");
    ended.assert_says("registered as first user\nregistered as first user");
}

#[test]
fn shared_client_that_two_threads_register_at_once_is_closed_once() {
    const ROUNDS: usize = 500;
    let name = "resource::shared_client_that_two_threads_register_at_once_is_closed_once";
    let ended = victim::run(name, || {
        let shutdown = shutdown(60);
        let clients = Arc::new((0..ROUNDS).collect::<Vec<_>>());
        let closed = Arc::new(AtomicUsize::new(0));
        let start = Arc::new(Barrier::new(2));
        let register = || {
            let (shutdown, clients) = (shutdown.clone(), Arc::clone(&clients));
            let (closed, start) = (Arc::clone(&closed), Arc::clone(&start));
            thread::spawn(move || {
                for client in clients.iter() {
                    let closed = Arc::clone(&closed);
                    start.wait();
                    let resource = shutdown.resource("client", ()).identity(client);
                    let closes = move |_: &()| {
                        closed.fetch_add(1, Ordering::SeqCst);
                    };
                    resource.close(closes).expect("it is accepted");
                }
            })
        };
        for registers in [register(), register()] {
            registers.join().expect("it returns");
        }
        let _ = shutdown.finish();
        println!("closed {}", closed.load(Ordering::SeqCst));
    });
    ended.assert_says(&format!("closed {ROUNDS}\n"));
}

#[test]
fn resource_closed_or_released_earlier_is_not_closed_again() {
    let name = "resource::resource_closed_or_released_earlier_is_not_closed_again";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let add = |name: &'static str| {
            let resource = shutdown.resource(name, name);
            resource
                .close(|name| println!("closed {name}"))
                .expect("accepted")
        };
        let [now, released, left] = ["now", "released", "left"].map(add);
        println!("{} {}", now.close_now(), now.close_now());
        println!("{} {}", released.release(), released.close_now());
        println!("shutdown");
        let _ = left;
        finish(&shutdown);
    });
    ended.assert_status(0);
    ended.assert_says("closed now\ntrue false\ntrue false\nshutdown\nclosed left\n");
    ended.assert_silent_about("closed released");
}

/// The consumer blocks until its waker runs, and commits afterwards.
#[test]
fn waker_of_a_resource_runs_at_the_request_and_not_while_it_closes() {
    let name = "resource::waker_of_a_resource_runs_at_the_request_and_not_while_it_closes";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let client = Arc::new(deadstop::drain::Wakeup::new());
        let polls = Arc::clone(&client);
        let consumer = thread::spawn(move || {
            let woken = polls.wait_timeout(Duration::from_secs(20));
            println!("poll returned: {woken}");
        });
        shutdown
            .task("consumer")
            .phase("drain")
            .join(consumer)
            .expect("accepted");
        let resource = shutdown.resource("orders client", client);
        let handle = resource
            .waker(|client| client.wake())
            .close(|client| println!("closed, woken again: {}", client.take()))
            .expect("it is accepted");
        println!("has a waker: {}", handle.waker().is_some());
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("poll returned: true");
    ended.assert_says("closed, woken again: false");
}
