//! Describes the health server, and starts it.

use std::fmt;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use super::check::{Call, CheckResult, CheckState, MAX_CHECKS};
use super::error::HealthError;
use super::handle::Health;
use super::listen::{self, Address, Listening, MAX_LISTENERS};
use super::start::{self, Check, Plan};
use crate::Shutdown;
use crate::process::WATCH;

impl Shutdown {
    /// Starts describing the health server: an HTTP server on a thread of its own. It answers
    /// probes even while every other thread of the process is stuck.
    ///
    /// | path | answers 200 while |
    /// | --- | --- |
    /// | `/livez` | no heartbeat is stalled; a shutdown does not change it |
    /// | `/readyz` | the program is [ready](Health::set_ready), every check passes, and no shutdown was requested |
    /// | `/startupz` | the program was ready once |
    /// | `/metrics` | always: the shutdown, gates, pools and heartbeats, for Prometheus |
    /// | `/status` | always: a [status report](Self::status_report) as JSON |
    ///
    /// The first three list their conditions with `?verbose`, and when they fail.
    ///
    /// Several heartbeats, gates or pools may have the same name, for example the heartbeats of
    /// worker threads. `/livez` lists each heartbeat, with its thread when it is stalled. In
    /// the metrics a name is one series. Its numbers are sums: `deadstop_heartbeats` counts the
    /// heartbeats of that name, `deadstop_heartbeat_stalled` the stalled ones. Its age and
    /// limit are those of the heartbeat that is closest to a stall, or longest stalled. Checks
    /// must have different names.
    ///
    /// # Examples
    ///
    /// ```
    /// use deadstop::Shutdown;
    ///
    /// # fn database_is_up() -> bool { true }
    /// let shutdown = Shutdown::builder().install()?;
    /// let health = shutdown
    ///     .health()
    ///     .bind("127.0.0.1:0") // 0.0.0.0:8086 where the kubelet asks
    ///     .check("database", || database_is_up())
    ///     .start()?;
    ///
    /// // ... connect, warm caches, listen ...
    /// health.set_ready();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn health(&self) -> HealthBuilder {
        HealthBuilder {
            shutdown: self.clone(),
            addresses: Vec::new(),
            listeners: Vec::new(),
            more_ports: 0,
            checks: Vec::new(),
            check_timeout: Duration::from_secs(1),
            check_interval: Duration::from_secs(5),
            seen_after: 3,
        }
    }
}

/// Describes the health server. Made by [`Shutdown::health`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[must_use = "the server answers once it is started"]
pub struct HealthBuilder {
    shutdown: Shutdown,
    addresses: Vec<String>,
    listeners: Vec<OwnedFd>,
    more_ports: u16,
    checks: Vec<NamedCheck>,
    check_timeout: Duration,
    check_interval: Duration,
    seen_after: u32,
}

impl HealthBuilder {
    /// Adds an address: an IP address with a port, or `unix:` and the path of a socket.
    ///
    /// `[::]` accepts IPv4 as well, and means `0.0.0.0` on a system without IPv6. Port 0 means
    /// a free port. The kubelet connects to the address of the pod, not to `localhost`.
    ///
    /// The server replaces a socket that an earlier process has left. This process does not
    /// remove its own, since the server answers until the process is gone.
    pub fn bind(mut self, address: impl fmt::Display) -> Self {
        self.addresses.push(address.to_string());
        self
    }

