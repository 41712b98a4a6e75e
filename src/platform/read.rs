//! Reads a snapshot of where this process runs.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use super::environment::{DEEPEST, Environment, System};
use super::process::Process;

/// The variables that are read. No others are kept. A text, as for
/// [`is_one_of`](deadstop_core::search::is_one_of).
const VARIABLES: &str = "ARGO_CONTAINER_NAME ARGO_DEADLINE ARGO_TERMINATION_GRACE_PERIOD_SECONDS \
    AWS_LAMBDA_FUNCTION_NAME DEADSTOP_PLATFORM_GRACE DYNO ECS_CONTAINER_METADATA_URI \
    ECS_CONTAINER_METADATA_URI_V4 FLY_APP_NAME GITHUB_ACTIONS INVOCATION_ID \
    KUBERNETES_SERVICE_HOST K_REVISION K_SERVICE NOMAD_ALLOC_ID NOTIFY_SOCKET \
    SUPERVISOR_ENABLED SYSTEMD_EXEC_PID XPC_SERVICE_NAME XDG_RUNTIME_DIR \
    kill_timeout pm_id";

/// The files and folders whose presence shows a supervisor.
const FILES: [&str; 4] = [
    "/.dockerenv",
    "/run/.containerenv",
    "/var/run/argo/ctr",
    "/var/run/secrets/kubernetes.io/serviceaccount",
];

/// The pause before a mask is read again.
const LOOK_EVERY: Duration = Duration::from_millis(1);

impl Environment {
    /// Reads the environment of this process from its variables and `/proc`. Does not ask other
    /// processes; [`detect`](super::detect) also asks systemd.
    pub fn of_this_process() -> Self {
        Self::of_variables().with_files(Path::new("/"))
    }

    /// Reads the variables of this process, and not yet the rest: the program may change
    /// them next.
    #[cold]
    pub(crate) fn of_variables() -> Self {
        let mut environment = Self::new(std::process::id()).now(SystemTime::now());
        environment.system = SYSTEM;
        for name in VARIABLES.split(' ') {
            if let Some(value) = std::env::var_os(name) {
                environment.add_variable(name, &value.to_string_lossy());
            }
        }
        environment
    }

    /// Reads the files below `root` for the process `pid`: files that supervisors create, and
    /// `proc`. The snapshot has no variables, and its time of day is the start of 1970.
    pub fn read(root: &Path, pid: u32) -> Self {
        Self::new(pid).with_files(root)
    }

    /// Adds what the files below `root` show.
    #[cold]
    pub(crate) fn with_files(mut self, root: &Path) -> Self {
        for path in FILES {
            if root.join(path.strip_prefix('/').unwrap_or(path)).exists() {
                self.add_file(path);
            }
        }
        let proc = root.join("proc");
        if let Some(text) = text(&proc, "self/cgroup") {
            self.set_cgroup(text);
        }
        if let Err(why) = self.add_chain(&proc) {
            self.unseen = Some(why);
        }
        self
    }

    /// Adds the process itself and its ancestors, as far as they can be seen.
    #[cold]
    fn add_chain(&mut self, proc: &Path) -> Result<(), String> {
        let status = fs::read_to_string(proc.join("self/status"))
            .map_err(|error| format!("/proc/self/status cannot be read ({error})"))?;
        let mut own = Process::from_status(&status).ok_or("/proc/self/status has no process id")?;
        if own.pid != self.pid {
            return Err("/proc belongs to another PID namespace".to_owned());
        }
        // The mask is the main thread's, which starts no thread while it is here.
        if u32::try_from(deadstop_core::tid()) != Ok(self.pid) {
            own.settle_blocked(|| {
                thread::sleep(LOOK_EVERY);
                text(proc, "self/status").and_then(|status| Process::from_status(&status))
            });
        }
        let mut folder = proc.join("self");
        let mut process = own;
        for _ in 0..=DEEPEST {
            process.add_program(
                fs::read_link(folder.join("exe"))
                    .ok()
                    .map(|path| path.to_string_lossy().into_owned()),
                &fs::read(folder.join("cmdline")).unwrap_or_default(),
            );
            let parent = process.parent;
            self.add_process(process);
            if parent == 0 {
                break;
            }
            folder = proc.join(format!("{parent}"));
            let status = text(&folder, "status");
            match status.and_then(|status| Process::from_status(&status)) {
                Some(next) => process = next,
                None => break,
            }
        }
        Ok(())
    }
}

#[cold]
fn text(folder: &Path, name: &str) -> Option<String> {
    fs::read_to_string(folder.join(name)).ok()
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
