use std::thread;
use std::time::Duration;

use deadstop::Phase;

use crate::{Panics, finish, hang, shutdown, victim, wait};

const MS: Duration = Duration::from_millis(1);

#[test]
fn finish_waits_for_a_kept_thread() {
    let ended = victim::run("threads::finish_waits_for_a_kept_thread", || {
        let shutdown = shutdown(30);
        let uploader = shutdown.keep("uploader").spawn(|cx| {
            cx.progress("part 3 of 7");
            while !cx.sleep(10 * MS) {}
            thread::sleep(200 * MS);
            println!("uploaded");
        });
        uploader.expect("it starts");
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        flush.on_shutdown(|_| println!("flush")).expect("accepted");
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("uploaded\nflush\n");
}

/// Many threads, because the system may end a thread slightly later than its closure returns.
#[test]
fn kept_threads_are_finished_once_finish_returns() {
    let name = "threads::kept_threads_are_finished_once_finish_returns";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let keep = |n| {
            let kept = shutdown
                .keep(format!("kept {n}"))
                .spawn(|cx| while !cx.sleep(10 * MS) {});
            kept.expect("it starts")
        };
        let kept: Vec<_> = (0..100).map(keep).collect();
        assert!(!kept.iter().any(deadstop::drain::KeptThread::is_finished));
        let _ = shutdown.finish();
        let left = kept.iter().filter(|kept| !kept.is_finished()).count();
        println!("left: {left}.");
    });
    ended.assert_status(0).assert_says("left: 0.");
}

#[test]
fn kept_thread_that_hangs_is_named_with_its_progress_text() {
    let name = "threads::kept_thread_that_hangs_is_named_with_its_progress_text";
    let ended = victim::run(name, || {
        let shutdown = shutdown(2);
        let uploader = shutdown.keep("uploader").spawn(|cx| {
            cx.progress("part 3 of 7");
            hang()
        });
        uploader.expect("it starts");
        crate::hang_in_the_last_phase(&shutdown);
        finish(&shutdown);
    });
    ended.assert_status(124);
    ended.assert_says("the work is done, and this keeps the process for");
    ended.assert_says("part 3 of 7");
}

#[test]
fn reports_name_a_kept_thread_after_its_budget() {
    let name = "threads::reports_name_a_kept_thread_after_its_budget";
    let ended = victim::run(name, || {
        let shutdown = shutdown(4);
        let uploader = shutdown.keep("uploader").budget(Duration::from_millis(600));
        let uploader = uploader.spawn(|cx| {
            cx.progress("part 3 of 7");
            hang()
        });
        uploader.expect("it starts");
        crate::hang_in_the_last_phase(&shutdown);
        finish(&shutdown);
    });
    ended.assert_status(124);
    crate::assert_named_after_its_budget(&ended, "\"uploader\" (phase drain,", "part 3 of 7");
}

#[test]
fn kept_thread_that_ended_before_leaves_no_task() {
    let name = "threads::kept_thread_that_ended_before_leaves_no_task";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        // A zero byte is not allowed in the name of a thread.
        let short = shutdown.keep("sh\0ort").spawn(|_| ()).expect("it starts");
        println!("returned {}", short.join().is_ok());
        let _ = shutdown.finish();
        let report = shutdown.report().expect("it is over");
        println!("{} tasks", report.tasks().count());
        std::process::exit(0);
    });
    ended.assert_says("returned true").assert_says("0 tasks");
}

#[test]
fn kept_thread_that_fails_or_panics_is_a_failed_task() {
    let name = "threads::kept_thread_that_fails_or_panics_is_a_failed_task";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        // One thread before the shutdown, one during it.
        let panics = shutdown.keep("cheese").spawn(|_| panic!("out of cheese"));
        println!("panicked {}", panics.expect("it starts").join().is_err());
        let fails = shutdown.keep("consumer").spawn(|cx| {
            cx.requested().wait();
            Err::<(), _>("the offsets were not committed")
        });
        fails.expect("it starts");
        finish(&shutdown);
    });
    ended.assert_status(1).assert_says("panicked true");
    ended.assert_says("failed: the offsets were not committed");
    ended.assert_says("failed: the thread panicked: out of cheese");
}

