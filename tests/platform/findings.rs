//! Texts of the findings, level by level, with the fix.

use std::time::{Duration, UNIX_EPOCH};

use deadstop::platform::{Environment, Finding, Level, Platform, Process, Program, Unit};

use super::{app, container};

fn program() -> Program {
    Program::new(Duration::from_secs(25))
}

fn findings(environment: &Environment, program: &Program) -> Vec<Finding> {
    Platform::of(environment).findings(program)
}

/// The problems, as one text.
fn problems(environment: &Environment, program: &Program) -> String {
    let findings = findings(environment, program);
    let problems = findings
        .iter()
        .filter(|finding| finding.level > Level::Info);
    problems
        .map(|finding| format!("{}: {finding}\n", finding.level))
        .collect()
}

#[test]
fn no_platform_and_a_direct_path_is_no_problem() {
    assert_eq!(problems(&container(), &program()), "");
    let all = findings(&container(), &program());
    assert!(
        all.iter()
            .any(|finding| finding.text.contains("no supervisor was recognized"))
    );
}

#[test]
fn guessed_grace_that_is_too_short_warns_and_says_what_it_rests_on() {
    let environment = container().file("/.dockerenv");
    assert_eq!(
        problems(&environment, &program()),
        "warning: grace 25s does not fit: Docker kills after 10s unless it is configured \
         otherwise, which cannot be seen from inside (guess). Set `docker stop -t`, \
         `--stop-timeout`, Compose's `stop_grace_period` or the daemon's `default-stop-timeout` \
         to 26s, or the program's grace to 9s.\n"
    );
    assert_eq!(
        problems(&environment, &Program::new(Duration::from_secs(9))),
        ""
    );
}

#[test]
fn certain_grace_that_is_too_short_is_an_error() {
    let unit = Unit::new("app.service").timeout_stop(Some(Duration::from_secs(5)));
    let text = problems(&container().unit(unit), &program());
    assert_eq!(
        text,
        "error: grace 25s does not fit: systemd kills after 5s (TimeoutStopSec of app.service) \
         (certain). Set `TimeoutStopSec` to 26s, or the program's grace to 4.5s.\n"
    );
}

