//! Values that make no sense are named, and change nothing.

use std::time::Duration;

use deadstop::platform::{Environment, Level, Platform, Process, Program};
use proptest::prelude::*;

use super::container;

#[test]
fn malformed_value_is_named_with_what_is_allowed() {
    let cases = [
        ("DEADSTOP_PLATFORM_GRACE", "soon"),
        ("DEADSTOP_PLATFORM_GRACE", "0"),
        ("ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "-1"),
        ("ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "30s"),
        ("kill_timeout", "NaN"),
        ("ARGO_DEADLINE", "tomorrow"),
    ];
    for (variable, value) in cases {
        let platform = Platform::of(&container().variable(variable, value));
        assert!(platform.certain_grace().is_none() && platform.deadline().is_none());
        let found = platform.findings(&Program::new(Duration::from_secs(1)));
        let worst = &found[0];
        assert_eq!(
            (worst.level, worst.certain),
            (Level::Error, true),
            "{worst}"
        );
        let line = worst.to_string();
        assert!(
            line.starts_with(&format!("{variable} is {value:?}, which cannot be read")),
            "{line}"
        );
        assert!(
            worst
                .fix
                .as_ref()
                .is_some_and(|fix| fix.starts_with("Set it to ")),
            "{line}"
        );
    }
}

#[test]
fn gos_zero_time_is_no_deadline_and_no_fault() {
    let platform = Platform::of(&container().variable("ARGO_DEADLINE", "0001-01-01T00:00:00Z"));
    assert_eq!(platform.deadline(), None);
    let found = platform.findings(&Program::new(Duration::from_secs(1)));
    assert!(
        found.iter().all(|finding| finding.level == Level::Info),
        "{found:?}"
    );
}

const VARIABLES: [&str; 12] = [
    "ARGO_CONTAINER_NAME",
    "ARGO_DEADLINE",
    "ARGO_TERMINATION_GRACE_PERIOD_SECONDS",
    "DEADSTOP_PLATFORM_GRACE",
    "DYNO",
    "FLY_APP_NAME",
    "GITHUB_ACTIONS",
    "KUBERNETES_SERVICE_HOST",
    "NOMAD_ALLOC_ID",
    "SYSTEMD_EXEC_PID",
    "kill_timeout",
    "pm_id",
];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,20}",
        "[0-9]{1,20}(ms|s|m|h|y)?",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(Z|[+-][0-9:]{5})",
    ]
}

fn process() -> impl Strategy<Value = Process> {
    let program = prop_oneof![
        "(sh|tini|bash|systemd|runsv|node|python3|busybox)",
        "\\PC{0,9}"
    ];
    let words = prop::collection::vec("\\PC{0,9}", 0..4);
    (1..6_u32, 0..6_u32, program, words, any::<[u64; 3]>()).prop_map(
        |(pid, parent, program, words, [blocked, ignored, caught])| {
            Process::new(pid, parent, program)
                .command(words)
                .blocked(blocked)
                .ignored(ignored)
                .caught(caught)
        },
    )
}

proptest! {
    #[test]
    fn any_environment_has_an_answer_in_which_the_narrowest_is_the_minimum(
        variables in prop::collection::vec((prop::sample::select(&VARIABLES[..]), value()), 0..8),
        processes in prop::collection::vec(process(), 0..6),
        cgroup in "(\\PC|\n|:|/|\\.service){0,40}",
        docker in any::<bool>(),
        grace in any::<u64>(),
    ) {
        let mut environment = Environment::new(1).cgroup(cgroup);
        if docker {
            environment = environment.file("/.dockerenv");
        }
        environment = variables.into_iter().fold(environment, |e, (name, value)| e.variable(name, value));
        environment = processes.into_iter().fold(environment, Environment::process);
        let platform = Platform::of(&environment);
        let least = platform.supervisions().iter().filter_map(|seen| seen.grace()).map(|g| g.length).min();
        let narrowest = platform.narrowest().and_then(|seen| seen.grace()).map(|g| g.length);
        prop_assert_eq!(narrowest, least);
        if let (Some(any), Some(certain)) = (platform.grace(), platform.certain_grace()) {
            prop_assert!(any.length <= certain.length);
            prop_assert!(certain.with_margin() < certain.length);
        }
        for finding in platform.findings(&Program::new(Duration::from_nanos(grace))) {
            let line = finding.to_string();
            prop_assert!(!line.contains('\n'), "{line:?}");
        }
    }
}
