//! A program with more rights than its caller.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use deadstop::Shutdown;

use super::self_victim::{park, run, victim};
use super::{ok, skip};

/// The caller of the program.
const OTHER: u32 = 54_327;

/// The caller passes a descriptor of a file that it may not open. Standard error is
/// opened anew where it is a pipe, and the program, which is root's, may open this one.
#[test]
fn standard_error_is_not_opened_with_rights_that_the_caller_does_not_have() {
    let test =
        "set_user_id::standard_error_is_not_opened_with_rights_that_the_caller_does_not_have";
    let started = victim(test, || {
        let builder = Shutdown::builder().grace(Duration::from_secs(1));
        let shutdown = ok(builder.install());
        ok(shutdown.task("hang").on_shutdown(|_| park()));
        let _ = shutdown.finish();
    });
    // SAFETY: no precondition.
    if unsafe { libc::geteuid() } != 0 {
        return skip("only root can make a set-user-ID program");
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("set-user-id");
    let _ = fs::remove_dir_all(&folder);
    ok(fs::create_dir(&folder));
    let program = folder.join("program");
    ok(fs::copy(started.get_program(), &program));
    ok(fs::set_permissions(
        &program,
        fs::Permissions::from_mode(0o4755),
    ));
    let fifo = folder.join("fifo");
    let name = ok(CString::new(fifo.as_os_str().as_bytes()));
    // SAFETY: the pointer is to a text that ends with zero.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    let open = |flags| ok(File::options().read(true).custom_flags(flags).open(&fifo));
    let mut reader = open(libc::O_NONBLOCK);
    let mut command = Command::new(&program);
    command.args(started.get_args());
    for (name, value) in started.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    command.stdout(std::process::Stdio::piped()).uid(OTHER);
    command.stderr(open(libc::O_PATH));
    let output = run(command);
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    let mut report = Vec::new();
    let read = reader.read_to_end(&mut report);
    assert!(
        report.is_empty(),
        "{read:?} {}",
        String::from_utf8_lossy(&report)
    );
    let _ = fs::remove_dir_all(&folder);
}
