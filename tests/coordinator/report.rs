//! The report of a shutdown that has ended, and its text.

use std::time::Duration;

use deadstop::report::Progress;
use deadstop::report::{Outcome, ShutdownReport, Skip};
use deadstop::{Cause, Phase};

use crate::case::{Case, passes};
use crate::journal;
use crate::scenario::{builder, hang, install_as, ms, run, sleep_ms};

tests! {
    report_has_phases_and_tasks_with_times_and_call_sites,
    report_text_is_an_aligned_table,
    report_text_summarizes_many_successful_tasks,
    report_lists_tasks_that_registered_too_late,
}

/// There is no report before the shutdown has ended.
fn report_has_phases_and_tasks_with_times_and_call_sites() -> Case {
    passes(|| {
        let shutdown = install_as(builder().phase(Phase::FLUSH.budget(ms(2000))));
        assert!(shutdown.report().is_none());
        let slow = shutdown.task("slow").phase(Phase::DRAIN);
        slow.on_shutdown(|_| sleep_ms(80))
            .expect("the shutdown has not begun");
        let own = shutdown.task("own").phase(Phase::FLUSH).budget(ms(500));
        own.on_shutdown(|_| sleep_ms(40))
            .expect("the shutdown has not begun");
        let handle = shutdown.clone();
        let line = line!() + 1;
        let looks = shutdown.task("looks").phase(Phase::FLUSH);
        looks
            .on_shutdown(move |_| assert!(handle.report().is_none(), "the shutdown has not ended"))
            .expect("the shutdown has not begun");
        let report = run(&shutdown);

        assert_eq!(report.cause(), &Cause::requested("the scenario"));
        assert!(report.is_clean());
        assert!(!report.threads_refused());
        assert!(report.refused().is_empty());
        let [unbind, drain, flush, close] = report.phases() else {
            panic!("the report has four phases");
        };
        assert!(unbind.tasks().is_empty() && close.tasks().is_empty());
        assert!(drain.took() >= ms(80), "{report}");
        assert!(flush.start() >= drain.start() + drain.took(), "{report}");
        assert!(close.start() >= flush.start() + flush.took(), "{report}");
        assert!(report.took() >= close.start() + close.took(), "{report}");
        assert_eq!(flush.budget(), ms(2000));

        let slow = report.task("slow").expect("the report lists the task");
        assert!(slow.start() >= drain.start(), "{report}");
        assert!(
            slow.took() >= ms(80) && slow.took() <= drain.took(),
            "{report}"
        );
        assert!(slow.budget() <= drain.budget(), "{report}");
        let own = report.task("own").expect("the report lists the task");
        assert_eq!(own.budget(), ms(500));
        assert!(
            own.start() >= flush.start() && own.took() >= ms(40),
            "{report}"
        );
        let looks = report.task("looks").expect("the report lists the task");
        assert_eq!(looks.site(), format!("{}:{line}", file!()));
        assert!(looks.start() + looks.took() <= flush.start() + flush.took());
        // In the order in which they ended.
        let names: Vec<_> = flush.tasks().iter().map(|task| task.name()).collect();
        assert_eq!(names, ["looks", "own"]);
        assert!(report.task("unknown").is_none());
    })
}

fn report_text_is_an_aligned_table() -> Case {
    passes(|| {
        let shutdown =
            install_as(builder().phase(Phase::new("ship").after(Phase::CLOSE).disabled(true)));
        let late = shutdown.task("flush the log").phase(Phase::FLUSH);
        let late = late.budget(ms(120)).on_shutdown(|_| hang());
        let fails = shutdown.task("drain").phase(Phase::DRAIN);
        let fails = fails.on_shutdown(|_| Err("no more paper"));
        let done = shutdown.scope("db").task("close").on_shutdown(|_| {});
        let ship = shutdown.task("ship").phase("ship").on_shutdown(|_| {});
        assert!([late, fails, done, ship].iter().all(Result::is_ok));
        let report = run(&shutdown);
        let expected = [
            "request: \"the scenario\"; #.## s in all",
            "phase task start took of outcome",
            "drain drain #.## s #.## s #.## s failed: no more paper",
            "flush flush the log #.## s #.## s #.## s over budget, abandoned",
            "close /db/close #.## s #.## s #.## s done",
            "ship ship #.## s #.## s #.## s skipped: its phase is disabled",
        ];
        assert_eq!(shape(&report), expected);
        // Columns are aligned.
        let text = report.to_string();
        let rows: Vec<_> = text.lines().skip(1).collect();
        let column = rows[0].find("  outcome").expect("the last column");
        for row in &rows[1..] {
            assert_eq!(&row[column..column + 2], "  ", "{text}");
            assert_ne!(&row[column + 2..column + 3], " ", "{text}");
        }
        assert!(text.contains("  0.12 s  over budget"), "{text}");
    })
}

