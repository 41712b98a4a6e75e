//! The report for people, line by line.

use super::scene::{
    BegunPhase, CapturedFrame, CapturedStack, Fate, ListedThread, WAITS_FOR_LOCK, frame,
    one_task_on_a_listed_thread, with_facts,
};
use super::*;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{first_screen, text};
use deadstop_core::stack::Captured;

fn frames() -> Vec<CapturedFrame> {
    vec![
        frame("libc.so.6", "write", ""),
        frame("app", "std::io::Write::write_all", "std/src/io/mod.rs:9"),
        frame("app", "app::flush::{{closure}}", "src/main.rs:72"),
        frame("app", "<app::Log as core::ops::drop::Drop>::drop", ""),
        frame("app", "deadstop::coordinator::run", "src/run.rs:1"),
        frame("app", "std::panicking::catch_unwind", ""),
        frame("app", "__rust_try", ""),
    ]
}

fn called(name: &str, fate: Fate, task: &Registered) -> Registered {
    Registered {
        name: name.to_owned(),
        tid: 0,
        fate,
        ..task.clone()
    }
}

/// All that a report may have.
fn scene() -> Scene {
    let mut scene = one_task_on_a_listed_thread();
    scene.cause = Some("SIGTERM from pid 1".to_owned());
    scene.running[0].says = "segment 12".to_owned();
    scene.running[0].fate = Fate::Abandoned;
    let first = scene.running[0].clone();
    scene.running.push(called("failed", Fate::Failed, &first));
    scene.running.push(called("late", Fate::Late, &first));
    scene.waiting.push(called("next", Fate::Runs, &first));
    let phase = |name: &str, started, ends, ended: Option<u64>| {
        let nanos = |seconds: u64| seconds * 1_000_000_000;
        BegunPhase {
            name: name.to_owned(),
            started: nanos(started),
            ends: nanos(ends),
            ended: ended.map(nanos),
        }
    };
    scene.phases = vec![phase("unbind", 1, 3, Some(2)), phase("flush", 2, 20, None)];
    scene.stacks = vec![
        CapturedStack::of(7, frames()),
        CapturedStack {
            captured: Captured::Blocked,
            ..CapturedStack::of(9, Vec::new())
        },
    ];
    scene.total = 0;
    scene
}

fn rendered(scene: &Scene) -> String {
    let mut lines = Box::new(TextBuffer::<65536>::new());
    with_facts(scene, |facts| text(&mut lines, facts, usize::MAX));
    lines.as_str().to_owned()
}

/// The lines before the details.
fn screen(scene: &Scene) -> String {
    let mut lines = Box::new(TextBuffer::<65536>::new());
    with_facts(scene, |facts| first_screen(&mut lines, facts));
    let whole = rendered(scene);
    assert!(whole.starts_with(lines.as_str()), "{whole}");
    assert!(lines.as_str().lines().count() <= 10, "{}", lines.as_str());
    lines.as_str().to_owned()
}

#[test]
fn report_begins_with_the_culprit_and_folds_the_rest() {
    assert_eq!(
        rendered(&scene()),
        r#"deadstop: deadline in 5.0 s: 2 tasks have not returned: "with a thread" (phase flush, 12.0 s of 2.5 s, abandoned), "without" (phase flush, 13.0 s of no end)
deadstop:   it says "segment 12"
deadstop:   it is in app::flush::{closure} (src/main.rs:72): thread 7 sleeps
deadstop:   not begun: "next" (flush)
deadstop:   cause: SIGTERM from pid 1, 14.0 s ago; grace 19.0 s
deadstop:   at the deadline the process ends with status 124
deadstop: details:
deadstop: task "with a thread" flush 12.0 s of 2.5 s, abandoned, src/main.rs:1, thread 7 "t" S -, sleeps; says "segment 12"
deadstop:   #0 write (libc.so.6+0x1f)
deadstop:   … 1 frame of std
deadstop:   #2 app::flush::{closure} (src/main.rs:72)
deadstop:   #3 <app::Log as core::ops::drop::Drop>::drop (app+0x1f)
deadstop:   … 3 frames of deadstop, std
deadstop: task "without" flush 13.0 s of no end, src/main.rs:1
deadstop: 2 threads "t": sleeps
deadstop: task "next" flush waiting, src/main.rs:1
deadstop: phase unbind at 0.0 s, 1.0 s of 2.0 s, over
deadstop: phase flush at 1.0 s, 13.0 s of 18.0 s, running
deadstop: task "failed" flush at 2.0 s, 1.0 s of 2.5 s, failed, src/main.rs:1
deadstop: task "late" flush at 2.0 s, 1.0 s of 2.5 s, late, src/main.rs:1
deadstop: task "over" flush at 3.0 s, 1.0 s of no end, done, src/main.rs:1
deadstop: end of hang report 1
"#
    );
}

