//! A report for people, word by word.

use super::*;

fn frame(module: &str, function: &str, site: &str) -> (usize, String, u64, String, String) {
    let [module, function, site] = [module, function, site].map(str::to_owned);
    (0xabc, module, 0x1f, function, site)
}

/// A stack of which four frames are to be told.
fn frames() -> Vec<(usize, String, u64, String, String)> {
    vec![
        frame("app", "app::flush", "src/main.rs:72"),
        frame("app", "app::main", ""),
        frame("app", "", ""),
        frame("", "", ""),
        frame("", "", ""),
    ]
}

fn called(name: &str, fate: u8, task: &Registered) -> Registered {
    Registered {
        name: name.to_owned(),
        tid: 0,
        fate,
        ..task.clone()
    }
}

/// All that there may be.
fn scene() -> Scene {
    let mut scene = one_task_on_a_listed_thread();
    scene.cause = Some("SIGTERM from pid 1".to_owned());
    scene.running[0].says = "segment 12".to_owned();
    scene.running[1].fate = 1;
    let first = scene.running[0].clone();
    scene.running.push(called("failed", 3, &first));
    scene.running.push(called("late", 4, &first));
    scene.waiting.push(called("next", 0, &first));
    let phase = |name: &str, started, ends, ended: Option<u64>| {
        let nanos = |seconds: u64| seconds * 1_000_000_000;
        let name = name.to_owned();
        (name, nanos(started), nanos(ends), ended.map(nanos))
    };
    scene.phases = vec![phase("unbind", 1, 3, Some(2)), phase("flush", 2, 20, None)];
    scene.refused = 13;
    scene.stacks = vec![(7, 5, frames()), (9, 0, Vec::new())];
    scene.frames = 4;
    scene
}

#[test]
fn a_report_says_who_hangs_and_where_and_what_else_there_is() {
    assert_eq!(
        rendered(&scene()),
        r#"deadstop: deadline in 5.0 s: 2 tasks have not returned: "without" (phase flush, 13.0 s), "with a thread" (phase flush, 12.0 s)
deadstop: cause: SIGTERM from pid 1, 14.0 s ago; grace 19.0 s
deadstop: task "without" flush 13.0 s of no end, abandoned, src/main.rs:1
deadstop: task "with a thread" flush 12.0 s of 2.5 s, src/main.rs:1, thread 7 "t" S -, sleeps; says "segment 12"
deadstop:   #0 app::flush (app+0x1f, src/main.rs:72)
deadstop:   #1 app::main (app+0x1f)
deadstop:   #2 app+0x1f
deadstop:   #3 0xabc
deadstop:   and 1 more frames
deadstop: task "next" flush waiting, src/main.rs:1
deadstop: thread 8 "t" S -, sleeps
deadstop: thread 9 "t" S -, sleeps
deadstop:   no stack: the thread blocks the signal
deadstop: and 9 more threads
deadstop: threads are not known: /proc is refused with error 13
deadstop: phase unbind at 0.0 s, 1.0 s of 2.0 s, over
deadstop: phase flush at 1.0 s, 13.0 s of 18.0 s, running
deadstop: task "failed" flush at 2.0 s, 1.0 s of 2.5 s, failed, src/main.rs:1
deadstop: task "late" flush at 2.0 s, 1.0 s of 2.5 s, late, src/main.rs:1
deadstop: task "over" flush at 3.0 s, 1.0 s of no end, done, src/main.rs:1
deadstop: end of hang report 1
"#
    );
}

/// Nothing is said of what there is not, and a thread that is known by its id
/// alone is told by it.
#[test]
fn a_report_is_silent_about_what_there_is_not() {
    let mut scene = scene();
    scene.running.truncate(1);
    scene.running[0].tid = 5;
    scene.running[0].says.clear();
    scene.waiting.clear();
    scene.phases.clear();
    scene.threads.clear();
    scene.total = 0;
    scene.refused = 0;
    scene.cause = None;
    scene.stacks = vec![(5, 5, frames()[..4].to_vec())];
    assert_eq!(
        rendered(&scene),
        r#"deadstop: deadline in 5.0 s: 1 task has not returned: "with a thread" (phase flush, 12.0 s)
deadstop: cause: not known, 14.0 s ago; grace 19.0 s
deadstop: task "with a thread" flush 12.0 s of 2.5 s, src/main.rs:1, thread 5
deadstop:   #0 app::flush (app+0x1f, src/main.rs:72)
deadstop:   #1 app::main (app+0x1f)
deadstop:   #2 app+0x1f
deadstop:   #3 0xabc
deadstop: end of hang report 1
"#
    );
    scene.running.clear();
    scene.stacks.clear();
    assert_eq!(
        rendered(&scene),
        "deadstop: deadline in 5.0 s: no task is running, but the process has not ended\n\
         deadstop: cause: not known, 14.0 s ago; grace 19.0 s\n\
         deadstop: end of hang report 1\n"
    );
    (scene.dump, scene.at, scene.begun) = (true, None, None);
    assert_eq!(
        rendered(&scene),
        "deadstop: dump, no deadline: no task is running\n\
         deadstop: cause: none, the shutdown has not begun\n\
         deadstop: end of hang report 1\n"
    );
}

/// Those for which there is no room are counted.
#[test]
fn a_crowd_is_counted() {
    let mut scene = scene();
    let (first, phase) = (scene.running[1].clone(), scene.phases[1].clone());
    scene.running = (0..70)
        .map(|n| called(&format!("t{n}"), 0, &first))
        .collect();
    scene.waiting = (0..35)
        .map(|n| called(&format!("w{n}"), 0, &first))
        .collect();
    scene.phases = vec![phase; 18];
    let text = rendered(&scene);
    for line in [
        "deadstop: deadline in 5.0 s: 70 tasks have not returned: \"t0\" (phase flush, 13.0 s), \
         \"t1\" (phase flush, 13.0 s), \"t2\" (phase flush, 13.0 s), ...\n",
        "deadstop: and 6 more tasks running\n",
        "deadstop: and 3 more tasks waiting\n",
        "deadstop: and 2 more phases\n",
    ] {
        assert_eq!(text.matches(line).count(), 1, "{line}{text}");
    }
    assert_eq!(text.matches("deadstop: task \"t").count(), 64, "{text}");
    assert_eq!(text.matches("deadstop: task \"w").count(), 32, "{text}");
    assert_eq!(text.matches("deadstop: phase ").count(), 16, "{text}");
    // As many as are named, and no more.
    scene.running.truncate(3);
    let text = rendered(&scene);
    assert!(text.contains("\"t2\" (phase flush, 13.0 s)\n"), "{text}");
}

#[test]
fn a_stack_that_is_not_there_has_its_reason() {
    for (captured, why) in [
        (0, "the thread blocks the signal"),
        (1, "the thread is gone"),
        (2, "the thread did not answer"),
        (4, "the signal is somebody else's"),
    ] {
        let mut line = Line::<SIZE>::new();
        stack_again(&mut line, &stack(&(7, captured, Vec::new())), 4);
        let said = format!("deadstop: stack of thread 7\ndeadstop:   no stack: {why}\n");
        assert_eq!(line.as_str(), said);
    }
}
