//! Reads a snapshot of where this process runs.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use super::environment::{DEEPEST, Environment, System};
use super::process::Process;

/// The variables that are read. No others are kept.
const VARIABLES: [&str; 22] = [
    "ARGO_CONTAINER_NAME",
    "ARGO_DEADLINE",
    "ARGO_TERMINATION_GRACE_PERIOD_SECONDS",
    "AWS_LAMBDA_FUNCTION_NAME",
    "DEADSTOP_PLATFORM_GRACE",
    "DYNO",
    "ECS_CONTAINER_METADATA_URI",
    "ECS_CONTAINER_METADATA_URI_V4",
    "FLY_APP_NAME",
    "GITHUB_ACTIONS",
    "INVOCATION_ID",
    "KUBERNETES_SERVICE_HOST",
    "K_REVISION",
    "K_SERVICE",
    "NOMAD_ALLOC_ID",
    "NOTIFY_SOCKET",
    "SUPERVISOR_ENABLED",
    "SYSTEMD_EXEC_PID",
    "XPC_SERVICE_NAME",
    "XDG_RUNTIME_DIR",
    "kill_timeout",
    "pm_id",
];

/// The files and folders whose presence shows a supervisor.
const FILES: [&str; 4] = [
    "/.dockerenv",
    "/run/.containerenv",
    "/var/run/argo/ctr",
    "/var/run/secrets/kubernetes.io/serviceaccount",
];

impl Environment {
    /// Reads the environment of this process from its variables and `/proc`.
    /// Asks no other process; [`detect`](super::detect) asks systemd as well.
    pub fn of_this_process() -> Self {
        Self::of_variables().with_files(Path::new("/"))
    }

    /// Reads the variables of this process, and not yet the rest: the program may change
    /// them next.
    pub(crate) fn of_variables() -> Self {
        let mut environment = Self::new(std::process::id()).now(SystemTime::now());
        environment.system = SYSTEM;
        for name in VARIABLES {
            if let Some(value) = std::env::var_os(name) {
                environment = environment.variable(name, value.to_string_lossy());
            }
        }
        environment
    }

    /// Reads the files below `root` for the process `pid`: the marks of
    /// supervisors, and `proc`. Without variables, and at the start of 1970.
    pub fn read(root: &Path, pid: u32) -> Self {
        Self::new(pid).with_files(root)
    }

    /// Adds what the files below `root` show.
    pub(crate) fn with_files(self, root: &Path) -> Self {
        let below = |path: &str| root.join(path.trim_start_matches('/'));
        let pid = self.pid;
        let mut environment = self;
        for path in FILES {
            if below(path).exists() {
                environment = environment.file(path);
            }
        }
        let proc = below("/proc");
        if let Ok(text) = fs::read_to_string(proc.join("self/cgroup")) {
            environment = environment.cgroup(text);
        }
        match chain(&proc, pid) {
            Ok(chain) => chain.into_iter().fold(environment, Self::process),
            Err(why) => environment.unseen(why),
        }
    }
}

/// Reads the process itself and its ancestors, as far as they can be seen.
fn chain(proc: &Path, pid: u32) -> Result<Vec<Process>, String> {
    let status = fs::read_to_string(proc.join("self/status"))
        .map_err(|error| format!("/proc/self/status cannot be read ({error})"))?;
    let own = Process::from_status(&status).ok_or("/proc/self/status has no process id")?;
    if own.pid != pid {
        return Err("/proc belongs to another PID namespace".to_owned());
    }
    let mut next = own.parent;
    let mut chain = vec![with_program(proc, "self", own)];
    while next != 0 && chain.len() <= DEEPEST {
        let name = next.to_string();
        let Ok(status) = fs::read_to_string(proc.join(&name).join("status")) else {
            break;
        };
        let Some(process) = Process::from_status(&status) else {
            break;
        };
        next = process.parent;
        chain.push(with_program(proc, &name, process));
    }
    Ok(chain)
}

/// Adds the executable, which only the same user may read, and the command
/// line.
fn with_program(proc: &Path, name: &str, process: Process) -> Process {
    let folder = proc.join(name);
    let process = match fs::read_link(folder.join("exe")) {
        Ok(path) => process.executable(path.to_string_lossy()),
        Err(_) => process,
    };
    match fs::read(folder.join("cmdline")) {
        Ok(line) => {
            let line = line.strip_suffix(b"\0").unwrap_or(&line);
            let words = line.split(|byte| *byte == 0);
            let words = words.filter(|_| !line.is_empty());
            process.command(words.map(|word| String::from_utf8_lossy(word).into_owned()))
        }
        Err(_) => process,
    }
}

const SYSTEM: System = if cfg!(any(target_os = "linux", target_os = "android")) {
    System::Linux
} else if cfg!(target_os = "macos") {
    System::MacOs
} else if cfg!(windows) {
    System::Windows
} else {
    System::Other
};