#[test]
fn report_without_names_has_one_line_of_places() {
    let mut scene = scene();
    for frame in &mut scene.stacks[0].frames {
        frame.function.clear();
    }
    let text = rendered(&scene);
    let line =
        "deadstop:   at libc.so.6+0x1f app+0x1f app+0x1f app+0x1f app+0x1f app+0x1f app+0x1f\n";
    assert!(text.contains(line), "{text}");
    assert!(
        screen(&scene).contains("\ndeadstop:   it is on thread 7, which sleeps\n"),
        "{text}"
    );
}

#[test]
fn report_without_tasks_says_so() {
    let mut scene = scene();
    scene.running.clear();
    scene.waiting.clear();
    scene.stacks.clear();
    let head = "deadstop: deadline in 5.0 s: no task is running, but the process has not ended\n";
    assert!(screen(&scene).starts_with(head));
    (scene.status, scene.at, scene.begun) = (true, None, None);
    assert_eq!(
        screen(&scene),
        "deadstop: status report, no deadline: no task is running\n\
         deadstop:   cause: none, the shutdown has not begun\n"
    );
}

#[test]
fn tasks_without_room_are_counted() {
    let mut scene = scene();
    let (first, phase) = (scene.running[1].clone(), scene.phases[1].clone());
    scene.running = (0..70)
        .map(|n| called(&format!("t{n}"), Fate::Runs, &first))
        .collect();
    scene.waiting = (0..35)
        .map(|n| called(&format!("w{n}"), Fate::Runs, &first))
        .collect();
    scene.phases = vec![phase; 18];
    let text = rendered(&scene);
    for line in [
        "deadstop: deadline in 5.0 s: 70 tasks have not returned: \"t0\" (phase flush, 13.0 s of \
         no end), \"t1\" (phase flush, 13.0 s of no end), \"t2\" (phase flush, 13.0 s of no end), \
         ...\n",
        "deadstop:   not begun: \"w0\" (flush), \"w1\" (flush), \"w2\" (flush) and 32 more\n",
        "deadstop: and 6 more tasks running\n",
        "deadstop: and 3 more tasks waiting\n",
        "deadstop: and 2 more phases\n",
    ] {
        assert_eq!(text.matches(line).count(), 1, "{line}{text}");
    }
    assert_eq!(text.matches("deadstop: task \"t").count(), 64, "{text}");
    assert_eq!(text.matches("deadstop: task \"w").count(), 32, "{text}");
    screen(&scene);
}

fn waiting_worker(tid: i32) -> ListedThread {
    ListedThread {
        busy: Some(0),
        ..ListedThread::asleep(tid, &format!("worker {tid}"), WAITS_FOR_LOCK)
    }
}