    /// Adds a TCP socket that is already listening.
    ///
    /// A successor that gets the socket in a [hand-over](crate::handover) can have its health
    /// server at the same address: the old process answers there until the successor is ready.
    /// From then on only the successor answers.
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.listeners.push(listener.into());
        self
    }

    /// Adds a unix socket that is already listening, as [`listener`](Self::listener) does.
    pub fn unix_listener(mut self, listener: UnixListener) -> Self {
        self.listeners.push(listener.into());
        self
    }

    /// If a port is in use, tries the next `ports` ports. Zero unless set: a port in use is
    /// then an error. [`Health::addresses`] returns the ports that the server got.
    pub fn or_next_ports(mut self, ports: u16) -> Self {
        self.more_ports = ports;
        self
    }

    /// Adds a check to `/readyz`, for something that the program needs to serve.
    ///
    /// Each check has a thread of its own, which calls it once per
    /// [interval](Self::check_interval) until the shutdown begins. The server answers with the
    /// last result. A check fails if it has not returned yet, if it panics, and if it takes
    /// longer than its [timeout](Self::check_timeout).
    ///
    /// Checks do not affect `/livez`: otherwise a database that is down would make the
    /// supervisor restart every program that uses it.
    pub fn check<F, R>(mut self, name: impl Into<String>, mut check: F) -> Self
    where
        F: FnMut() -> R + Send + 'static,
        R: CheckResult,
    {
        let check = Box::new(move || check().into_result());
        self.checks.push((name.into(), check));
        self
    }

    /// Sets how long a check may take; 1 s unless set.
    pub fn check_timeout(mut self, timeout: Duration) -> Self {
        self.check_timeout = timeout;
        self
    }

    /// Sets the time from the end of a check to its next call; 5 s unless set, at least 10 ms.
    pub fn check_interval(mut self, interval: Duration) -> Self {
        self.check_interval = interval.max(Duration::from_millis(10));
        self
    }

    /// Sets how many answers of "not ready" one prober must get after the request, until a gate
    /// that [keeps accepting](crate::drain::GateBuilder::keep_accepting) stops waiting for load
    /// balancers; 3 unless set, which is Kubernetes' failure threshold. With zero the gate
    /// waits for its whole time.
    pub fn readiness_failure_threshold(mut self, answers: u32) -> Self {
        self.seen_after = answers;
        self
    }

    /// Starts the server, on the thread `deadstop-http`, and a thread for each check.
    ///
    /// # Errors
    ///
    /// Fails if there is no address, if the server cannot listen at one of them, if a check's
    /// name is blank or used twice, in a child of `fork`, if the process already has a health
    /// server, or if the system refuses a thread. Nothing listens then.
    pub fn start(mut self) -> Result<Health, HealthError> {
        if !WATCH.is_owner() {
            return Err(HealthError::Forked);
        }
        // Before its address is found to be in use.
        if start::is_started() {
            return Err(HealthError::AlreadyStarted);
        }
        let checks = named(&mut self.checks, self.check_timeout)?;
        let listening = self.open()?;
        start::start(Plan {
            shutdown: self.shutdown,
            listening,
            checks,
            check_interval: self.check_interval,
            seen_after: self.seen_after,
        })
    }

    fn open(&self) -> Result<Vec<Listening>, HealthError> {
        match self.addresses.len() + self.listeners.len() {
            0 => return Err(HealthError::NoAddress),
            1..=MAX_LISTENERS => {}
            _ => return Err(HealthError::TooManyAddresses),
        }
        let mut listening = Vec::with_capacity(MAX_LISTENERS);
        for text in &self.addresses {
            let address = Address::parse(text).ok_or_else(|| HealthError::Address {
                address: text.clone(),
            })?;
            listening.push(listen::open(&address, self.more_ports)?);
        }
        for socket in &self.listeners {
            let adopted = socket.try_clone().and_then(listen::adopt);
            listening.push(adopted.map_err(|source| HealthError::Listen {
                address: "the listener that was handed in".into(),
                source,
            })?);
        }
        Ok(listening)
    }
}

type NamedCheck = (String, Call);

fn named(checks: &mut Vec<NamedCheck>, timeout: Duration) -> Result<Vec<Check>, HealthError> {
    let mut named: Vec<Check> = Vec::with_capacity(checks.len());
    for (name, call) in checks.drain(..) {
        let is_known = named.iter().any(|check| *check.state.name == name);
        if name.trim().is_empty() || is_known || named.len() == MAX_CHECKS {
            return Err(HealthError::Check { name });
        }
        named.push(Check {
            state: CheckState::new(&name, timeout),
            call,
        });
    }
    Ok(named)
}

impl fmt::Debug for HealthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.checks.iter().map(|(name, _)| name).collect();
        f.debug_struct("HealthBuilder")
            .field("addresses", &self.addresses)
            .field("listeners", &self.listeners)
            .field("checks", &names)
            .finish_non_exhaustive()
    }
}