fn report_text_summarizes_many_successful_tasks() -> Case {
    passes(|| {
        let log = journal::of_log();
        let shutdown = install_as(builder().progress(Progress::Auto));
        for n in 0..25 {
            let task = shutdown.task(format!("task {n}"));
            task.on_shutdown(|_| {})
                .expect("the shutdown has not begun");
        }
        let fails = shutdown.task("fails");
        fails
            .on_shutdown(|_| Err("no"))
            .expect("the shutdown has not begun");
        let report = run(&shutdown);
        assert_eq!(report.tasks().count(), 26);
        let text = report.to_string();
        assert_eq!(text.matches("  done\n").count(), 20, "{text}");
        assert!(
            text.contains("close: and 5 more tasks, all done\n"),
            "{text}"
        );
        assert!(text.contains("failed: no\n"), "{text}");
        // The same is in the log.
        assert!(log.has(&format!("WARN {}\n{}", headline(&report), text.trim_end())));
    })
}

/// A task registers another one for a phase that is over. The call must return an error, and the
/// report and the log must name the task and its call site.
fn report_lists_tasks_that_registered_too_late() -> Case {
    passes(|| {
        let log = journal::of_log();
        let logging = builder().progress(Progress::Auto);
        let shutdown = install_as(logging.phase(Phase::UNBIND.disabled(true)));
        let skipped = shutdown.task("skipped").phase(Phase::UNBIND);
        skipped
            .on_shutdown(|_| {})
            .expect("the shutdown has not begun");
        let handle = shutdown.clone();
        let line = line!() + 3;
        let task = shutdown.task("registers").phase(Phase::FLUSH);
        task.on_shutdown(move |_| {
            let late = handle.task("late").phase(Phase::DRAIN);
            let refused = late.on_shutdown(|_| {}).expect_err("the call is refused");
            assert_eq!(
                refused.to_string(),
                "phase \"drain\" is over; the running phase and later ones take tasks"
            );
        })
        .expect("the shutdown has not begun");
        let report = run(&shutdown);
        let [late] = report.refused() else {
            panic!("the report has one refused task: {report}");
        };
        let site = format!("{}:{line}", file!());
        assert_eq!((late.name(), late.site()), ("late", site.as_str()));
        assert_eq!(late.outcome(), &Outcome::Refused);
        assert_eq!(late.took(), Duration::ZERO);
        let skipped = report.task("skipped").expect("the report lists the task");
        assert_eq!(skipped.outcome(), &Outcome::Skipped(Skip::Disabled));
        assert!(
            report.is_clean(),
            "refused tasks and disabled phases are not failures"
        );
        let text = report.to_string();
        let expected = format!("\"late\" was registered too late, at {site}\n");
        assert!(text.contains(&expected), "{text}");
        let expected = format!("WARN task \"late\" was registered too late, at {site}:");
        assert!(log.has_line_starting_with(&expected), "{expected}");
        assert!(log.has(&format!("INFO {}\n{}", headline(&report), text.trim_end())));
    })
}

/// Returns the lines of the report, with `#` for digits and one space for several.
fn shape(report: &ShutdownReport) -> Vec<String> {
    let text = report.to_string();
    let line = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.join(" ").replace(|c: char| c.is_ascii_digit(), "#")
    };
    text.lines().map(line).collect()
}

/// Returns the first line of the summary that is logged at the end.
fn headline(report: &ShutdownReport) -> String {
    let seconds = |length: Duration| format!("{:.2} s", length.as_secs_f64());
    let how = match report.is_clean() {
        true => "",
        false => ", with something left undone",
    };
    let phases = report.phases().iter();
    let phases = phases.map(|phase| format!("{} {}", phase.name(), seconds(phase.took())));
    let phases: Vec<_> = phases.collect();
    let took = seconds(report.took());
    format!("shutdown is over after {took}{how}: {}", phases.join(", "))
}