/// Threads 1 to 4 have blockers in a scene; see `with_facts`.
#[test]
fn what_a_culprit_waits_for_is_followed_to_the_end() {
    let mut scene = scene();
    scene.running[0].tid = 1;
    scene.running.truncate(1);
    scene.threads = (1..5).map(waiting_worker).collect();
    let text = screen(&scene);
    let chain = "deadstop:   it waits for the end of thread 2 \"worker 2\", which waits for \
                 thread 3 \"worker 3\", which waits for thread 4 \"worker 4\", which waits \
                 (lock, channel, condition or join), 0 % busy, and waits for process 77 \"worker 4\" in state S and 2 others\n";
    assert!(text.contains(chain), "{text}");
    let still = "deadstop:   it has not moved for 6.0 s: it did not run between 3 samples\n";
    assert!(text.contains(still), "{text}");
    assert!(!text.contains("suspicious"), "it is in the chain: {text}");
}

#[test]
fn culprit_that_waits_for_a_descriptor_of_its_process_says_which() {
    let mut scene = scene();
    scene.running[0].tid = 5;
    scene.running.truncate(1);
    scene.threads = vec![ListedThread {
        busy: Some(0),
        ..ListedThread::asleep(5, "reader", WAITS_FOR_LOCK)
    }];
    let text = screen(&scene);
    let line = "deadstop:   it waits for this process: the other end is its descriptor 9\n";
    assert!(text.contains(line), "{text}");
}

/// The first screen of a scene whose culprit has these frames.
fn screen_of(frames: Vec<CapturedFrame>) -> String {
    let mut scene = scene();
    scene.stacks = vec![CapturedStack::of(7, frames)];
    screen(&scene)
}

#[test]
fn frame_of_a_dependency_is_followed_by_the_applications_that_called_it() {
    let own = frame("app", "app::flush", "src/main.rs:72");
    let below = frame(
        "app",
        "<redis::Client as redis::Cmd>::query",
        "redis-0.27.5/src/cmd.rs:9",
    );
    let lookup = frame("libpq.so.5.15", "PQgetResult", "");
    let c = frame("app", "sqlite3_step", "");
    let between = frame(
        "app",
        "tokio::runtime::block_on",
        "tokio-1.45.0/src/lib.rs:1",
    );
    for (innermost, is) in [
        (
            below,
            "<redis::Client as redis::Cmd>::query (redis-0.27.5/src/cmd.rs:9)",
        ),
        (lookup, "PQgetResult (libpq.so.5.15+0x1f)"),
        (c, "sqlite3_step (app+0x1f)"),
    ] {
        let text = screen_of(vec![innermost, between.clone(), own.clone()]);
        let line = format!("is in {is}, called by app::flush (src/main.rs:72): ");
        assert!(text.contains(&line), "{text}");
    }
    let text = screen_of(vec![own.clone(), own]);
    assert!(
        text.contains("is in app::flush (src/main.rs:72): "),
        "{text}"
    );
    assert!(!text.contains("called by"), "{text}");
}

/// Without lines, as in a program without debug information, the name of the program's
/// file is that of its crate.
#[test]
fn frame_of_another_crate_without_a_line_is_followed_by_one_of_the_programs_crate() {
    let frame = |function| frame("my-app", function, "");
    let text = screen_of(vec![frame("redis::query"), frame("my_app::flush")]);
    let line = "is in redis::query (my-app+0x1f), called by my_app::flush (my-app+0x1f): ";
    assert!(text.contains(line), "{text}");
    let text = screen_of(vec![frame("redis::query"), frame("redis::cmd")]);
    assert!(!text.contains("called by"), "{text}");
}

/// Threads 16 to 18 wait for one lock in a scene, and 19 and 20 for another.
#[test]
fn threads_that_wait_for_the_same_lock_are_listed_together() {
    let mut scene = scene();
    scene.running[0].tid = 16;
    scene.running.truncate(1);
    scene.threads = (16..21).map(waiting_worker).collect();
    let first = "deadstop:   it waits for the same lock or condition as thread 17 \"worker 17\", \
                 thread 18 \"worker 18\"\n";
    assert!(screen(&scene).contains(first), "{}", screen(&scene));
    let text = rendered(&scene);
    let task = &scene.running[0].name;
    let line = format!(
        "deadstop: 3 threads wait for the same lock or condition: task {task:?}, thread 17 \
         \"worker 17\", thread 18 \"worker 18\"\n"
    );
    assert!(text.contains(&line), "{text}");
    let idle = "deadstop: 2 threads wait for the same";
    assert!(!text.contains(idle), "no task is among them: {text}");
}

