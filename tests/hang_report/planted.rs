//! Each test starts a victim with one hang, and checks the report about it.

use std::fs;
use std::path::Path;

use deadstop::report::{HangReport, HungThread, TaskState};

use crate::REPORTED;
use crate::harness::{Death, GRACE, Victim};
use crate::read::{hung, is_in, last_screen, running, screen, text, thread};

/// The expected report about a task that hangs.
struct Planted {
    name: &'static str,
    state: char,
    /// The beginning of the report's text about the thread.
    doing: &'static str,
    function: &'static str,
    /// The innermost function of the application: `function` or a callee.
    innermost: &'static str,
}

/// Whether reports have stacks.
const STACKS: bool = cfg!(feature = "stacks");

fn report_of(fault: &str, planted: &Planted) -> (Death, HangReport) {
    let (death, report) = hung(fault, REPORTED);
    let names: Vec<_> = report.hung_tasks().map(|task| &task.name).collect();
    assert_eq!(names, [planted.name], "{death:?}");
    let task = running(&report, planted.name);
    assert_eq!(
        (task.state, task.phase.as_str()),
        (TaskState::Running, "close"),
        "{death:?}"
    );
    // The report is written in the last tenth of the grace; 80 % leaves a margin.
    assert!(task.took >= Some(REPORTED * 8 / 10), "{death:?}");
    assert!(
        task.file.ends_with("victim/shutdown/program.rs"),
        "{death:?}"
    );

    let thread = thread(&report, planted.name);
    assert_eq!(thread.name, first_15(planted.name), "{death:?}");
    assert_eq!(thread.state, planted.state, "{death:?}");
    assert!(thread.doing.starts_with(planted.doing), "{death:?}");
    assert_on_stack(thread, planted.function, &death);
    assert_on_first_screen(planted, &death);
    (death, report)
}

/// Asserts that the first screen has the task, the innermost function of the application, and
/// what the thread does.
fn assert_on_first_screen(planted: &Planted, death: &Death) {
    let screen = screen(death);
    let name = format!("1 task has not returned: {:?} (phase close, ", planted.name);
    assert!(screen.contains(&name), "{death:?}");
    let line = screen.lines().find(|line| line.contains(planted.doing));
    let line = line.unwrap_or_else(|| panic!("{death:?}"));
    assert!(!STACKS || line.contains(planted.innermost), "{death:?}");
    // A release build has no line numbers.
    if STACKS && cfg!(debug_assertions) {
        assert_line_is_in_body(&last_screen(death), planted.innermost);
    }
    let ends = "at the deadline the process ends with status 124";
    assert!(screen.contains(ends), "{death:?}");
}

/// Asserts that `screen` gives `FUNCTION (FILE:LINE)`, and that this line is in the function.
/// On a busy machine, the report may have an offset instead of the line, because reading the
/// lines takes too long. `report_scenes/kits.rs` requires the lines of a smaller program.
fn assert_line_is_in_body(screen: &str, function: &str) {
    let (_, rest) = screen
        .split_once(&format!("{function} ("))
        .unwrap_or_else(|| panic!("no file and line of {function}: {screen}"));
    let (place, _) = rest.split_once(')').expect("a closing parenthesis");
    if place.starts_with("victim+0x") {
        return;
    }
    let (file, number) = place
        .rsplit_once(':')
        .unwrap_or_else(|| panic!("no line: {screen}"));
    let number: usize = number.parse().expect("a number");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let source = fs::read_to_string(&path).expect("the victim's source");
    let lines: Vec<_> = source.lines().collect();
    let head = format!("fn {function}(");
    let head = lines.iter().position(|line| line.contains(&head));
    let head = head.unwrap_or_else(|| panic!("{function} is not in {file}"));
    let indent = lines[head].len() - lines[head].trim_start().len();
    let end = format!("{}}}", " ".repeat(indent));
    let length = lines[head..].iter().position(|line| *line == end);
    let length = length.expect("the function has a closing brace");
    // Lines count from 1.
    assert!((head + 2..=head + length).contains(&number), "{screen}");
}

fn assert_on_stack(thread: &HungThread, function: &str, death: &Death) {
    assert!(!STACKS || is_in(thread, function), "{death:?}");
}

/// Returns the first 15 bytes of a name, which is what the kernel keeps of it.
fn first_15(name: &str) -> &str {
    &name[..name.len().min(15)]
}

macro_rules! planted {
    ($($fault:ident => $name:literal, $state:literal, $doing:literal, $function:literal, $innermost:literal;)*) => {$(
        mod $fault {
            use super::*;

            #[test]
            fn is_reported() {
                let planted = Planted {
                    name: $name,
                    state: $state,
                    doing: $doing,
                    function: $function,
                    innermost: $innermost,
                };
                super::report_of(stringify!($fault), &planted);
            }

            #[test]
            fn is_stuck_without_a_watchdog() {
                assert!(Victim::unwatched(stringify!($fault), GRACE).lives_for(3 * GRACE));
            }
        }
    )*};
}

