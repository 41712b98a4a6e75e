//! Progress lines of a shutdown, as an operator sees them, in real processes.
//!
//! Load can delay a line, or suppress one. It cannot make a line early, or make it show too much
//! time. Each run asserts the maximum number of lines and their text; one of a few runs asserts
//! that all lines come.
mod harness;
#[cfg(feature = "terminal")]
#[path = "progress/terminal.rs"]
mod terminal;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use harness::{Death, End, GRACE, Victim};

/// The grace of victims whose lines are counted. A line is due every 0.6 s, except in the last
/// 0.3 s.
const COUNTED: Duration = Duration::from_secs(3);

/// A grace period that is longer than any test.
const LONG: Duration = Duration::from_secs(20);

/// The length of a slow victim's task.
const SLOW: Duration = Duration::from_millis(1300);

const SIGTERM: i32 = libc::SIGTERM;

/// Starts `fault` with these variables.
fn start(fault: &str, grace: Duration, variables: &[(&str, &str)]) -> Victim {
    let mut command = harness::command(fault, grace, "watched");
    command.envs(variables.iter().copied());
    Victim::start(command, fault, grace)
}

/// Starts `fault`, which begins its own shutdown, and waits for its end.
fn run(fault: &str, grace: Duration, variables: &[(&str, &str)]) -> Death {
    start(fault, grace, variables).wait()
}

/// Starts `fault`, sends it a `SIGTERM`, and waits for its end.
fn sent(fault: &str, grace: Duration, variables: &[(&str, &str)]) -> Death {
    let mut victim = start(fault, grace, variables);
    victim.trigger(SIGTERM);
    victim.wait()
}

/// Returns the progress lines among `lines`, each with the time left that it shows, in tenths of
/// a second.
fn progress<'a>(lines: impl IntoIterator<Item = &'a str>) -> Vec<(u64, &'a str)> {
    let read = |line: &'a str| {
        let (left, rest) = line.strip_prefix("deadstop: ")?.split_once(" s left")?;
        let (seconds, tenths) = left.split_once('.')?;
        let (seconds, tenths): (u64, u64) = (seconds.parse().ok()?, tenths.parse().ok()?);
        Some((seconds * 10 + tenths, rest))
    };
    lines.into_iter().filter_map(read).collect()
}

/// Asserts what each run that ends at the deadline must show: not too many lines, and none with
/// too much time.
fn assert_lines_are_right(death: &Death) {
    assert_eq!(death.end, End::Status(124), "{death:?}");
    let lines = progress(death.stderr.lines());
    assert!(lines.len() <= 4, "too many: {death:?}");
    let most = [24, 18, 12, 6];
    for ((left, _), most) in lines.iter().zip(most) {
        assert!(*left <= most, "{left} > {most} tenths: {death:?}");
    }
}

fn says_summary(death: &Death) -> bool {
    let begins = "deadstop: shutdown is over after 1.";
    death.stderr.lines().any(|line| line.starts_with(begins))
}

fn ended_well(death: &Death) {
    assert_eq!(death.end, End::Status(0), "{death:?}");
}

mod lines {
    use super::*;

    #[test]
    fn come_at_every_fifth_of_the_grace() {
        let mut runs = (0..5).map(|_| sent("progress_hang", COUNTED, &[]));
        let all_came = runs.any(|death| {
            assert_lines_are_right(&death);
            progress(death.stderr.lines()).len() == 4
        });
        assert!(all_came, "one was missing each time");
    }

    /// The first line may be late by 0.4 s, which is much more than it needs.
    #[test]
    fn name_running_tasks_with_times_and_count_waiting_ones() {
        let death = sent("progress_hang", COUNTED, &[]);
        assert_lines_are_right(&death);
        let lines = progress(death.stderr.lines());
        let (_, line) = lines.first().expect("at least one line");
        let rest = line.strip_prefix(", phase flush: 2 tasks are running: ");
        let rest = rest.unwrap_or_else(|| panic!("{death:?}"));
        let (hung, rest) = rest.split_once("; ").expect("the second");
        let (name, length) = hung.split_once("the log\" ").expect("a name");
        assert!(name.starts_with("\"flush"), "{death:?}");
        assert!(length.contains(" s, says \"segment 12"), "{death:?}");
        let (abandoned, waits) = rest.split_once("; ").expect("who waits");
        assert!(abandoned.starts_with("\"close pool\" "), "{death:?}");
        assert!(abandoned.ends_with(" s, abandoned"), "{death:?}");
        assert_eq!(waits, "1 pending", "{death:?}");
    }

