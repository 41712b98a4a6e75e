//! Detection and findings, platform by platform, as pure functions over data.

mod findings;
mod garbage;
mod recognition;
mod root;
mod signal_path;

use deadstop::platform::{Environment, Process};

/// This process, whose only signal handlers are `SIGTERM`'s and `SIGINT`'s.
fn app(pid: u32, parent: u32) -> Process {
    Process::new(pid, parent, "app")
        .executable("/usr/bin/app")
        .command(["/usr/bin/app"])
        .caught(1 << 14 | 1 << 1)
}

/// A container whose pid 1 is the program.
fn container() -> Environment {
    Environment::new(1).process(app(1, 0))
}

/// A machine whose pid 1 is systemd, on which process 5 runs under 4.
fn host(parent: Process) -> Environment {
    Environment::new(5)
        .process(app(5, 4))
        .process(parent)
        .process(Process::new(1, 0, "systemd").executable("/usr/lib/systemd/systemd"))
}
