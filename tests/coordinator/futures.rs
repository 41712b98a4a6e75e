//! The moment of the request, for futures and for threads.

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

use crate::case::{Case, sees};
use crate::scenario::{LONG, hang, install, ms, panic_as_planned, reported, run, sleep_ms, why};

tests! {
    future_is_woken_exactly_after_the_request,
    every_clone_is_woken_and_no_dropped_one,
    last_waker_is_the_one_that_is_woken,
    waker_that_panics_costs_the_others_nothing,
    waker_that_hangs_costs_the_others_nothing,
    future_that_comes_with_the_request_is_woken,
    future_that_is_polled_across_the_request_is_not_lost,
    threads_wait_for_the_request_as_long_as_they_like,
    #[cfg(feature = "crossbeam-channel")] channel_is_disconnected_at_the_request_it_is_of,
    scopes_request_is_heard_by_it_and_by_what_is_in_it,
}

/// Not before it, and once.
fn future_is_woken_exactly_after_the_request() -> Case {
    sees(|| {
        let shutdown = install();
        let count = Count::new();
        let mut requested = shutdown.requested();
        for _ in 0..10 {
            assert_eq!(poll(&mut requested, &count), Poll::Pending);
        }
        sleep_ms(50);
        assert_eq!(count.get(), 0, "woken before the request");
        slow(&shutdown);
        shutdown.request(why());
        assert!(count.comes_to(1));
        assert_eq!(poll(&mut requested, &count), Poll::Ready(()));
        reported(&shutdown);
        sleep_ms(20);
        assert_eq!(count.get(), 1, "woken once");
        // A future made later is ready at once.
        let mut late = shutdown.requested();
        assert_eq!(poll(&mut late, &count), Poll::Ready(()));
    })
}

/// All waiters wake, and those that are gone leave nothing behind.
fn every_clone_is_woken_and_no_dropped_one() -> Case {
    sees(|| {
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
        // A clone is not in the place of what it was cloned from.
        let mut polled = original;
        assert_eq!(poll(&mut polled, &moved), Poll::Pending);
        drop(polled.clone());
        assert_eq!(Arc::strong_count(&moved), 2, "still waits");
        drop(polled);
        assert_eq!(Arc::strong_count(&moved), 1);
        run(&shutdown);
        assert!(kept.comes_to(CLONES));
        for future in &mut futures {
            assert_eq!(poll(future, &kept), Poll::Ready(()));
        }
        assert_eq!(dropped.get(), 0);
        assert_eq!(moved.get(), 0);
    })
}

fn last_waker_is_the_one_that_is_woken() -> Case {
    sees(|| {
        let shutdown = install();
        let (first, last) = (Count::new(), Count::new());
        let mut requested = shutdown.requested();
        assert_eq!(poll(&mut requested, &first), Poll::Pending);
        assert_eq!(poll(&mut requested, &last), Poll::Pending);
        assert_eq!(Arc::strong_count(&first), 1);
        run(&shutdown);
        assert!(last.comes_to(1));
        assert_eq!(first.get(), 0);
    })
}

fn waker_that_panics_costs_the_others_nothing() -> Case {
    sees(|| {
        requested_with_a_bad_waker(|| panic_as_planned());
    })
}

fn waker_that_hangs_costs_the_others_nothing() -> Case {
    sees(|| {
        requested_with_a_bad_waker(|| hang());
    })
}

/// Waiters registered during the trigger.
///
/// A future that is polled while the request is made hears it.
fn future_that_comes_with_the_request_is_woken() -> Case {
    sees(|| {
        let shutdown = install();
        slow(&shutdown);
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
                        // It would wait forever if its waker were lost.
                        while poll(&mut requested, &unpark).is_pending() {
                            thread::park();
                        }
                        break;
                    }
                });
            }
            sleep_ms(30);
            shutdown.request(why());
        });
        reported(&shutdown);
    })
    .times(5)
}

