//! `requested`: futures, threads and channels that wait for the request.

use std::future::Future;
use std::pin::pin;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::Shutdown;
use deadstop::wait::Requested;

use crate::case::{Case, passes};
use crate::scenario::{
    LONG_GRACE, hang, install, ms, panic_as_planned, run, sleep_ms, some_cause, wait_for_report,
};

tests! {
    future_is_woken_once_and_not_before_the_request,
    clones_are_woken_and_dropped_futures_are_not,
    only_the_last_waker_of_a_future_is_woken,
    panicking_waker_does_not_affect_other_wakers,
    hanging_waker_does_not_affect_other_wakers,
    future_created_during_the_request_is_woken,
    future_polled_while_the_shutdown_runs_is_ready_or_woken,
    wait_timeout_returns_whether_the_shutdown_was_requested,
    #[cfg(feature = "crossbeam-channel")] receiver_is_disconnected_by_the_request_of_its_scope,
    request_of_a_scope_wakes_it_and_inner_scopes_only,
}

fn future_is_woken_once_and_not_before_the_request() -> Case {
    passes(|| {
        let shutdown = install();
        let count = Count::new();
        let mut requested = shutdown.requested();
        for _ in 0..10 {
            assert_eq!(poll(&mut requested, &count), Poll::Pending);
        }
        sleep_ms(50);
        assert_eq!(count.get(), 0, "woken before the request");
        register_slow_task(&shutdown);
        shutdown.request(some_cause());
        assert!(count.reaches(1));
        assert_eq!(poll(&mut requested, &count), Poll::Ready(()));
        wait_for_report(&shutdown);
        sleep_ms(20);
        assert_eq!(count.get(), 1, "woken more than once");
        // A future made later is ready at once.
        let mut late = shutdown.requested();
        assert_eq!(poll(&mut late, &count), Poll::Ready(()));
    })
}

/// All futures that exist must be woken. A dropped future must not leave its waker behind.
fn clones_are_woken_and_dropped_futures_are_not() -> Case {
    passes(|| {
        const CLONES: usize = 500;
        let shutdown = install();
        let (kept, dropped, moved) = (Count::new(), Count::new(), Count::new());
        let original = shutdown.requested();
        let mut futures = vec![original.clone(); CLONES];
        for future in &mut futures {
            assert_eq!(poll(future, &kept), Poll::Pending);
        }
        let mut short_lived = vec![original.clone(); CLONES];
        for future in &mut short_lived {
            assert_eq!(poll(future, &dropped), Poll::Pending);
        }
        assert_eq!(Arc::strong_count(&dropped), CLONES + 1);
        drop(short_lived);
        assert_eq!(
            Arc::strong_count(&dropped),
            1,
            "a waker is kept without a future"
        );
        // A clone has its own waker.
        let mut polled = original;
        assert_eq!(poll(&mut polled, &moved), Poll::Pending);
        drop(polled.clone());
        assert_eq!(
            Arc::strong_count(&moved),
            2,
            "the original future keeps its waker"
        );
        drop(polled);
        assert_eq!(Arc::strong_count(&moved), 1);
        run(&shutdown);
        assert!(kept.reaches(CLONES));
        for future in &mut futures {
            assert_eq!(poll(future, &kept), Poll::Ready(()));
        }
        assert_eq!(dropped.get(), 0);
        assert_eq!(moved.get(), 0);
    })
}

fn only_the_last_waker_of_a_future_is_woken() -> Case {
    passes(|| {
        let shutdown = install();
        let (first, last) = (Count::new(), Count::new());
        let mut requested = shutdown.requested();
        assert_eq!(poll(&mut requested, &first), Poll::Pending);
        assert_eq!(poll(&mut requested, &last), Poll::Pending);
        assert_eq!(Arc::strong_count(&first), 1);
        run(&shutdown);
        assert!(last.reaches(1));
        assert_eq!(first.get(), 0);
    })
}

fn panicking_waker_does_not_affect_other_wakers() -> Case {
    passes(|| {
        request_with_bad_waker(|| panic_as_planned());
    })
}

fn hanging_waker_does_not_affect_other_wakers() -> Case {
    passes(|| {
        request_with_bad_waker(|| hang());
    })
}