    /// The grace is 3 s. The exit is estimated as 1.5 s and a tenth of it, so it must begin
    /// after 1.35 s at the latest.
    #[test]
    fn show_the_time_until_the_exit_begins() {
        let death = sent("progress_exits_early", COUNTED, &[]);
        assert_eq!(death.end, End::Status(124), "{death:?}");
        let lines = progress(death.stderr.lines());
        assert!(!lines.is_empty(), "{death:?}");
        for (left, _) in lines {
            assert!(left <= 13, "{left} tenths: {death:?}");
        }
    }

    #[test]
    fn begin_with_the_cause_and_the_grace() {
        let death = sent("progress_hang", COUNTED, &[]);
        let first = death.stderr.lines().next().expect("a line");
        let begins = "deadstop: shutdown begins: SIGTERM from pid ";
        assert!(first.starts_with(begins), "{death:?}");
        assert!(first.ends_with("; grace 3s"), "{death:?}");
    }

    #[test]
    fn stop_before_the_hang_report() {
        let death = sent("progress_hang", COUNTED, &[]);
        let lines: Vec<_> = death.stderr.lines().collect();
        let report = lines
            .iter()
            .position(|line| line.starts_with("deadstop: deadline in "));
        let report = report.expect("there is a hang report");
        let behind = lines[report..].iter().copied();
        assert_eq!(progress(behind), [], "{death:?}");
        // None of these lines is in the last tenth of the grace.
        for (left, _) in progress(death.stderr.lines()) {
            assert!(left >= 3, "{death:?}");
        }
    }

    /// The logger blocks for 0.4 s at 2.35 s. The last line is due meanwhile, and then too late.
    #[test]
    fn that_are_too_late_are_not_printed() {
        let variables = [("LOGGER", "slow"), ("PROGRESS", "stderr")];
        let death = sent("progress_missed", COUNTED, &variables);
        assert_lines_are_right(&death);
        let warning = "log other task \"late\" over budget, abandoned";
        let warned = death.stdout.lines().any(|line| line == warning);
        assert!(warned, "{death:?}");
        for (left, _) in progress(death.stderr.lines()) {
            assert!(left >= 3, "{death:?}");
        }
    }

    #[test]
    fn of_names_with_control_characters_move_no_cursor() {
        let death = sent("progress_hang", COUNTED, &[]);
        let escaped = r#""flush\n\u{1b}[2Jthe log""#;
        assert!(death.stderr.contains(escaped), "{death:?}");
        assert!(death.stderr.contains(r"segment 12\r of 40"), "{death:?}");
        let odd = |c: char| c.is_control() && c != '\n';
        assert!(!death.stderr.contains(odd), "{death:?}");
        let ours = |line: &str| line.starts_with("deadstop: ");
        assert!(death.stderr.lines().all(ours), "{death:?}");
    }

    #[test]
    fn follow_an_earlier_deadline() {
        let death = sent("progress_hurried", LONG, &[]);
        assert_eq!(death.end, End::Status(124), "{death:?}");
        assert!(
            death.after >= Duration::from_secs(2),
            "too early: {death:?}"
        );
        assert!(death.after < LONG, "not brought forward: {death:?}");
        let lines = progress(death.stderr.lines());
        assert!(!lines.is_empty(), "the pace did not follow: {death:?}");
        // The time left at the first line.
        let (left, _) = lines[0];
        assert!(left <= 16, "{death:?}");
    }

    #[test]
    fn end_with_a_summary_of_phases_and_slow_tasks() {
        let death = run("progress_slow", COUNTED, &[("LINGER", "")]);
        ended_well(&death);
        let lines: Vec<_> = death.stderr.lines().collect();
        let [summary, slow] = lines[lines.len() - 2..] else {
            panic!("{death:?}");
        };
        let begins = "deadstop: shutdown is over after 1.";
        assert!(summary.starts_with(begins), "{death:?}");
        assert!(summary.contains(": unbind 0.0"), "{death:?}");
        assert!(summary.contains(", drain 0.0"), "{death:?}");
        assert!(summary.contains(", flush 1."), "{death:?}");
        assert!(summary.contains(", close 0.0"), "{death:?}");
        let begins = "deadstop: \"slow\" of flush took 1.";
        assert!(slow.starts_with(begins), "{death:?}");
        assert!(slow.ends_with(" s: done"), "{death:?}");
    }

