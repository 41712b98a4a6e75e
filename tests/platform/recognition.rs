//! Each platform: what shows it, its grace, its first signal.

use std::time::Duration;

use deadstop::platform::{Environment, Platform, Process, Supervisor, System, Unit};

use super::{app, container, host};

struct Case {
    environment: Environment,
    supervisor: Supervisor,
    /// Milliseconds, and whether they are certain; `None` if it never kills.
    grace: Option<(u64, bool)>,
    first: &'static str,
}

fn case(
    environment: Environment,
    supervisor: Supervisor,
    grace: Option<(u64, bool)>,
    first: &'static str,
) -> Case {
    Case {
        environment,
        supervisor,
        grace,
        first,
    }
}

fn guess(millis: u64) -> Option<(u64, bool)> {
    Some((millis, false))
}

fn certain(millis: u64) -> Option<(u64, bool)> {
    Some((millis, true))
}

fn with(names: &[&str]) -> Environment {
    names.iter().fold(container(), |environment, name| {
        environment.variable(*name, "1")
    })
}

fn cases() -> Vec<Case> {
    use Supervisor::*;
    let service = || {
        Environment::new(5)
            .process(app(5, 1))
            .process(Process::new(1, 0, "systemd"))
            .cgroup("0::/system.slice/app.service\n")
    };
    let unit = Unit::new("app.service").timeout_stop(Some(Duration::from_secs(5)));
    vec![
        case(service(), Systemd, guess(90_000), "SIGTERM"),
        case(
            service().unit(unit.clone()),
            Systemd,
            certain(5_000),
            "SIGTERM",
        ),
        case(
            service().unit(unit.clone().kill_signal(libc::SIGINT)),
            Systemd,
            certain(5_000),
            "SIGINT",
        ),
        case(
            service().unit(unit.clone().timeout_stop(None)),
            Systemd,
            None,
            "SIGTERM",
        ),
        case(
            service().unit(unit.send_sigkill(false)),
            Systemd,
            None,
            "SIGTERM",
        ),
        case(
            container().variable("SYSTEMD_EXEC_PID", "1"),
            Systemd,
            guess(90_000),
            "SIGTERM",
        ),
        case(
            with(&["INVOCATION_ID", "NOTIFY_SOCKET"]),
            Systemd,
            guess(90_000),
            "SIGTERM",
        ),
        case(
            container().file("/.dockerenv"),
            Docker,
            guess(10_000),
            "SIGTERM",
        ),
        case(
            container().file("/run/.containerenv"),
            Podman,
            guess(10_000),
            "SIGTERM",
        ),
        case(
            with(&["KUBERNETES_SERVICE_HOST"]),
            Kubernetes,
            guess(30_000),
            "SIGTERM",
        ),
        case(
            container().file("/var/run/secrets/kubernetes.io/serviceaccount"),
            Kubernetes,
            guess(30_000),
            "SIGTERM",
        ),
        case(
            with(&["ARGO_CONTAINER_NAME"]),
            Argo,
            guess(30_000),
            "SIGTERM",
        ),
        case(
            container().file("/var/run/argo/ctr"),
            Argo,
            guess(30_000),
            "SIGTERM",
        ),
        case(
            Environment::new(5)
                .process(app(5, 1))
                .process(Process::new(1, 0, "argoexec")),
            Argo,
            guess(30_000),
            "SIGTERM",
        ),
        case(
            with(&["ARGO_CONTAINER_NAME"]).variable("ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "45"),
            Argo,
            certain(45_000),
            "SIGTERM",
        ),
        case(with(&["NOMAD_ALLOC_ID"]), Nomad, guess(5_000), "SIGINT"),
        case(
            with(&["NOMAD_ALLOC_ID"]).file("/.dockerenv"),
            Nomad,
            guess(5_000),
            "SIGTERM",
        ),
        case(
            with(&["ECS_CONTAINER_METADATA_URI_V4"]),
            Ecs,
            guess(30_000),
            "SIGTERM",
        ),
        case(
            with(&["K_SERVICE", "K_REVISION"]),
            CloudRun,
            guess(10_000),
            "SIGTERM",
        ),
        case(with(&["DYNO"]), Heroku, guess(30_000), "SIGTERM"),
        case(with(&["FLY_APP_NAME"]), Fly, guess(5_000), "SIGINT"),
        case(
            with(&["AWS_LAMBDA_FUNCTION_NAME"]),
            Lambda,
            guess(300),
            "SIGTERM",
        ),
        case(
            with(&["GITHUB_ACTIONS"]),
            GitHubActions,
            guess(10_000),
            "SIGINT",
        ),
        case(
            with(&["SUPERVISOR_ENABLED"]),
            Supervisord,
            guess(10_000),
            "SIGTERM",
        ),
        case(with(&["pm_id"]), Pm2, guess(1_600), "SIGINT"),
        case(
            with(&["pm_id"]).variable("kill_timeout", "3000"),
            Pm2,
            certain(3_000),
            "SIGINT",
        ),
        case(host(Process::new(4, 1, "runsv")), Runit, None, "SIGTERM"),
        case(
            host(Process::new(4, 1, "s6-supervise")),
            S6,
            None,
            "SIGTERM",
        ),
        case(
            with(&["XPC_SERVICE_NAME"]).system(System::MacOs),
            Launchd,
            guess(20_000),
            "SIGTERM",
        ),
        case(
            container().system(System::Windows),
            Windows,
            guess(5_000),
            "SIGTERM",
        ),
    ]
}

#[test]
fn each_platform_is_recognized_with_its_grace_and_first_signal() {
    for case in cases() {
        let platform = Platform::of(&case.environment);
        let narrowest = platform.narrowest();
        let seen = narrowest.unwrap_or_else(|| panic!("{} is not recognized", case.supervisor));
        assert_eq!(seen.supervisor(), case.supervisor, "{seen:?}");
        let grace = seen
            .grace()
            .map(|grace| (grace.length.as_millis() as u64, grace.certain));
        assert_eq!(grace, case.grace, "{seen:?}");
        assert_eq!(seen.first_signal().to_string(), case.first, "{seen:?}");
        assert!(!seen.evidence().is_empty());
    }
}

#[test]
fn every_known_platform_has_a_case() {
    let tried: Vec<_> = cases()
        .iter()
        .map(|case| case.supervisor.to_string())
        .collect();
    let mut names: Vec<_> = tried.iter().collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 18, "{names:?}");
}