planted! {
    planted_child => "wait for the mother ship", 'S', "waits for a child process", "waits_for_a_child", "wait_for";
    planted_condvar => "hear of the harvest", 'S', "waits (lock, channel, condition or join)", "waits_for_a_condition", "waits_for_a_condition";
    planted_join => "gather the flock", 'S', "waits (lock, channel, condition or join)", "joins_a_stuck_thread", "joins_a_stuck_thread";
    planted_mutex => "lock the stable twice", 'S', "waits (lock, channel, condition or join)", "locks_a_mutex_twice", "locks_a_mutex_twice";
    planted_read => "drain the well", 'S', "reads from descriptor ", "reads_an_empty_pipe", "read_from";
    planted_sleep => "sleep on it", 'S', "sleeps", "sleeps_for_an_hour", "sleeps_for_an_hour";
    planted_spin => "count every bean", 'R', "runs", "spins_for_ever", "spins_for_ever";
    planted_write => "fill the trough", 'S', "writes to descriptor ", "writes_a_full_pipe", "write_to";
}

#[test]
fn blocked_read_or_write_is_reported_with_descriptor_number_and_kind() {
    for (fault, name, verb) in [
        ("planted_read", "drain the well", "reads from"),
        ("planted_write", "fill the trough", "writes to"),
    ] {
        let (death, report) = hung(fault, REPORTED);
        let number = death
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("descriptor "));
        let number = number.expect("the victim prints the number");
        let expected = format!("{verb} descriptor {number} (pipe");
        let doing = &thread(&report, name).doing;
        assert!(doing.starts_with(&expected), "{death:?}");
    }
}

#[test]
fn spinning_task_is_reported_with_its_processor_time() {
    let (death, report) = hung("planted_spin", REPORTED);
    let details = thread(&report, "count every bean");
    assert!(details.cpu.is_some_and(|cpu| !cpu.is_zero()), "{death:?}");
    assert!(details.busy.is_some_and(|busy| busy > 0), "{death:?}");
}

/// A thread in uninterruptible sleep receives no signal. The report must have no stack of it,
/// but must have the stacks of other threads.
mod planted_uninterruptible {
    use super::*;

    #[test]
    fn is_reported() {
        let (death, report) = hung("planted_uninterruptible", REPORTED);
        let thread = thread(&report, "await the stork");
        assert_eq!(thread.state, 'D', "{death:?}");
        assert!(
            thread.doing.starts_with("in uninterruptible sleep"),
            "{death:?}"
        );
        if STACKS {
            assert!(thread.no_stack.is_some(), "{death:?}");
            // The report still has the main thread's stack.
            let main = report.thread(report.pid).expect("main is listed");
            assert!(is_in(main, "plant"), "{death:?}");
        }
    }

    #[test]
    fn is_stuck_without_a_watchdog() {
        assert!(Victim::unwatched("planted_uninterruptible", GRACE).lives_for(3 * GRACE));
    }
}

/// A thread blocks every signal. The report must say so instead of its stack.
mod planted_blocked {
    use super::*;

    #[test]
    fn is_reported() {
        let (death, report) = hung("planted_blocked", REPORTED);
        let thread = thread(&report, "hear no evil");
        assert_eq!(thread.doing, "runs", "{death:?}");
        if STACKS {
            let why = "the thread blocks the signal";
            assert_eq!(thread.no_stack.as_deref(), Some(why), "{death:?}");
        }
    }

    #[test]
    fn is_stuck_without_a_watchdog() {
        assert!(Victim::unwatched("planted_blocked", GRACE).lives_for(3 * GRACE));
    }
}

/// Every task has returned, and the main thread hangs while the process exits.
mod planted_exit {
    use super::*;

    #[test]
    fn is_reported() {
        let (death, report) = hung("planted_exit", REPORTED);
        assert_eq!(report.hung(), 0, "{death:?}");
        let none = "the shutdown is over, but the process has not ended";
        assert!(text(&death).contains(none), "{death:?}");
        let main = report.thread(report.pid).expect("main is listed");
        assert_eq!(main.name, "victim", "{death:?}");
        assert_eq!(main.doing, "waits for a signal", "{death:?}");
        assert_on_stack(main, "exits_never", &death);
    }

    #[test]
    fn is_stuck_without_a_watchdog() {
        assert!(Victim::unwatched("planted_exit", GRACE).lives_for(3 * GRACE));
    }
}