    /// `main` goes on longer than the interval between two lines.
    #[test]
    fn stop_when_the_last_task_has_ended() {
        let death = run("progress_slow", COUNTED, &[("LINGER", "")]);
        ended_well(&death);
        assert!(
            death.after >= SLOW + Duration::from_millis(800),
            "{death:?}"
        );
        let lines = death.stderr.lines();
        let behind = lines.skip_while(|line| !line.contains("shutdown is over"));
        assert_eq!(progress(behind), [], "{death:?}");
        assert!(progress(death.stderr.lines()).len() <= 2, "{death:?}");
    }
}

/// The destinations of the lines.
mod places {
    use super::*;

    fn in_log(death: &Death) -> Vec<&str> {
        let lines = death.stdout.lines();
        lines.filter(|line| line.starts_with("log ")).collect()
    }

    fn assert_told_in_the_log(death: &Death) {
        ended_well(death);
        assert_eq!(death.stderr, "", "{death:?}");
        let lines = in_log(death);
        let first = "log info shutdown begins: request: \"a test\"; grace 3s";
        assert_eq!(lines[0], first, "{death:?}");
        let is_progress = |line: &&str| line.contains(" s left, phase flush: 1 task is running:");
        let count = lines.iter().filter(|line| is_progress(line)).count();
        assert!((1..=2).contains(&count), "{death:?}");
        let last = lines[lines.len() - 1];
        let begins = "log info shutdown is over after 1.";
        assert!(last.starts_with(begins), "{death:?}");
        // Once.
        assert_eq!(lines.len(), count + 2, "{death:?}");
    }

    fn assert_told_on_stderr(death: &Death) {
        ended_well(death);
        assert_eq!(in_log(death), [""; 0], "{death:?}");
        let first = death.stderr.lines().next().unwrap_or_default();
        let begins = "deadstop: shutdown begins: request: \"a test\"; grace 3s";
        assert_eq!(first, begins, "{death:?}");
        assert!(says_summary(death), "{death:?}");
    }

    #[test]
    fn auto_is_the_log_if_it_takes_that() {
        let death = run("progress_slow", COUNTED, &[("LOGGER", "info")]);
        assert_told_in_the_log(&death);
    }

    #[test]
    fn auto_is_stderr_without_a_logger() {
        assert_told_on_stderr(&run("progress_slow", COUNTED, &[]));
    }

    #[test]
    fn auto_is_stderr_if_the_log_takes_warnings_only() {
        let death = run("progress_slow", COUNTED, &[("LOGGER", "warn")]);
        assert_told_on_stderr(&death);
    }

    #[test]
    fn auto_is_stderr_if_the_logger_takes_no_record_of_deadstop() {
        let death = run("progress_slow", COUNTED, &[("LOGGER", "not of deadstop")]);
        assert_told_on_stderr(&death);
    }

    #[test]
    fn log_is_the_logger_only() {
        let variables = [("LOGGER", "info"), ("PROGRESS", "log")];
        assert_told_in_the_log(&run("progress_slow", COUNTED, &variables));
        let death = run("progress_slow", COUNTED, &[("PROGRESS", "log")]);
        ended_well(&death);
        assert_eq!(death.stderr, "", "{death:?}");
    }

    #[test]
    fn stderr_is_not_the_log() {
        let variables = [("LOGGER", "info"), ("PROGRESS", "stderr")];
        assert_told_on_stderr(&run("progress_slow", COUNTED, &variables));
    }

    #[test]
    fn off_is_nowhere() {
        let variables = [("LOGGER", "info"), ("PROGRESS", "off")];
        let death = run("progress_slow", COUNTED, &variables);
        ended_well(&death);
        assert_eq!(death.stderr, "", "{death:?}");
        assert_eq!(in_log(&death), [""; 0], "{death:?}");
    }
}

/// A program that ends because its work is done.
mod finished {
    use super::*;

    #[test]
    fn says_nothing() {
        let death = run("progress_finish", LONG, &[]);
        ended_well(&death);
        assert_eq!(death.stderr, "", "{death:?}");
    }

    #[test]
    fn prints_all_lines_if_configured() {
        let death = run("progress_finish", LONG, &[("PROGRESS", "stderr")]);
        ended_well(&death);
        let lines: Vec<_> = death.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{death:?}");
        let first = "deadstop: shutdown begins: the work is done; grace 20s";
        assert_eq!(lines[0], first, "{death:?}");
        assert!(
            lines[1].starts_with("deadstop: shutdown is over"),
            "{death:?}"
        );
    }

