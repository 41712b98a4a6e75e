//! One supervisor of this process, as the environment shows it.

use super::environment::Environment;
use super::grace::Grace;
use super::supervisor::{Supervisor, Target};
use super::supervisor_facts::{Facts, HANGUP_AFTER, Marker};
use super::texts::number;
use crate::Signal;

/// One supervisor of this process, the evidence for it, and its behavior.
///
/// # Examples
///
/// ```
/// use deadstop::platform::{Target, detect};
///
/// for supervision in detect().supervisions() {
///     println!("{}: {}", supervision.supervisor(), supervision.evidence());
///     if supervision.target() == Target::All {
///         println!("children get {} too", supervision.first_signal());
///     }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Supervision {
    supervisor: Supervisor,
    evidence: String,
    grace: Option<Grace>,
    pub(super) first: i32,
    /// Set if the first signal is certain, and not a documented default.
    pub(super) first_certain: bool,
    pub(super) then: &'static [i32],
    target: Target,
    pub(super) driven_by: Option<Supervisor>,
}

impl Supervision {
    #[cold]
    pub(super) fn new(facts: &Facts, evidence: String) -> Self {
        let grace = facts
            .grace
            .map(|length| Grace::guessed(length, format!("{}'s default", facts.name)));
        Self {
            supervisor: facts.supervisor,
            evidence,
            grace,
            first: facts.first,
            first_certain: false,
            then: facts.then,
            target: facts.target,
            driven_by: None,
        }
    }

    /// Replaces defaults by what the environment says.
    #[cold]
    pub(super) fn refine(
        &mut self,
        environment: &Environment,
        present: &[Supervisor],
        pod: Option<&Grace>,
        pm2: Option<&Grace>,
    ) {
        match self.supervisor {
            Supervisor::Argo | Supervisor::Kubernetes if pod.is_some() => self.grace = pod.cloned(),
            Supervisor::Pm2 if pm2.is_some() => self.grace = pm2.cloned(),
            // Nomad's docker driver sends what `docker stop` sends.
            Supervisor::Nomad if present.contains(&Supervisor::Docker) => {
                self.first = libc::SIGTERM;
            }
            Supervisor::Systemd => self.ask(environment),
            _ => {}
        }
        if self.driven_by.is_some() {
            self.grace = None;
        }
    }

    /// Returns the one of the supervisors that are `present` that stops containers by this one.
    pub(super) fn above(&self, present: &[Supervisor]) -> Option<Supervisor> {
        let above = self.supervisor.facts().driven_by.iter().copied();
        above.into_iter().find(|above| present.contains(above))
    }

    /// Drops a grace that is not certain.
    pub(super) fn forget_guess(&mut self) {
        self.grace = self.grace.take().filter(|grace| grace.certain);
    }

    /// Takes over what systemd answered about its unit.
    #[cold]
    fn ask(&mut self, environment: &Environment) {
        let Some(unit) = &environment.unit else {
            return;
        };
        self.grace = unit
            .timeout_stop
            .filter(|_| unit.send_sigkill)
            .map(|length| Grace::certain(length, format!("TimeoutStopSec of {}", unit.name)));
        self.first = unit.kill_signal;
        self.first_certain = true;
        if unit.send_sighup {
            self.then = HANGUP_AFTER;
        }
        self.target = match unit.kill_mode.as_str() {
            "control-group" => Target::All,
            _ => Target::Process,
        };
    }

    /// Returns the supervisor.
    pub fn supervisor(&self) -> Supervisor {
        self.supervisor
    }

    /// Returns the evidence for this supervisor.
    #[cold]
    pub fn evidence(&self) -> &str {
        &self.evidence
    }

    /// Returns the grace. `None` if the supervisor never kills, or if the platform above it
    /// decides the grace.
    pub fn grace(&self) -> Option<&Grace> {
        self.grace.as_ref()
    }

    /// Returns the signal that it sends first. On Windows the signal stands for the console's
    /// event.
    pub fn first_signal(&self) -> Signal {
        Signal::from(self.first)
    }

    /// Returns the processes to which it sends that signal.
    pub fn target(&self) -> Target {
        self.target
    }
}

/// Returns the evidence for the supervisor, if there is any.
#[cold]
pub(super) fn evidence(facts: &Facts, environment: &Environment) -> Option<String> {
    if facts.supervisor == Supervisor::Systemd {
        return systemd_evidence(environment);
    }
    facts.markers.iter().find_map(|marker| match *marker {
        Marker::Variables(names) => names
            .iter()
            .all(|name| environment.get(name).is_some())
            .then(|| format!("{} is set", names.join(" and "))),
        Marker::File(path) => environment.has_file(path).then(|| format!("{path} exists")),
        Marker::Ancestor(name) => environment
            .ancestors()
            .iter()
            .find(|process| process.program() == name)
            .map(|process| format!("process {} is {name}", process.pid)),
        Marker::On(system, variable) => {
            let on = environment.system == system;
            match variable {
                Some(name) => {
                    (on && environment.get(name).is_some()).then(|| format!("{name} is set"))
                }
                None => on.then(|| "this is its system".to_owned()),
            }
        }
    })
}

/// `INVOCATION_ID` and `NOTIFY_SOCKET` are inherited by everything that a
/// service starts, by shells and by other supervisors, so that alone they show
/// little.
#[cold]
fn systemd_evidence(environment: &Environment) -> Option<String> {
    if let Some(unit) = &environment.unit {
        return Some(format!("systemd answered for {}", unit.name));
    }
    if let Some(service) = environment.service() {
        return Some(format!("the control group is {service}"));
    }
    if is_main_process(environment) {
        return Some("SYSTEMD_EXEC_PID is this process".to_owned());
    }
    let both = ["INVOCATION_ID", "NOTIFY_SOCKET"];
    both.iter()
        .all(|name| environment.get(name).is_some())
        .then(|| format!("{} are set", both.join(" and ")))
}

/// Returns `true` if systemd itself started this process.
pub(super) fn is_main_process(environment: &Environment) -> bool {
    let main = environment.unit.as_ref().and_then(|unit| unit.main_pid);
    let executed = environment.get("SYSTEMD_EXEC_PID").and_then(number);
    main.or(executed) == Some(environment.pid)
}
