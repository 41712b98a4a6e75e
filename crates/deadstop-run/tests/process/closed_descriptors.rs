//! A supervisor that is started with closed descriptors.

use std::fs;
use std::os::unix::process::CommandExt;

use crate::report_file::Directory;
use crate::run::{self, Run, until};

/// Without standard error, its number would be that of a file which is opened later: the
/// lines for standard error would be a part of that file.
#[test]
fn lines_for_a_closed_standard_error_go_nowhere() {
    let directory = Directory::new("closed");
    let [report, up] = ["report", "up"].map(|name| directory.0.join(name));
    let [report_text, up_text] = [&report, &up].map(|path| path.to_str().expect("a path"));
    // The program finds them closed as well.
    let script = format!(
        "trap '' TERM; for n in 0 1 2; do [ -e /proc/$$/fd/$n ] && exit 9; done; \
         echo > {up_text}; while :; do sleep 0.1; done"
    );
    let options = ["--grace", "600ms", "--report", report_text];
    let mut command = run::deadstop(&options, &script);
    let close = || {
        for number in 0..3 {
            // SAFETY: an integer.
            unsafe { libc::close(number) };
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls alone.
    unsafe { command.pre_exec(close) };
    let mut deadstop = Run::start(&mut command);
    until(|| (up.exists() || !deadstop.is_alive()).then_some(())).expect("it is up");
    deadstop.send(libc::SIGTERM);
    assert_eq!(deadstop.wait().expect("it ends").code(), Some(124));
    let text = fs::read_to_string(&report).expect("a report");
    let lines = |words| text.lines().filter(|line| line.contains(words)).count();
    assert_eq!(lines("has not ended"), 1, "{text}");
    assert!(text.ends_with("end of hang report 1\n"), "{text}");
}
