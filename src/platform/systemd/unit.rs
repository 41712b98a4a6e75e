//! The systemd unit that a process belongs to.

use std::time::Duration;

/// Systemd's answers about the unit of a process.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::platform::Unit;
///
/// let unit = Unit::new("app.service").timeout_stop(Some(Duration::from_secs(5)));
/// # let _ = unit;
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unit {
    pub(in crate::platform) name: String,
    pub(in crate::platform) timeout_stop: Option<Duration>,
    pub(in crate::platform) kill_mode: String,
    pub(in crate::platform) kill_signal: i32,
    pub(in crate::platform) send_sighup: bool,
    pub(in crate::platform) send_sigkill: bool,
    pub(in crate::platform) main_pid: Option<u32>,
}

impl Unit {
    /// Describes a unit with systemd's defaults: 90 seconds, the whole control
    /// group, `SIGTERM`.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            timeout_stop: Some(Duration::from_secs(90)),
            kill_mode: "control-group".into(),
            kill_signal: libc::SIGTERM,
            send_sighup: false,
            send_sigkill: true,
            main_pid: None,
        }
    }

    /// Sets `TimeoutStopSec`; `None` for `infinity`.
    pub fn timeout_stop(mut self, timeout: Option<Duration>) -> Self {
        self.timeout_stop = timeout;
        self
    }

    /// Sets `KillMode`.
    pub fn kill_mode(mut self, mode: impl Into<String>) -> Self {
        self.kill_mode = mode.into();
        self
    }

    /// Sets `KillSignal`, by number.
    pub fn kill_signal(mut self, signal: i32) -> Self {
        self.kill_signal = signal;
        self
    }

    /// Sets `SendSIGHUP`.
    pub fn send_sighup(mut self, send: bool) -> Self {
        self.send_sighup = send;
        self
    }

    /// Sets `SendSIGKILL`.
    pub fn send_sigkill(mut self, send: bool) -> Self {
        self.send_sigkill = send;
        self
    }

    /// Sets the id of the unit's main process.
    pub fn main_pid(mut self, pid: u32) -> Self {
        self.main_pid = Some(pid);
        self
    }
}

/// Returns the service in the text of `/proc/PID/cgroup`: the innermost unit of
/// a path, if that unit is a service and not the scope of a login session or a
/// container.
#[cold]
pub(in crate::platform) fn service_of(cgroup: &str) -> Option<&str> {
    let units = cgroup.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (hierarchy, controllers) = (fields.next()?, fields.next()?);
        let ours = hierarchy == "0" || controllers == "name=systemd";
        fields.next().filter(|_| ours)
    });
    units.into_iter().find_map(|path| {
        let unit = path
            .rsplit('/')
            .find(|part| part.ends_with(".service") || part.ends_with(".scope"))?;
        unit.ends_with(".service").then_some(unit)
    })
}

/// Returns `true` if the service is one of a user's manager, and not of the system's.
#[cfg(target_os = "linux")]
pub(in crate::platform) fn is_of_user(cgroup: &str) -> bool {
    cgroup
        .split('/')
        .skip(1)
        .any(|part| part.starts_with("user@"))
}

#[cfg(test)]
mod tests {
    use super::{is_of_user, service_of};

    #[test]
    fn service_is_the_innermost_unit_of_systemds_hierarchy() {
        let unified = "0::/system.slice/app.service\n";
        let delegated = "0::/system.slice/app.service/workers\n";
        let hybrid = "4:memory:/\n1:name=systemd:/system.slice/app.service\n0::/\n";
        let user = "0::/user.slice/user-7.slice/user@7.service/app.slice/app.service";
        assert!(is_of_user(user) && !is_of_user(hybrid));
        for text in [unified, delegated, hybrid, user] {
            assert_eq!(service_of(text), Some("app.service"), "{text}");
        }
    }

    #[test]
    fn scope_of_a_session_or_a_container_is_no_service() {
        let session = "0::/user.slice/user-0.slice/session-3.scope\n";
        let terminal = "0::/user.slice/user@7.service/app.slice/vte-spawn-1.scope\n";
        let container = "0::/system.slice/docker-0a1b.scope\n";
        for text in [
            session,
            terminal,
            container,
            "0::/\n",
            "",
            "x",
            "5:cpu:/a.service",
        ] {
            assert_eq!(service_of(text), None, "{text}");
        }
    }
}
