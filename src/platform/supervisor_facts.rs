//! Documented facts about each supervisor.

use std::fmt;
use std::time::Duration;

use super::environment::System;
use super::supervisor::{Supervisor, Target};

/// One thing whose presence shows a supervisor.
#[derive(Clone, Copy, Debug)]
pub(super) enum Marker {
    /// All of these variables are set.
    Variables(&'static [&'static str]),
    /// The file or folder exists.
    File(&'static str),
    /// An ancestor of this process runs this program.
    Ancestor(&'static str),
    /// The variable is set on this system.
    On(System, Option<&'static str>),
}

/// The documented facts about a supervisor.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) supervisor: Supervisor,
    pub(super) name: &'static str,
    /// Any of these shows the supervisor.
    pub(super) markers: &'static [Marker],
    /// From the first signal to `SIGKILL`, unless set otherwise; `None` if it
    /// never kills.
    pub(super) grace: Option<Duration>,
    /// The setting that decides the grace, for the reader.
    pub(super) setting: &'static str,
    pub(super) first: i32,
    /// Signals that follow the first before `SIGKILL`.
    pub(super) then: &'static [i32],
    /// The facts about those, for the reader.
    pub(super) then_text: &'static str,
    pub(super) target: Target,
    /// Supervisors that stop containers by this one, with a grace of their own.
    pub(super) driven_by: &'static [Supervisor],
}

const TERM: i32 = libc::SIGTERM;
const INT: i32 = libc::SIGINT;
/// The same number on every system; Windows' `libc` does not name it.
const HUP: i32 = 1;

const fn seconds(seconds: u64) -> Option<Duration> {
    Some(Duration::from_secs(seconds))
}

const fn millis(millis: u64) -> Option<Duration> {
    Some(Duration::from_millis(millis))
}

/// A supervisor that stops the one process it started by `SIGTERM`.
const fn plain(
    supervisor: Supervisor,
    name: &'static str,
    markers: &'static [Marker],
    grace: Option<Duration>,
    setting: &'static str,
) -> Facts {
    Facts {
        supervisor,
        name,
        markers,
        grace,
        setting,
        first: TERM,
        then: &[],
        then_text: "",
        target: Target::Process,
        driven_by: &[],
    }
}

use Marker::{Ancestor, File, On, Variables};
use Supervisor as S;

/// Everything that is known, by supervisor. systemd has no marker: it is
/// recognized by its control group (see `systemd_evidence` in `supervision.rs`).
pub(super) static FACTS: [Facts; 18] = [
    Facts {
        target: Target::Group,
        then: &[TERM],
        then_text: "the kubelet sends a second SIGTERM if the pod is deleted after the deadline",
        ..plain(
            S::Argo,
            "Argo Workflows",
            &[
                Variables(&["ARGO_CONTAINER_NAME"]),
                File("/var/run/argo/ctr"),
                Ancestor("argoexec"),
            ],
            seconds(30),
            "the pod's terminationGracePeriodSeconds",
        )
    },
    plain(
        S::CloudRun,
        "Cloud Run",
        &[Variables(&["K_SERVICE", "K_REVISION"])],
        seconds(10),
        "nothing: it is fixed",
    ),
    Facts {
        driven_by: &[S::Argo, S::Kubernetes, S::Ecs, S::Nomad],
        ..plain(
            S::Docker,
            "Docker",
            &[File("/.dockerenv")],
            seconds(10),
            "`docker stop -t`, `--stop-timeout`, Compose's `stop_grace_period` \
             or the daemon's `default-stop-timeout`",
        )
    },
    plain(
        S::Ecs,
        "Amazon ECS",
        &[
            Variables(&["ECS_CONTAINER_METADATA_URI_V4"]),
            Variables(&["ECS_CONTAINER_METADATA_URI"]),
        ],
        seconds(30),
        "`stopTimeout` of the container, or the agent's ECS_CONTAINER_STOP_TIMEOUT",
    ),
    Facts {
        first: INT,
        ..plain(
            S::Fly,
            "Fly.io",
            &[Variables(&["FLY_APP_NAME"])],
            seconds(5),
            "`kill_timeout` in fly.toml",
        )
    },
    Facts {
        first: INT,
        then: &[TERM],
        then_text: "it sends SIGTERM 7.5 s after SIGINT",
        ..plain(
            S::GitHubActions,
            "GitHub Actions",
            &[Variables(&["GITHUB_ACTIONS"])],
            seconds(10),
            "nothing: it is fixed",
        )
    },
    Facts {
        target: Target::All,
        ..plain(
            S::Heroku,
            "Heroku",
            &[Variables(&["DYNO"])],
            seconds(30),
            "nothing: it is fixed",
        )
    },
    plain(
        S::Kubernetes,
        "Kubernetes",
        &[
            Variables(&["KUBERNETES_SERVICE_HOST"]),
            File("/var/run/secrets/kubernetes.io/serviceaccount"),
        ],
        seconds(30),
        "terminationGracePeriodSeconds, of which a preStop hook uses a part",
    ),
    plain(
        S::Lambda,
        "AWS Lambda",
        &[Variables(&["AWS_LAMBDA_FUNCTION_NAME"])],
        millis(300),
        "nothing: 0.3 s with an internal extension, 0.5 s with an external one, and no \
         signal without an extension",
    ),
    plain(
        S::Launchd,
        "launchd",
        &[On(System::MacOs, Some("XPC_SERVICE_NAME"))],
        seconds(20),
        "`ExitTimeOut`",
    ),
    Facts {
        first: INT,
        ..plain(
            S::Nomad,
            "Nomad",
            &[Variables(&["NOMAD_ALLOC_ID"])],
            seconds(5),
            "`kill_timeout` of the task, up to the client's `max_kill_timeout`",
        )
    },
    Facts {
        first: INT,
        target: Target::All,
        ..plain(
            S::Pm2,
            "pm2",
            &[Variables(&["pm_id"])],
            millis(1600),
            "`kill_timeout`",
        )
    },
    Facts {
        driven_by: &[S::Argo, S::Kubernetes, S::Ecs, S::Nomad],
        ..plain(
            S::Podman,
            "Podman",
            &[File("/run/.containerenv")],
            seconds(10),
            "`podman stop -t` or `--stop-timeout`",
        )
    },
    plain(S::Runit, "runit", &[Ancestor("runsv")], None, ""),
    plain(
        S::S6,
        "s6",
        &[Ancestor("s6-supervise")],
        None,
        "`timeout-kill`",
    ),
    plain(
        S::Supervisord,
        "supervisord",
        &[Variables(&["SUPERVISOR_ENABLED"])],
        seconds(10),
        "`stopwaitsecs`",
    ),
    Facts {
        target: Target::All,
        ..plain(S::Systemd, "systemd", &[], seconds(90), "`TimeoutStopSec`")
    },
    plain(
        S::Windows,
        "Windows",
        &[On(System::Windows, None)],
        seconds(5),
        "nothing for a console that closes; a service has 10 s or its preshutdown timeout",
    ),
];

/// Signals that `SendSIGHUP=yes` adds right after the first.
pub(super) const HANGUP_AFTER: &[i32] = &[HUP];

impl Supervisor {
    pub(super) fn facts(self) -> &'static Facts {
        FACTS
            .iter()
            .find(|facts| facts.supervisor == self)
            .unwrap_or(&FACTS[0])
    }
}

impl fmt::Display for Supervisor {
    /// Writes the name that its makers use.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().name)
    }
}

#[cfg(test)]
mod tests {
    use super::FACTS;

    #[test]
    fn facts_are_sorted_and_each_supervisor_has_its_own() {
        for pair in FACTS.windows(2) {
            assert!(pair[0].supervisor < pair[1].supervisor, "{:?}", pair[1]);
        }
        for facts in &FACTS {
            assert_eq!(facts.supervisor.to_string(), facts.name);
        }
    }
}
