//! Detects supervisors in an environment, and their grace periods.

use std::time::SystemTime;

use super::environment::Environment;
use super::grace::{self, Grace, Malformed};
use super::instant;
use super::path::{self, SignalPath};
use super::sort_few::sort_few;
use super::supervision::{Supervision, evidence};
use super::supervisor_facts::FACTS;

/// The platform of a process: its supervisors, their grace periods, and the path of their
/// signals.
#[derive(Clone, Debug)]
pub struct Platform {
    pub(super) environment: Environment,
    supervisions: Vec<Supervision>,
    declared: Option<Grace>,
    pub(super) malformed: Vec<Malformed>,
    pub(super) deadline: Option<SystemTime>,
    path: SignalPath,
}

impl Platform {
    /// Recognizes the platform from a snapshot. The result depends only on the snapshot.
    pub fn of(environment: &Environment) -> Self {
        Self::decide(environment.clone())
    }

    /// Does the same with a snapshot that the caller does not need any more.
    #[cold]
    pub(crate) fn decide(snapshot: Environment) -> Self {
        let environment = &snapshot;
        let mut malformed = Vec::new();
        let mut keep = |read: grace::Read| {
            read.unwrap_or_else(|error| {
                malformed.push(error);
                None
            })
        };
        let declared = keep(grace::declared(environment));
        let pod = keep(grace::argo(environment));
        let pm2 = keep(grace::pm2(environment));
        let (mut supervisions, mut present) = (Vec::new(), Vec::new());
        for facts in &FACTS {
            if let Some(evidence) = evidence(facts, environment) {
                let seen = Supervision::new(facts, evidence);
                present.push(seen.supervisor());
                supervisions.push(seen);
            }
        }
        for seen in &mut supervisions {
            seen.driven_by = seen.above(&present);
            seen.refine(environment, &present, pod.as_ref(), pm2.as_ref());
            if declared.is_some() {
                seen.forget_guess();
            }
        }
        // Of equal ones, the first among the facts.
        let rank = |seen: &Supervision| {
            let length = seen.grace().map(|grace| grace.length);
            (length.is_none(), length)
        };
        sort_few(&mut supervisions, |a, b| rank(b) < rank(a));
        let (deadline, error) = argo_deadline(environment);
        malformed.extend(error);
        Self {
            path: path::of(environment, &supervisions),
            environment: snapshot,
            supervisions,
            declared,
            malformed,
            deadline,
        }
    }

    /// Returns the supervisors that were recognized, the shortest grace first.
    pub fn supervisions(&self) -> &[Supervision] {
        &self.supervisions
    }

    /// Returns the supervisor with the shortest grace. Returns a supervisor that never kills
    /// only if there is no other.
    pub fn narrowest(&self) -> Option<&Supervision> {
        self.supervisions.first()
    }

    /// Returns the shortest grace, certain or guessed.
    pub fn grace(&self) -> Option<&Grace> {
        self.graces().min_by_key(|grace| grace.length)
    }

    /// Returns the shortest grace of those that are certain.
    pub fn certain_grace(&self) -> Option<&Grace> {
        self.graces()
            .filter(|grace| grace.certain)
            .min_by_key(|grace| grace.length)
    }

    /// Returns the time of day at which the platform stops this process in any case, if the
    /// platform announces it (Argo's `ARGO_DEADLINE`). The first signal comes at that time, and
    /// `SIGKILL` one grace later.
    pub fn deadline(&self) -> Option<SystemTime> {
        self.deadline
    }

    /// Returns the way that a supervisor's signal takes to this process.
    pub fn signal_path(&self) -> &SignalPath {
        &self.path
    }

    /// Returns the grace that the manifest declares by
    /// [`PLATFORM_GRACE`](super::PLATFORM_GRACE).
    pub fn declared_grace(&self) -> Option<&Grace> {
        self.declared.as_ref()
    }

    fn graces(&self) -> impl Iterator<Item = &Grace> {
        let each = self.supervisions.iter().filter_map(Supervision::grace);
        self.declared.iter().chain(each)
    }
}

/// Reads Argo's absolute deadline. Go's zero year says that there is none.
fn argo_deadline(environment: &Environment) -> (Option<SystemTime>, Option<Malformed>) {
    const NAME: &str = "ARGO_DEADLINE";
    let Some(text) = environment
        .get(NAME)
        .filter(|text| !text.starts_with("0001-"))
    else {
        return (None, None);
    };
    match instant::parse(text) {
        Some(deadline) => (Some(deadline), None),
        None => {
            let malformed = Malformed {
                variable: NAME,
                value: text.chars().take(60).collect(),
                allowed: "RFC 3339, such as 2026-01-01T07:22:01Z",
            };
            (None, Some(malformed))
        }
    }
}
