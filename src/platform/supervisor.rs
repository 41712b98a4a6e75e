//! The supervisors that are known.

/// A program or service that starts, stops and kills programs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Supervisor {
    /// Argo Workflows.
    Argo,
    /// Google Cloud Run, or Knative, whose variables it sets.
    CloudRun,
    /// Docker, also with Compose or Swarm, which look the same from inside.
    Docker,
    /// Amazon Elastic Container Service.
    Ecs,
    /// Fly.io.
    Fly,
    /// A step of a GitHub Actions workflow.
    GitHubActions,
    /// Heroku.
    Heroku,
    /// Kubernetes.
    Kubernetes,
    /// AWS Lambda.
    Lambda,
    /// macOS' launchd.
    Launchd,
    /// Nomad.
    Nomad,
    /// pm2.
    Pm2,
    /// Podman.
    Podman,
    /// runit, or a service under `runsv`.
    Runit,
    /// s6, or a service under `s6-supervise`.
    S6,
    /// supervisord.
    Supervisord,
    /// systemd.
    Systemd,
    /// Windows' console and service manager.
    Windows,
}

/// The processes to which a supervisor sends the first signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// Only the process that it started.
    Process,
    /// The process group of the process that it started.
    Group,
    /// Every process of the service or container.
    All,
}