/// Threads create and poll futures while the shutdown is requested. Each future must be ready or
/// woken.
fn future_created_during_the_request_is_woken() -> Case {
    passes(|| {
        let shutdown = install();
        register_slow_task(&shutdown);
        thread::scope(|threads| {
            for n in 0..16 {
                let shutdown = &shutdown;
                threads.spawn(move || {
                    let unpark = Arc::new(Unpark(thread::current()));
                    loop {
                        let mut requested = shutdown.requested();
                        if poll(&mut requested, &unpark).is_ready() {
                            break;
                        }
                        if n % 2 == 0 && !shutdown.is_requested() {
                            continue;
                        }
                        // If its waker were lost, the thread would wait for ever.
                        while poll(&mut requested, &unpark).is_pending() {
                            thread::park();
                        }
                        break;
                    }
                });
            }
            sleep_ms(30);
            shutdown.request(some_cause());
        });
        wait_for_report(&shutdown);
    })
    .times(5)
}

/// The shutdown is requested, and ends, in the middle of a poll: this waker runs the shutdown
/// when it is cloned. The future must be ready, or woken later.
fn future_polled_while_the_shutdown_runs_is_ready_or_woken() -> Case {
    passes(|| {
        static WOKEN: AtomicUsize = AtomicUsize::new(0);
        fn count(_: *const ()) {
            WOKEN.fetch_add(1, Ordering::SeqCst);
        }
        const ASKING: RawWaker = RawWaker::new(
            ptr::null(),
            &RawWakerVTable::new(
                |_| {
                    let shutdown = Shutdown::installed().expect("a shutdown is installed");
                    run(&shutdown);
                    ASKING
                },
                count,
                count,
                |_| {},
            ),
        );
        let shutdown = install();
        // SAFETY: the functions need no data, and may be called on any thread.
        let waker = unsafe { Waker::from_raw(ASKING) };
        let mut requested = pin!(shutdown.requested());
        let polled = requested.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(shutdown.report().is_some(), "the poll clones the waker");
        if polled.is_pending() {
            sleep_ms(500);
            assert!(WOKEN.load(Ordering::SeqCst) > 0, "never woken");
        }
    })
}

fn wait_timeout_returns_whether_the_shutdown_was_requested() -> Case {
    passes(|| {
        let shutdown = install();
        let begun = Instant::now();
        assert!(!shutdown.requested().wait_timeout(ms(100)));
        assert!(
            begun.elapsed() >= ms(100),
            "too early: {:?}",
            begun.elapsed()
        );
        assert!(!shutdown.requested().wait_timeout(Duration::ZERO));
        register_slow_task(&shutdown);
        thread::scope(|threads| {
            for n in 0..16 {
                let requested = shutdown.requested();
                let shutdown = &shutdown;
                threads.spawn(move || {
                    match n % 2 {
                        0 => requested.wait(),
                        _ => assert!(requested.wait_timeout(Duration::MAX)),
                    }
                    assert!(shutdown.is_requested());
                });
            }
            sleep_ms(20);
            shutdown.request(some_cause());
        });
        assert!(shutdown.requested().wait_timeout(Duration::ZERO));
        wait_for_report(&shutdown);
    })
}

