//! The file of `--report`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::run::{self, IGNORES_TERM, Run};

/// A directory that is removed after the test.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("deadstop-run-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a new directory");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn start(path: &Path) -> Output {
    let path = path.to_str().expect("text");
    let options = ["--grace", "60", "--report", path];
    let mut command = run::deadstop(&options, "echo started");
    command.output().expect("it ends")
}

fn make_fifo(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|it| it.success()), "mkfifo");
}

#[test]
fn path_that_cannot_take_the_report_is_an_error_at_the_start() {
    let directory = Directory::new("start");
    let path = |name: &str| directory.0.join(name);
    make_fifo(&path("fifo"));
    std::os::unix::fs::symlink("elsewhere", path("link")).expect("a link");
    for (name, problem) in [
        ("fifo", "it is not a regular file"),
        ("link", "it is a symbolic link"),
        ("none/report", "No such file"),
        (".", "it is not a regular file"),
    ] {
        let output = start(&path(name));
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{name}: {text}");
        assert!(
            text.contains("--report cannot be written"),
            "{name}: {text}"
        );
        assert!(text.contains(problem), "{name}: {text}");
        assert!(output.stdout.is_empty(), "{name}: the program was started");
    }
    // The control.
    let output = start(&path("new"));
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stdout, b"started\n");
    assert!(!path("new").exists(), "there was no report");
}

/// Runs until the deadline; `prepare` runs once the program has been started.
fn end_at_the_deadline(path: &Path, prepare: impl Fn()) -> String {
    let report = path.to_str().expect("text");
    let options = ["--grace", "1", "--report", report];
    let mut command = run::deadstop(&options, IGNORES_TERM);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut deadstop = Run::start(&mut command);
    deadstop.first_line();
    prepare();
    deadstop.send(libc::SIGTERM);
    assert_eq!(deadstop.wait().and_then(|it| it.code()), Some(124));
    let errors = deadstop.0.stderr.take().expect("a pipe");
    std::io::read_to_string(errors).expect("text")
}

#[test]
fn file_has_the_report_after_what_it_had() {
    let directory = Directory::new("append");
    let path = directory.0.join("report");
    fs::write(&path, "before\n").expect("a file");
    end_at_the_deadline(&path, || {});
    let text = fs::read_to_string(&path).expect("the report");
    assert!(text.starts_with("before\n"), "{text}");
    assert!(text.contains("end of hang report"), "{text}");
}

#[test]
fn fifo_that_has_taken_the_place_of_the_file_does_not_keep_the_report_back() {
    let directory = Directory::new("fifo");
    let path = directory.0.join("report");
    let text = end_at_the_deadline(&path, || make_fifo(&path));
    assert!(text.contains("end of hang report"), "{text}");
    assert!(text.contains("could not write the report"), "{text}");
}
