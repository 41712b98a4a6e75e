//! Tests of the report's text.

use super::{entry, nanos, render, roster};
use crate::buffer::TextBuffer;
use crate::render::{Facts, Kind, text};
use crate::roster::{Entry, Roster};
use crate::stack::{Captured, MAX_FRAMES, Stack};
use crate::threads::{Activity, Thread, ThreadTable};

#[test]
fn report_names_the_stuck_task_first() {
    let roster = roster();
    let slot = roster.running.add(&entry("flush the log")).unwrap();
    slot.set_thread(4242);
    slot.set_progress("segment 12 of 40");
    slot.mark_abandoned();
    let waiting = Entry {
        phase: "close",
        ..entry("close pool")
    };
    roster.pending.add(&waiting);
    assert_eq!(
        render(roster),
        "deadstop: deadline in 0.5 s: 1 task has not returned: \"flush the log\" (phase flush, 9.5 s of 3.0 s, abandoned)\n\
         deadstop:   it says \"segment 12 of 40\"\n\
         deadstop:   not begun: \"close pool\" (close)\n\
         deadstop:   cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s\n\
         deadstop:   at the deadline the process ends with status 124\n\
         deadstop: details:\n\
         deadstop: task \"flush the log\" flush 9.5 s of 3.0 s, abandoned, src/main.rs:41, thread 4242; says \"segment 12 of 40\"\n\
         deadstop: task \"close pool\" close waiting, src/main.rs:41\n\
         deadstop: end of hang report 1\n"
    );
}

#[test]
fn report_without_tasks_says_so() {
    assert_eq!(
        render(roster()),
        "deadstop: deadline in 0.5 s: no task is running, but the process has not ended\n\
         deadstop:   cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s\n\
         deadstop:   at the deadline the process ends with status 124\n\
         deadstop: details:\n\
         deadstop: end of hang report 1\n"
    );
}

#[test]
fn report_names_the_coordinator_that_has_begun_no_phase() {
    let roster = roster();
    roster.set_coordinator(7);
    let mut threads = Box::new(ThreadTable::empty());
    let mut thread = Thread::empty();
    thread.tid = 7;
    thread.state = b'S';
    thread.name.text("deadstop-run");
    thread.is_own = true;
    thread.activity = Activity::WaitsForLock;
    threads.list_for_test(thread);
    let report_of = |cause, seconds| {
        let facts = Facts {
            cause,
            begun: Some(nanos(100)),
            ..Facts::for_test(Kind::Deadline, roster, &threads, nanos(seconds))
        };
        let mut line = TextBuffer::<4096>::new();
        text(&mut line, &facts, 8);
        line.as_str().to_owned()
    };
    let report_at = |seconds| report_of(Some("SIGTERM"), seconds);
    let says =
        |report: &str| report.contains(": the shutdown was requested, but no task has begun\n");
    let line = "deadstop:   thread 7 \"deadstop-run\", which begins them, waits (lock";
    let report = report_at(102);
    assert!(says(&report) && report.contains(line), "{report}");
    // The shutdown was requested at this moment.
    let report = report_at(100);
    assert!(!says(&report) && !report.contains(line), "{report}");
    // The program has armed the watchdog, which begins no shutdown.
    let report = report_of(None, 102);
    assert!(!says(&report) && !report.contains(line), "{report}");
    roster.phases.begin("unbind", nanos(101), nanos(103));
    let report = report_at(102);
    assert!(!says(&report) && !report.contains(line), "{report}");
    // The last phase has no slot.
    for _ in 0..20 {
        roster.phases.end(nanos(101));
        roster.phases.begin("next", nanos(101), nanos(103));
    }
    let report = report_at(102);
    assert!(!says(&report) && !report.contains(line), "{report}");
}

#[test]
fn report_of_1000_tasks_counts_them_and_fits_into_a_pipe() {
    let roster = roster();
    for n in 0..1000 {
        roster
            .running
            .add(&entry(&format!("task {n} {}", "x".repeat(100))));
        roster.pending.add(&entry("waits"));
    }
    let report = render(roster);
    assert!(
        report
            .starts_with("deadstop: deadline in 0.5 s: 1000 tasks have not returned: \"task 0 xxx")
    );
    assert!(report.len() <= 4096, "{}", report.len());
    assert!(
        report.ends_with("\ndeadstop: the report is cut off here\n"),
        "{report}"
    );
}

#[test]
fn report_omits_tasks_that_were_removed() {
    let roster = roster();
    let a = roster.running.add(&entry("a"));
    let b = roster.running.add(&entry("b")).unwrap();
    roster.running.remove(a);
    let report = render(roster);
    assert!(!report.contains("\"a\""), "{report}");
    roster.running.remove(Some(b));
    // The slots are others' by now.
    roster.running.add(&entry("c"));
    a.unwrap().mark_abandoned();
    b.mark_abandoned();
    let report = render(roster);
    assert!(report.contains("\"c\" flush"), "{report}");
    assert!(!report.contains("abandoned"), "{report}");
}

