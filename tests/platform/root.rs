//! The reader of files, on a root folder made for it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use deadstop::platform::{Environment, Platform, ShellFate, SignalPath, Supervisor};

/// A folder that is removed when it is dropped.
struct Root(PathBuf);

impl Root {
    fn new(name: &str) -> Self {
        let name = format!("deadstop-platform-{name}-{}", std::process::id());
        let root = std::env::temp_dir().join(name);
        fs::create_dir_all(root.join("proc")).expect("a folder of its own");
        Self(root)
    }

    fn write(&self, path: &str, content: &str) -> &Self {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder of its own"))
            .expect("a folder of its own");
        fs::write(path, content).expect("a folder of its own");
        self
    }

    fn process(&self, name: &str, pid: u32, parent: u32, exe: &str, line: &str) -> &Self {
        let folder = format!("proc/{name}");
        self.write(
            &format!("{folder}/status"),
            &format!("Name:\tx\nPid:\t{pid}\nPPid:\t{parent}\n"),
        );
        self.write(&format!("{folder}/cmdline"), line);
        symlink(exe, self.0.join(&folder).join("exe")).expect("a folder of its own");
        self
    }

    fn platform(&self, pid: u32) -> Platform {
        Platform::of(&Environment::read(&self.0, pid))
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn shell_wrapper_in_docker_is_read_from_files() {
    let root = Root::new("docker");
    root.write(".dockerenv", "")
        .process("1", 1, 0, "/usr/bin/dash", "sh\0-c\0./app; true\0")
        .process("self", 7, 1, "/app", "./app\0");
    let platform = root.platform(7);
    assert_eq!(
        platform.narrowest().unwrap().supervisor(),
        Supervisor::Docker
    );
    let SignalPath::Shell {
        pid, command, fate, ..
    } = platform.signal_path()
    else {
        panic!("{:?}", platform.signal_path());
    };
    assert_eq!(
        (*pid, command.as_str(), *fate),
        (1, "sh -c ./app; true", ShellFate::Discards)
    );
}

#[test]
fn service_is_read_from_the_control_group() {
    let root = Root::new("service");
    root.write("proc/self/cgroup", "0::/system.slice/app.service\n")
        .process("1", 1, 0, "/usr/lib/systemd/systemd", "/sbin/init\0")
        .process("self", 7, 1, "/app", "");
    let platform = root.platform(7);
    assert_eq!(
        platform.narrowest().unwrap().supervisor(),
        Supervisor::Systemd
    );
    assert_eq!(*platform.signal_path(), SignalPath::Direct);
}

fn why(platform: &Platform) -> &str {
    match platform.signal_path() {
        SignalPath::Unseen { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn missing_proc_is_said_to_be_missing() {
    let root = Root::new("missing");
    assert!(why(&root.platform(7)).contains("/proc/self/status cannot be read"));
    let nowhere = Environment::read(Path::new("/nonexistent"), 7);
    assert!(why(&Platform::of(&nowhere)).contains("cannot be read"));
}

#[test]
fn hidden_parents_are_unseen() {
    let root = Root::new("hidepid");
    root.process("self", 7, 3, "/app", "");
    assert!(why(&root.platform(7)).contains("parent"));
}

#[test]
fn proc_of_another_namespace_is_not_believed() {
    let root = Root::new("namespace");
    root.process("self", 4711, 1, "/app", "")
        .process("1", 1, 0, "/usr/bin/dash", "sh\0run\0");
    assert!(why(&root.platform(7)).contains("another PID namespace"));
}

#[test]
fn garbage_in_proc_is_unseen() {
    let root = Root::new("garbage");
    root.write("proc/self/status", "\u{0}\u{1}Pid:\nPPid: -1");
    assert!(why(&root.platform(7)).contains("no process id"));
    root.write("proc/self/status", "Pid: 7\nPPid: 3\n")
        .write("proc/3/status", "");
    assert!(why(&root.platform(7)).contains("parent"));
}

#[test]
fn this_process_can_be_read() {
    // Anything may run the tests: that there is an answer counts.
    let platform = deadstop::platform::detect();
    assert!(
        !matches!(platform.signal_path(), SignalPath::Unseen { .. }),
        "{platform:?}"
    );
}