/// The test has a channel for the shutdown, for a scope, and for a detached scope. Each must be
/// disconnected by its own request only.
#[cfg(feature = "crossbeam-channel")]
fn receiver_is_disconnected_by_the_request_of_its_scope() -> Case {
    passes(|| {
        use crossbeam_channel::RecvTimeoutError::{Disconnected, Timeout};

        let shutdown = install();
        let (plugin, metrics) = (shutdown.scope("plugin"), shutdown.detached_scope("metrics"));
        let whole = shutdown.requested().receiver();
        let of_plugin = plugin.requested().receiver();
        let of_metrics = metrics.requested().receiver();
        for receiver in [&whole, &of_plugin, &of_metrics] {
            assert_eq!(receiver.recv_timeout(ms(30)), Err(Timeout));
        }
        thread::scope(|threads| {
            let waits = threads.spawn(|| of_plugin.recv_timeout(LONG_GRACE));
            sleep_ms(20);
            assert!(plugin.stop(some_cause(), LONG_GRACE).is_ok());
            assert_eq!(
                waits.join().expect("the thread does not panic"),
                Err(Disconnected)
            );
        });
        for receiver in [&whole, &of_metrics] {
            assert_eq!(receiver.recv_timeout(ms(30)), Err(Timeout));
        }
        thread::scope(|threads| {
            let waits = [
                threads.spawn(|| whole.recv_timeout(LONG_GRACE)),
                threads.spawn(|| shutdown.requested().receiver().recv_timeout(LONG_GRACE)),
            ];
            sleep_ms(20);
            shutdown.request(some_cause());
            let heard = waits.map(|waits| waits.join().expect("the thread does not panic"));
            assert_eq!(heard, [Err(Disconnected); 2]);
        });
        // A receiver made later is resolved at once.
        let late = shutdown.requested().receiver();
        assert_eq!(late.recv_timeout(Duration::ZERO), Err(Disconnected));
        assert_eq!(of_metrics.recv_timeout(ms(30)), Err(Timeout));
        wait_for_report(&shutdown);
    })
}

/// The request of a scope must wake its own futures and those of inner scopes. The request of
/// the shutdown must wake those of all scopes except detached ones.
fn request_of_a_scope_wakes_it_and_inner_scopes_only() -> Case {
    passes(|| {
        let shutdown = install();
        let scopes = [
            shutdown.scope("a"),
            shutdown.scope("a/b"),
            shutdown.scope("c"),
            shutdown.detached_scope("d"),
        ];
        let counts = [(); 4].map(|()| Count::new());
        let mut futures = scopes.each_ref().map(|scope| scope.requested());
        for (future, count) in futures.iter_mut().zip(&counts) {
            assert_eq!(poll(future, count), Poll::Pending);
        }
        let woken = || counts.each_ref().map(|count| count.get());
        let requested = || scopes.each_ref().map(|scope| scope.is_requested());
        let stopped = scopes[0].stop(some_cause(), LONG_GRACE);
        assert!(stopped.is_ok());
        assert!(counts[0].reaches(1) && counts[1].reaches(1));
        assert_eq!(woken(), [1, 1, 0, 0]);
        assert_eq!(requested(), [true, true, false, false]);
        assert!(!shutdown.is_requested());
        run(&shutdown);
        assert!(counts[2].reaches(1));
        assert_eq!(woken(), [1, 1, 1, 0]);
        assert_eq!(requested(), [true, true, true, false]);
    })
}

/// Counts its wake-ups.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Count {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Waits until it has been woken `times` times. Returns `false` if it was not, or more
    /// often.
    fn reaches(&self, times: usize) -> bool {
        let patience = Instant::now() + LONG_GRACE;
        while self.get() < times && Instant::now() < patience {
            sleep_ms(1);
        }
        self.get() == times
    }
}

/// Polls once, with `wakes` as the waker.
fn poll(future: &mut Requested, wakes: &Arc<impl Wake + Send + Sync + 'static>) -> Poll<()> {
    let waker = Waker::from(Arc::clone(wakes));
    pin!(future).poll(&mut Context::from_waker(&waker))
}

/// Registers a task that takes 100 ms.
fn register_slow_task(shutdown: &Shutdown) {
    let task = shutdown.task("slow");
    task.on_shutdown(|_| sleep_ms(100))
        .expect("the shutdown has not begun");
}

/// Wakers run foreign code. Requests the shutdown while half of the wakers call `act`, and
/// asserts that the other half are woken.
fn request_with_bad_waker(act: fn()) {
    struct Bad(fn());
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    let shutdown = install();
    let count = Count::new();
    let mut good = vec![shutdown.requested(); 16];
    let mut bad = vec![shutdown.requested(); 16];
    for (good, bad) in good.iter_mut().zip(&mut bad) {
        assert_eq!(poll(good, &count), Poll::Pending);
        assert_eq!(poll(bad, &Arc::new(Bad(act))), Poll::Pending);
    }
    register_slow_task(&shutdown);
    let report = run(&shutdown);
    assert!(report.is_clean());
    assert!(count.reaches(16), "{} of 16 were woken", count.get());
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