/// Between the look and the note.
///
/// A request that comes, and is over, in the middle of a poll: a future that keeps a
/// waker clones it, and this one asks for the end as it is cloned.
fn future_that_is_polled_across_the_request_is_not_lost() -> Case {
    sees(|| {
        static WOKEN: AtomicUsize = AtomicUsize::new(0);
        fn count(_: *const ()) {
            WOKEN.fetch_add(1, Ordering::SeqCst);
        }
        const ASKING: RawWaker = RawWaker::new(
            ptr::null(),
            &RawWakerVTable::new(
                |_| {
                    let shutdown = Shutdown::installed().expect("it is installed");
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
        assert!(shutdown.report().is_some(), "it has been cloned");
        if polled.is_pending() {
            sleep_ms(500);
            assert!(WOKEN.load(Ordering::SeqCst) > 0, "never woken");
        }
    })
}

fn threads_wait_for_the_request_as_long_as_they_like() -> Case {
    sees(|| {
        let shutdown = install();
        let begun = Instant::now();
        assert!(!shutdown.requested().wait_timeout(ms(100)));
        assert!(begun.elapsed() >= ms(100), "early: {:?}", begun.elapsed());
        assert!(!shutdown.requested().wait_timeout(Duration::ZERO));
        slow(&shutdown);
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
            shutdown.request(why());
        });
        assert!(shutdown.requested().wait_timeout(Duration::ZERO));
        reported(&shutdown);
    })
}

/// For `select!`: a channel of the whole, one of a scope, and one of a scope that
/// does not stop with the whole.
#[cfg(feature = "crossbeam-channel")]
fn channel_is_disconnected_at_the_request_it_is_of() -> Case {
    sees(|| {
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
            let waits = threads.spawn(|| of_plugin.recv_timeout(LONG));
            sleep_ms(20);
            assert!(plugin.stop(why(), LONG).is_ok());
            assert_eq!(waits.join().expect("it returns"), Err(Disconnected));
        });
        for receiver in [&whole, &of_metrics] {
            assert_eq!(receiver.recv_timeout(ms(30)), Err(Timeout));
        }
        thread::scope(|threads| {
            let waits = [
                threads.spawn(|| whole.recv_timeout(LONG)),
                threads.spawn(|| shutdown.requested().receiver().recv_timeout(LONG)),
            ];
            sleep_ms(20);
            shutdown.request(why());
            let heard = waits.map(|waits| waits.join().expect("it returns"));
            assert_eq!(heard, [Err(Disconnected); 2]);
        });
        // A receiver made later is resolved at once.
        let late = shutdown.requested().receiver();
        assert_eq!(late.recv_timeout(Duration::ZERO), Err(Disconnected));
        assert_eq!(of_metrics.recv_timeout(ms(30)), Err(Timeout));
        reported(&shutdown);
    })
}

/// Down the tree, and not up.
///
/// A scope's request is heard by it and by what is in it, and by no other scope;
/// the whole's by all but those that are detached.
fn scopes_request_is_heard_by_it_and_by_what_is_in_it() -> Case {
    sees(|| {
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
        let stopped = scopes[0].stop(why(), LONG);
        assert!(stopped.is_ok());
        assert!(counts[0].comes_to(1) && counts[1].comes_to(1));
        assert_eq!(woken(), [1, 1, 0, 0]);
        assert_eq!(requested(), [true, true, false, false]);
        assert!(!shutdown.is_requested());
        run(&shutdown);
        assert!(counts[2].comes_to(1));
        assert_eq!(woken(), [1, 1, 1, 0]);
        assert_eq!(requested(), [true, true, true, false]);
    })
}

/// Counts how often it is woken.
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

    /// Waits until it has been woken as often as this.
    fn comes_to(&self, times: usize) -> bool {
        let patience = Instant::now() + LONG;
        while self.get() < times && Instant::now() < patience {
            sleep_ms(1);
        }
        self.get() == times
    }
}

/// Polls once, with `wakes` to be woken.
fn poll(future: &mut Requested, wakes: &Arc<impl Wake + Send + Sync + 'static>) -> Poll<()> {
    let waker = Waker::from(Arc::clone(wakes));
    pin!(future).poll(&mut Context::from_waker(&waker))
}

/// Registers a task that keeps the shutdown running for a moment.
fn slow(shutdown: &Shutdown) {
    let task = shutdown.task("slow");
    task.on_shutdown(|_| sleep_ms(100))
        .expect("it has not begun");
}

/// A waker is foreign code; what it does must not harm the others.
fn requested_with_a_bad_waker(act: fn()) {
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
    slow(&shutdown);
    let report = run(&shutdown);
    assert!(report.is_clean());
    assert!(count.comes_to(16), "{} of 16 were woken", count.get());
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