    #[test]
    fn prints_all_lines_if_it_takes_longer_than_the_first_interval() {
        let death = run("progress_finish_slow", COUNTED, &[]);
        ended_well(&death);
        let first = death.stderr.lines().next().unwrap_or_default();
        let begins = "deadstop: shutdown begins: the work is done; grace 3s";
        assert_eq!(first, begins, "{death:?}");
        let lines = progress(death.stderr.lines());
        let (left, line) = lines.first().expect("a line of progress");
        assert!(*left <= 24, "{death:?}");
        assert!(line.contains("\"slow\""), "{death:?}");
        assert!(says_summary(&death), "{death:?}");
    }
}

/// Sinks that may block a line for ever.
mod stuck {
    use super::*;

    /// Asserts that the line delays nothing. The status shows that the process ended by itself
    /// before the deadline.
    fn holds_up_nothing(fault: &str, variables: &[(&str, &str)]) {
        let mut runs = (0..5).map(|_| {
            let death = run(fault, COUNTED, variables);
            ended_well(&death);
            assert!(death.after >= SLOW, "too early: {death:?}");
            death.after
        });
        // The exit waits for a blocked sink for a short time; a tenth is tolerance.
        let soon = SLOW + Duration::from_millis(100) + COUNTED / 10;
        assert!(runs.any(|after| after <= soon), "late each time");
    }

    fn is_stuck_without_us(fault: &str, variables: &[(&str, &str)]) {
        let mut command = harness::command(fault, GRACE, "unwatched");
        command.envs(variables.iter().copied());
        let mut victim = Victim::start(command, fault, GRACE);
        victim.trigger(SIGTERM);
        assert!(victim.lives_for(3 * GRACE));
    }

    #[test]
    fn full_pipe_delays_no_task() {
        holds_up_nothing("progress_stderr_full", &[]);
    }

    #[test]
    fn control_full_pipe_hangs_a_thread_that_writes() {
        is_stuck_without_us("progress_stderr_full", &[]);
    }

    #[test]
    fn logger_that_hangs_delays_no_task() {
        holds_up_nothing("progress_slow", &[("LOGGER", "hangs")]);
    }

    #[test]
    fn control_logger_hangs_a_thread_that_logs() {
        is_stuck_without_us("progress_slow", &[("LOGGER", "hangs")]);
    }

    #[test]
    fn logger_that_hangs_in_enabled_delays_no_task() {
        holds_up_nothing("progress_slow", &[("LOGGER", "hangs when asked")]);
    }

    #[test]
    fn held_lock_of_standard_error_delays_no_line() {
        let death = run("progress_stderr_lock_held", COUNTED, &[]);
        ended_well(&death);
        assert!(!progress(death.stderr.lines()).is_empty(), "{death:?}");
        assert!(says_summary(&death), "{death:?}");
    }

    #[test]
    fn control_held_lock_hangs_a_thread_that_writes() {
        is_stuck_without_us("progress_stderr_lock_held", &[]);
    }
}

/// Descriptor numbers that now belong to other files.
mod descriptors {
    use super::*;

    /// Runs `fault`, which opens a file, and returns what is then in it.
    fn run_with_file(fault: &str) -> (Death, String) {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let path = directory.join(format!("{fault}-{}", std::process::id()));
        let name = path.to_str().expect("a path of text");
        let death = run(fault, COUNTED, &[("FILE", name)]);
        let content = fs::read_to_string(&path).expect("the victim made it");
        // The next run replaces a file that remains.
        let _ = fs::remove_file(&path);
        ended_well(&death);
        (death, content)
    }

    #[test]
    fn number_of_a_closed_stderr_is_not_written_to() {
        let (death, content) = run_with_file("progress_stderr_reused");
        assert_eq!(content, "", "{death:?}");
        assert_eq!(death.stderr, "", "{death:?}");
    }

    /// Deadstop keeps no duplicate of standard error, so none of these numbers is its own.
    #[test]
    fn reused_numbers_above_stderr_are_not_written_to() {
        let (death, content) = run_with_file("progress_descriptors_reused");
        assert_eq!(content, "", "{death:?}");
        assert!(says_summary(&death), "{death:?}");
    }
}