#[test]
fn empty_environment_is_no_platform() {
    let elsewhere = container()
        .variable("K_SERVICE", "only one of two")
        .variable("INVOCATION_ID", "inherited by a shell")
        .variable("XPC_SERVICE_NAME", "not on macOS")
        .variable("pm_id", "")
        .variable("SYSTEMD_EXEC_PID", "4711")
        .cgroup("0::/user.slice/user-0.slice/session-3.scope\n");
    for environment in [container(), elsewhere] {
        let platform = Platform::of(&environment);
        assert_eq!(platform.supervisions(), []);
        assert!(platform.grace().is_none() && platform.certain_grace().is_none());
    }
}

#[test]
fn narrowest_of_several_wins() {
    let pm2_in_docker_in_systemd = container()
        .file("/.dockerenv")
        .variable("pm_id", "0")
        .variable("SYSTEMD_EXEC_PID", "1");
    let platform = Platform::of(&pm2_in_docker_in_systemd);
    let order: Vec<_> = platform
        .supervisions()
        .iter()
        .map(|seen| seen.supervisor())
        .collect();
    assert_eq!(
        order,
        [Supervisor::Pm2, Supervisor::Docker, Supervisor::Systemd]
    );
    assert_eq!(
        platform.grace().unwrap().length,
        Duration::from_millis(1600)
    );
}

#[test]
fn certain_grace_is_the_narrowest_certain_one_even_where_a_guess_is_narrower() {
    let unit = Unit::new("app.service").timeout_stop(Some(Duration::from_secs(60)));
    let environment = container().variable("FLY_APP_NAME", "a").unit(unit);
    let platform = Platform::of(&environment);
    assert_eq!(platform.grace().unwrap().length, Duration::from_secs(5));
    assert_eq!(
        platform.certain_grace().unwrap().length,
        Duration::from_secs(60)
    );
}

#[test]
fn docker_below_an_orchestrator_has_no_grace_of_its_own() {
    let argo_in_kubernetes_in_docker = container()
        .file("/.dockerenv")
        .variable("KUBERNETES_SERVICE_HOST", "10.0.0.1")
        .variable("ARGO_CONTAINER_NAME", "main")
        .variable("ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "60");
    let platform = Platform::of(&argo_in_kubernetes_in_docker);
    let graces: Vec<_> = platform
        .supervisions()
        .iter()
        .map(|seen| {
            (
                seen.supervisor(),
                seen.grace().map(|grace| grace.length.as_secs()),
            )
        })
        .collect();
    assert_eq!(
        graces,
        [
            (Supervisor::Argo, Some(60)),
            (Supervisor::Kubernetes, Some(60)),
            (Supervisor::Docker, None)
        ]
    );
}

#[test]
fn declared_grace_replaces_guesses_and_no_certain_one() {
    let declared = |value: &str| {
        container()
            .file("/.dockerenv")
            .variable("DEADSTOP_PLATFORM_GRACE", value)
    };
    let platform = Platform::of(&declared("1m 30s"));
    assert_eq!(
        platform.certain_grace().unwrap().length,
        Duration::from_secs(90)
    );
    assert_eq!(platform.grace().unwrap().length, Duration::from_secs(90));
    let pm2 = declared("90")
        .variable("pm_id", "0")
        .variable("kill_timeout", "2000");
    assert_eq!(
        Platform::of(&pm2).certain_grace().unwrap().length,
        Duration::from_secs(2)
    );
}