#[test]
fn one_number_of_two_supervisors_is_one_finding() {
    let environment = container()
        .variable("KUBERNETES_SERVICE_HOST", "10.0.0.1")
        .variable("ARGO_CONTAINER_NAME", "main")
        .variable("ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "20");
    let text = problems(&environment, &program());
    assert_eq!(text.matches("does not fit").count(), 1, "{text}");
}

#[test]
fn fixed_grace_has_only_the_programs_as_its_fix() {
    let environment = container()
        .variable("K_SERVICE", "a")
        .variable("K_REVISION", "a-1");
    let text = problems(&environment, &program());
    assert!(text.ends_with("Set the program's grace to 9s.\n"), "{text}");
}

#[test]
fn shell_wrapper_is_a_certain_error_that_says_exec() {
    let shell = Process::new(1, 0, "sh").command(["sh", "-c", "./app; true"]);
    let environment = Environment::new(7).process(shell).process(app(7, 1));
    let found = findings(&environment, &program());
    assert!(found[0].is_certain_error());
    let line = found[0].to_string();
    assert!(line.contains("\"sh -c ./app; true\" (pid 1)"), "{line}");
    assert!(line.contains("Write `exec`"), "{line}");
}

#[test]
fn first_signal_of_the_platform_must_be_handled() {
    let only_term = || {
        let own = Process::new(7, 1, "app").caught(1 << 14);
        Environment::new(7)
            .process(own)
            .process(Process::new(1, 0, "tini"))
    };
    let term = Program::new(Duration::from_secs(1)).signals([deadstop_term()]);
    for (variable, name) in [
        ("NOMAD_ALLOC_ID", "Nomad"),
        ("FLY_APP_NAME", "Fly.io"),
        ("pm_id", "pm2"),
    ] {
        let text = problems(&only_term().variable(variable, "1"), &term);
        let wanted =
            format!("warning: {name} sends SIGINT first, which this program does not handle");
        assert!(text.contains(&wanted), "{text}");
    }
    assert_eq!(problems(&only_term().variable("DYNO", "web.1"), &term), "");
    let certain = Unit::new("app.service").kill_signal(libc::SIGINT);
    let text = problems(&only_term().unit(certain), &term);
    assert!(
        text.starts_with("error: systemd sends SIGINT first"),
        "{text}"
    );
}

#[test]
fn pid_one_without_a_handler_is_named() {
    let environment = Environment::new(1).process(Process::new(1, 0, "app"));
    let none = Program::new(Duration::from_secs(1)).signals([]);
    let text = problems(&environment, &none);
    assert!(
        text.contains("the kernel discards it, since this is pid 1"),
        "{text}"
    );
}

#[test]
fn handler_of_another_library_counts() {
    let none = Program::new(Duration::from_secs(1)).signals([]);
    assert_eq!(problems(&container(), &none), "");
}

#[test]
fn signal_that_is_blocked_or_ignored_is_named() {
    let own = app(1, 0).blocked(1 << 14).ignored(1 << 14);
    let text = problems(&Environment::new(1).process(own), &program());
    assert!(text.contains("warning: SIGTERM is blocked"), "{text}");
    assert!(text.contains("error: SIGTERM is ignored"), "{text}");
    let background = app(1, 0).ignored(1 << 1);
    assert_eq!(
        problems(&Environment::new(1).process(background), &program()),
        ""
    );
}

#[test]
fn kill_mode_is_judged() {
    let of = |mode: &str| {
        let environment = container().unit(Unit::new("app.service").kill_mode(mode).main_pid(1));
        findings(&environment, &program())
            .into_iter()
            .find(|finding| finding.text.starts_with("KillMode"))
            .map(|finding| finding.level)
    };
    assert_eq!(of("none"), Some(Level::Error));
    assert_eq!(of("process"), Some(Level::Warning));
    assert_eq!(of("control-group"), Some(Level::Info));
    assert_eq!(of("mixed"), None);
}

#[test]
fn second_signal_that_is_known_to_come_is_a_problem_only_where_it_would_end_the_program() {
    let ends = Program::new(Duration::from_secs(9)).second_signal_ends(true);
    let stays = Program::new(Duration::from_secs(9));
    let actions = container().variable("GITHUB_ACTIONS", "true");
    let argo = container().variable("ARGO_CONTAINER_NAME", "main");
    let hangup = container().unit(Unit::new("app.service").send_sighup(true));
    for environment in [actions, argo, hangup] {
        assert!(problems(&environment, &ends).contains("sends two"));
        assert_eq!(problems(&environment, &stays), "");
    }
}

#[test]
fn argos_deadline_is_named_with_the_time_left() {
    let deadline = "2026-01-01T07:22:01Z";
    let environment = container()
        .now(UNIX_EPOCH + Duration::from_secs(1_767_252_121 - 67))
        .variable("ARGO_CONTAINER_NAME", "main")
        .variable("ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "30")
        .variable("ARGO_DEADLINE", deadline);
    let found = findings(&environment, &program());
    let line = found
        .iter()
        .find(|finding| finding.text.contains(deadline))
        .unwrap();
    assert_eq!(
        line.to_string(),
        "Argo Workflows ends this step at 2026-01-01T07:22:01Z, in 67 s, and kills 30s later \
         (certain)."
    );
    let passed = environment.now(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let found = findings(&passed, &program());
    assert!(
        found
            .iter()
            .any(|finding| finding.text.contains("has passed"))
    );
}

#[test]
fn worst_finding_is_first() {
    let shell = Process::new(1, 0, "sh").command(["sh", "-c", "./app; true"]);
    let environment = Environment::new(7)
        .process(shell)
        .process(app(7, 1))
        .file("/.dockerenv");
    let levels: Vec<_> = findings(&environment, &program())
        .iter()
        .map(|f| f.level)
        .collect();
    assert!(
        levels.windows(2).all(|pair| pair[0] >= pair[1]),
        "{levels:?}"
    );
    assert_eq!(levels[..2], [Level::Error, Level::Warning]);
}

fn deadstop_term() -> deadstop::Signal {
    deadstop::Signal::TERM
}