#[test]
fn name_with_control_characters_stays_within_its_line() {
    let roster = roster();
    roster.running.add(&entry("a\nb\"c\\d\u{1b}[2J\u{7f}é"));
    let report = render(roster);
    assert!(
        report.contains(r#""a\nb\"c\\d\u{1b}[2J\u{7f}é" (phase"#),
        "{report}"
    );
    let plain = roster_with_plain_name();
    assert_eq!(report.lines().count(), render(plain).lines().count());
}

/// Returns a roster with one running task whose name needs no escape.
fn roster_with_plain_name() -> &'static Roster {
    let roster = roster();
    roster.running.add(&entry("a name"));
    roster
}

/// Returns the report of threads that wait, each with a stack of these functions, the innermost
/// first.
fn report_of_waiting(stacks_of: &[&[&str]]) -> String {
    let mut threads = Box::new(ThreadTable::empty());
    let mut stacks = Vec::new();
    for (tid, functions) in (2..).zip(stacks_of) {
        let mut thread = Thread::empty();
        thread.tid = tid;
        thread.state = b'S';
        thread.name.text("worker-").number(tid as u64);
        thread.activity = Activity::WaitsForLock;
        threads.list_for_test(thread);
        let mut stack = Stack::empty();
        stack.tid = tid;
        stack.captured = Captured::Yes;
        for function in *functions {
            if let Some(frame) = stack.push(1) {
                frame.function.text(function);
            }
        }
        stacks.push(stack);
    }
    let facts = Facts {
        stacks: &stacks,
        ..Facts::for_test(Kind::Status, roster(), &threads, nanos(100))
    };
    let mut line = TextBuffer::<4096>::new();
    text(&mut line, &facts, 8);
    line.as_str().to_owned()
}

#[test]
fn suspicious_threads_in_the_same_function_are_listed_once() {
    let report = report_of_waiting(&[&["app::serve"], &["app::serve"], &["app::read"]]);
    assert_eq!(report.matches("suspicious: thread").count(), 2, "{report}");
    assert_eq!(report.matches("deadstop: thread ").count(), 2, "{report}");
    let more = "deadstop:   and 1 more thread \"worker\" in the same function\n";
    assert_eq!(report.matches(more).count(), 1, "{report}");
}

/// The first screen has room for two.
#[test]
fn blocked_worker_is_more_suspicious_than_main_that_awaits_a_future() {
    const POLL: &str = "tokio::runtime::task::core::Core<T,S>::poll";
    const FIRST: &str = "std::sys::backtrace::__rust_begin_short_backtrace";
    let main = [
        "tokio::runtime::park::CachedParkThread::block_on",
        "app::main",
    ];
    // More frames than there is room for.
    let mut other = ["core::ops::function::FnOnce::call_once"; 2 * MAX_FRAMES];
    other[..3].copy_from_slice(&["async_io::driver::block_on", "app::other", FIRST]);
    // It may be in a worker: its outermost frames are not known.
    let mut cut = other;
    cut[1..3].copy_from_slice(&["app::cut", other[3]]);
    let worker = ["app::handler", POLL];
    // It keeps its worker from all other futures.
    let nested = [
        "futures_executor::local_pool::block_on",
        "app::nested",
        POLL,
    ];
    // A poll of its own future by `main`.
    let polls = ["app::polls", main[0], main[1]];
    for culprit in [&worker[..], &nested, &polls, &cut] {
        let report = report_of_waiting(&[&other, &main, culprit]);
        let mut suspects = report.lines().filter(|line| line.contains("suspicious"));
        let first = suspects.next().expect("there is one");
        assert!(first.contains(culprit_name(culprit)), "{report}");
        assert!(
            suspects
                .next()
                .is_some_and(|line| line.contains("app::other"))
        );
    }
}

/// The innermost function of the application.
fn culprit_name<'a>(stack: &[&'a str]) -> &'a str {
    let mut of_application = stack.iter().filter(|name| name.starts_with("app::"));
    of_application.next().expect("there is one")
}

#[test]
fn idle_threads_of_node_are_not_suspicious() {
    const V8: &str = "node::(anonymous namespace)::PlatformWorkerThread(void*)";
    const POP: &str = "node::TaskQueue<v8::Task>::BlockingPop()";
    let idle: &[&[&str]] = &[
        &["uv_cond_wait", "worker"],
        &["uv_cond_wait", V8],
        &["uv_cond_wait", POP, V8],
        &["uv_sem_wait", "node::inspector::StartIoThreadMain(void*)"],
    ];
    let report = report_of_waiting(idle);
    assert!(!report.contains("suspicious"), "{report}");
    // A job of the pool that waits, and a program in C whose functions have such names.
    let busy: &[&[&str]] = &[
        &["uv_cond_wait", "addon::wait", "uv__queue_work", "worker"],
        &["uv_cond_wait", "app_wait", "worker"],
        &["wait_for_work", "worker"],
        &["uv_cond_wait"],
    ];
    for stack in busy {
        let report = report_of_waiting(&[stack]);
        assert!(report.contains("suspicious"), "{stack:?} {report}");
    }
}