#[test]
fn two_tasks_that_hang_on_one_thread_have_one_line_for_it() {
    let mut scene = scene();
    scene.running.truncate(2);
    scene.running[1].fate = Fate::Runs;
    scene.running[1].tid = scene.running[0].tid;
    let text = screen(&scene);
    let name = format!("deadstop:   {:?} ", scene.running[1].name);
    assert!(text.contains("2 tasks have not returned"), "{text}");
    assert!(!text.contains(&name), "{text}");
}

#[test]
fn names_of_both_manglings_are_written_alike() {
    for name in ["app::flush::{{closure}}", "app::flush::{closure#12}"] {
        let text = screen_of(vec![frame("app", name, "src/main.rs:72")]);
        let is_in = "is in app::flush::{closure} (src/main.rs:72): ";
        assert!(text.contains(is_in), "{text}");
    }
    let text = screen_of(vec![frame("app", "_start", "")]);
    assert!(!text.contains("is in"), "{text}");
}

#[test]
fn message_that_is_cut_ends_with_a_whole_line() {
    let mut scene = scene();
    scene.waiting = (0..30)
        .map(|n| called(&format!("w{n}"), Fate::Runs, &scene.running[1]))
        .collect();
    let mut message = Box::new(TextBuffer::<1024>::new());
    with_facts(&scene, |facts| text(&mut message, facts, 8));
    assert!(
        message
            .as_str()
            .ends_with("\ndeadstop: the report is cut off here\n"),
        "{}",
        message.as_str()
    );
    let whole = rendered(&scene);
    let kept = message
        .as_str()
        .trim_end_matches("deadstop: the report is cut off here\n");
    assert!(whole.starts_with(kept), "{kept}");
}

#[test]
fn missing_stack_has_its_reason() {
    for (captured, why) in [
        (Captured::Blocked, "the thread blocks the signal"),
        (Captured::Gone, "the thread is gone"),
        (Captured::NoAnswer, "the thread did not answer"),
        (
            Captured::SignalTaken,
            "another handler replaced ours for this signal",
        ),
        (
            Captured::Unavailable,
            "this process cannot capture stacks; the log of its start says why",
        ),
    ] {
        let mut scene = scene();
        scene.stacks = vec![CapturedStack {
            captured,
            ..CapturedStack::of(7, Vec::new())
        }];
        let line = format!("deadstop:   no stack: {why}\n");
        assert!(rendered(&scene).contains(&line), "{line}");
    }
}

/// The program is static.
#[test]
fn frame_of_a_c_library_in_the_program_is_not_the_applications() {
    let own = frame("app", "app::flush", "src/main.rs:72");
    for function in [
        "syscall",
        "__lll_lock_wait",
        "pthread_cond_wait",
        "_int_malloc",
    ] {
        let text = screen_of(vec![frame("app", function, ""), own.clone()]);
        let line = "is in app::flush (src/main.rs:72): ";
        assert!(text.contains(line), "{text}");
    }
}

/// A symbolizer finds the names later, in the debug information of the same build.
#[test]
fn frames_of_a_stripped_program_have_their_places_among_those_with_names() {
    let mut scene = scene();
    scene.stacks[0].frames = vec![
        frame("libc.so.6", "syscall", ""),
        frame("app", "", ""),
        frame("app", "", ""),
        frame("libc.so.6", "", ""),
        frame("libc.so.6", "", ""),
        frame("", "", ""),
        frame("app", "", ""),
    ];
    let text = rendered(&scene);
    let lines = "\
deadstop:   #0 syscall (libc.so.6+0x1f)
deadstop:   at app+0x1f app+0x1f
deadstop:   … 3 frames of the C library, unknown functions
deadstop:   at app+0x1f
";
    assert!(text.contains(lines), "{text}");
}
