//! Settings that `install` takes from the platform. Each test
//! starts this program again as its victim, with the variables of a platform.

#![expect(
    clippy::exit,
    clippy::print_stdout,
    unsafe_code,
    reason = "the victim writes, ignores a signal and ends, its test reads"
)]

use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use deadstop::{SecondSignal, Shutdown, ShutdownBuilder};

const SCENARIO: &str = "DEADSTOP_TEST_SCENARIO";

/// The variables that could be set where the tests run.
const PLATFORMS: [&str; 8] = [
    "ARGO_CONTAINER_NAME",
    "ARGO_DEADLINE",
    "ARGO_TERMINATION_GRACE_PERIOD_SECONDS",
    "DEADSTOP_PLATFORM_GRACE",
    "GITHUB_ACTIONS",
    "KUBERNETES_SERVICE_HOST",
    "kill_timeout",
    "pm_id",
];

fn victim_command(scenario: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command
        .args(["--exact", "victim", "--ignored", "--nocapture"])
        .env(SCENARIO, scenario)
        .env("RUST_LOG", "debug");
    for name in PLATFORMS {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a victim that ends by itself, and returns what it wrote.
fn run(scenario: &str, variables: &[(&str, &str)]) -> String {
    let mut command = victim_command(scenario, variables);
    command.stdin(Stdio::null());
    let mut child = command.spawn().expect("it starts");
    wait(&mut child, Duration::from_secs(30));
    let Output { stdout, stderr, .. } = child.wait_with_output().expect("it writes text");
    String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr)
}

#[track_caller]
fn assert_says(output: &str, wanted: &str) {
    assert!(output.contains(wanted), "wanted {wanted:?} in\n{output}");
}

/// Not a test: the process that the tests start.
#[test]
#[ignore = "the victim of the other tests"]
fn victim() {
    let Ok(scenario) = std::env::var(SCENARIO) else {
        return;
    };
    match scenario.as_str() {
        "logger hangs" => log::set_boxed_logger(Box::new(Hangs)).unwrap(),
        _ => drop(env_logger::try_init()),
    }
    log::set_max_level(log::LevelFilter::Debug);
    let builder = Shutdown::builder();
    let default = Duration::from_secs(25);
    match scenario.as_str() {
        "env" => show(builder.grace_from_env("APP_GRACE", default)),
        "platform" => show(builder.grace_from_platform(default)),
        "grace last" => show(
            builder
                .grace_from_platform(default)
                .grace(Duration::from_secs(3)),
        ),
        "fixed" => show(builder.grace(default)),
        "second ends" => show(builder.second_signal(SecondSignal::End)),
        "quiet" => show(builder.grace(default).log_platform(false)),
        "logger hangs" => {
            // A background job ignores SIGINT: `install` logs that.
            // SAFETY: two integers; no handler is set.
            unsafe { libc::signal(libc::SIGINT, libc::SIG_IGN) };
            let _shutdown = builder.grace(default).install().unwrap();
            println!("installed");
            std::process::exit(0);
        }
        "refuse" => show(builder.grace(default).refuse_platform_errors(true)),
        "sleep, platform" => sleep(builder.grace_from_platform(default)),
        "sleep, fixed" => sleep(builder.grace(default)),
        other => panic!("{other}"),
    }
}

/// A logger that never returns.
struct Hangs;

impl log::Log for Hangs {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {
        loop {
            thread::park();
        }
    }

    fn flush(&self) {}
}

fn show(builder: ShutdownBuilder) {
    match builder.install() {
        Ok(shutdown) => {
            println!("grace {:?}", shutdown.watchdog().grace());
            for finding in deadstop::platform::check(&shutdown) {
                println!("check: {}: {finding}", finding.level);
            }
            // Waits for the thread that writes to the log.
            let _ = shutdown.finish();
        }
        Err(error) => println!("refused: {error}"),
    }
}

fn sleep(builder: ShutdownBuilder) {
    let _shutdown = builder.install().expect("nothing is in the way");
    thread::sleep(Duration::from_secs(60));
}

#[test]
fn grace_from_env_is_the_variables_or_the_default() {
    assert_says(&run("env", &[("APP_GRACE", "1500ms")]), "grace 1.5s\n");
    assert_says(&run("env", &[("APP_GRACE", "7")]), "grace 7s\n");
    assert_says(&run("env", &[("APP_GRACE", "")]), "grace 25s\n");
    assert_says(&run("env", &[]), "grace 25s\n");
}

#[test]
fn grace_from_env_that_cannot_be_read_is_refused_with_name_value_and_what_is_allowed() {
    let output = run("env", &[("APP_GRACE", "soon")]);
    assert_says(
        &output,
        "refused: APP_GRACE is \"soon\"; allowed is a duration with its unit, such as \"25s\"",
    );
}

#[test]
fn grace_from_platform_is_a_certain_one_less_the_margin() {
    let declared = [("DEADSTOP_PLATFORM_GRACE", "40s")];
    assert_says(&run("platform", &declared), "grace 39s\n");
    let pm2 = [("pm_id", "0"), ("kill_timeout", "3000")];
    assert_says(&run("platform", &pm2), "grace 2.7s\n");
    assert_says(
        &run("platform", &[declared[0], pm2[0], pm2[1]]),
        "grace 2.7s\n",
    );
}

#[test]
fn guessed_grace_changes_nothing() {
    assert_says(&run("platform", &[("pm_id", "0")]), "grace 25s\n");
    assert_says(
        &run("platform", &[("KUBERNETES_SERVICE_HOST", "::1")]),
        "grace 25s\n",
    );
}

#[test]
fn last_call_that_sets_the_grace_counts() {
    assert_says(
        &run("grace last", &[("DEADSTOP_PLATFORM_GRACE", "40s")]),
        "grace 3s\n",
    );
}

#[test]
fn certain_error_is_logged_as_a_warning_and_returned_by_check() {
    let output = run("fixed", &[("DEADSTOP_PLATFORM_GRACE", "10s")]);
    let text = "grace 25s does not fit: the platform kills after 10s (DEADSTOP_PLATFORM_GRACE)";
    let line = |start: &str| {
        let found = output
            .lines()
            .find(|line| line.contains(start) && line.contains(text));
        found.unwrap_or_else(|| panic!("no {start:?} in\n{output}"));
    };
    line("WARN  deadstop]");
    line("check: error: ");
}

#[test]
fn logger_that_hangs_does_not_hold_install_up() {
    let output = run("logger hangs", &[("DEADSTOP_PLATFORM_GRACE", "10s")]);
    assert_says(&output, "installed\n");
}

#[test]
fn second_signal_of_the_platform_is_named_only_where_it_ends_the_program() {
    let actions = [("GITHUB_ACTIONS", "true")];
    assert_says(&run("second ends", &actions), "GitHub Actions sends two");
    let output = run("fixed", &actions);
    assert!(!output.contains("sends two"), "{output}");
}

#[test]
fn findings_are_not_logged_where_the_builder_says_so() {
    let output = run("quiet", &[("DEADSTOP_PLATFORM_GRACE", "10s")]);
    assert_says(&output, "check: error: ");
    assert!(!output.contains("WARN "), "{output}");
}

#[test]
fn certain_error_is_refused_where_the_builder_says_so() {
    let output = run("refuse", &[("DEADSTOP_PLATFORM_GRACE", "10s")]);
    assert_says(
        &output,
        "refused: a shutdown cannot work on this platform as configured: grace 25s",
    );
}

/// `seconds` from now, as Argo writes it: in whole seconds. Returns the rest of
/// the second too.
fn argo_deadline(seconds: u64) -> (String, Duration) {
    let at = SystemTime::now() + Duration::from_secs(seconds);
    let text = humantime::format_rfc3339_seconds(at).to_string();
    let cut = at
        .duration_since(humantime::parse_rfc3339(&text).expect("its own form"))
        .expect("a rest");
    (text, Duration::from_secs(seconds) - cut)
}

fn wait(child: &mut Child, bound: Duration) -> Option<i32> {
    let begun = Instant::now();
    while begun.elapsed() < bound {
        if let Some(status) = child.try_wait().expect("a child") {
            return status.code();
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill().expect("a child");
    child.wait().expect("a child");
    None
}

#[test]
fn process_is_gone_one_grace_after_argos_deadline_without_any_signal() {
    let (deadline, left) = argo_deadline(3);
    let variables = [
        ("ARGO_CONTAINER_NAME", "main"),
        ("ARGO_DEADLINE", deadline.as_str()),
        ("ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "1"),
    ];
    // The grace of one second, less a tenth. The clocks of day and of the
    // watchdog are read a moment apart.
    let earliest = left + Duration::from_millis(900 - 20);
    let begun = Instant::now();
    let mut child = victim_command("sleep, platform", &variables)
        .spawn()
        .unwrap();
    let status = wait(&mut child, Duration::from_secs(20));
    let lasted = begun.elapsed();
    assert_eq!(status, Some(124));
    assert!(lasted >= earliest, "{lasted:?} of {earliest:?}");

    let mut control = victim_command("sleep, fixed", &variables).spawn().unwrap();
    assert_eq!(
        wait(&mut control, lasted + Duration::from_secs(1)),
        None,
        "the control ended"
    );
}