/// `std` drops the payload of a detached thread's panic, and aborts the process if this drop
/// panics.
#[test]
fn kept_thread_whose_panic_payload_panics_is_a_failed_task() {
    let name = "threads::kept_thread_whose_panic_payload_panics_is_a_failed_task";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let keep = |name| shutdown.keep(name).spawn(|_| std::panic::panic_any(Panics));
        drop(keep("detached"));
        // If the process aborted, it would do so during this time.
        thread::sleep(Duration::from_millis(300));
        let payload = keep("joined").expect("it starts").join();
        let payload = payload.expect_err("it panics");
        println!("the payload is there: {}", payload.is::<Panics>());
        Box::leak(payload);
        finish(&shutdown);
    });
    ended.assert_status(1);
    ended.assert_says("the payload is there: true");
    ended.assert_says("\"detached\" of drain took");
}

#[test]
fn joined_thread_that_fails_or_panics_fails_its_task() {
    let name = "threads::joined_thread_that_fails_or_panics_fails_its_task";
    let ended = victim::signal(name, libc::SIGTERM, || {
        let shutdown = shutdown(30);
        let fails = thread::spawn(|| Err::<(), _>("the offsets were not committed"));
        shutdown.task("consumer").join(fails).expect("accepted");
        let panics: thread::JoinHandle<()> = thread::spawn(|| panic!("out of cheese"));
        shutdown.task("cheese").join(panics).expect("accepted");
        wait(&shutdown);
    });
    ended.assert_status(1);
    ended.assert_says("the offsets were not committed");
    ended.assert_says("the thread panicked: out of cheese");
}

/// The report must show the joined thread as the thread of the task.
#[test]
fn hang_report_shows_the_joined_thread_as_the_task() {
    let name = "threads::hang_report_shows_the_joined_thread_as_the_task";
    let ended = victim::run(name, || {
        let shutdown = shutdown(1);
        let consumer = thread::Builder::new().name("consumer-7".into());
        let consumer = consumer.spawn(|| -> () { hang() });
        let task = shutdown.task("consumer").phase(Phase::CLOSE);
        task.join(consumer.expect("it starts")).expect("accepted");
        finish(&shutdown);
    });
    ended.assert_status(124);
    let of_task = |line: &&str| line.contains("task \"consumer\" close");
    let line = ended.stderr.lines().find(of_task).unwrap_or_default();
    assert!(line.contains("\"consumer-7\""), "{ended:#?}");
}

#[test]
fn joined_thread_whose_panic_payload_panics_fails_its_task_with_its_message() {
    let name = "threads::joined_thread_whose_panic_payload_panics_fails_its_task_with_its_message";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let panics: thread::JoinHandle<()> = thread::spawn(|| std::panic::panic_any(Panics));
        shutdown.task("cheese").join(panics).expect("accepted");
        finish(&shutdown);
    });
    ended.assert_status(1);
    ended.assert_says("the thread panicked: ");
}

/// A server drives each connection in this way. If the tasks remained, they would fill its
/// memory.
#[cfg(feature = "tokio")]
#[test]
fn driven_future_that_is_done_before_the_request_leaves_no_task() {
    let name = "threads::driven_future_that_is_done_before_the_request_leaves_no_task";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let runtime = tokio::runtime::Runtime::new().expect("it starts");
        let tenant = shutdown.scope("tenant");
        let fails = || async { Err::<(), _>("a failure") };
        let (requested, stopped) = (shutdown.requested(), tenant.requested());
        let drains = |task: deadstop::task::TaskBuilder| task.phase(Phase::DRAIN);
        let driven = [
            drains(shutdown.task("early")).drive(&runtime, async {}),
            drains(shutdown.task("fails")).drive(&runtime, fails()),
            drains(shutdown.task("at the request")).drive(&runtime, requested),
            drains(tenant.task("early too")).drive(&runtime, async {}),
            drains(tenant.task("at the stop")).drive(&runtime, stopped),
        ];
        let [early, _, _, early_too, _] = driven.map(|task| task.expect("it is accepted"));
        // They are removed on a worker. A task that is gone cannot be cancelled.
        thread::sleep(500 * MS);
        println!("cancelled: {} {}", early.cancel(), early_too.cancel());
        let of_tenant = tenant.stop(
            deadstop::Cause::requested("a test"),
            Duration::from_secs(20),
        );
        println!("{}", of_tenant.expect("no task waits for itself"));
        let _ = shutdown.finish();
        println!("{}", shutdown.report().expect("it is over"));
        std::process::exit(0);
    });
    ended
        .assert_says("cancelled: false false")
        .assert_says("drain  /tenant/at the stop")
        .assert_says("drain  at the request")
        .assert_says("failed: a failure")
        .assert_silent_about("early");
}
