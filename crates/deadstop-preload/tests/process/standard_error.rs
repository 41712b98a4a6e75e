//! Where the report is written, if standard error is full, replaced or another file by then.

use std::ffi::c_int;
use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;

use crate::full_pipe::full_pipe;
use crate::start::{Start, Test};
use crate::triggers::loops_in_handler;

pub(crate) const TESTS: &[Test] = &[
    ("full_standard_error_does_not_delay_the_end", || {
        let (_kept, full) = full_pipe();
        let mut victim = Start::new("loops_in_handler").stderr(full).start();
        assert_eq!(victim.line(), "ready");
        victim.ends_at_deadline();
    }),
    (
        "number_of_standard_error_reused_for_data_is_not_written_to",
        || {
            let folder = tempfile::tempdir().expect("a folder");
            let data = folder.path().join("data");
            let report = folder.path().join("report");
            let mut victim = Start::new("reuses_standard_error")
                .set("DEADSTOP_TEST_DATA", data.to_str().expect("a path"))
                .set("DEADSTOP_REPORT", report.to_str().expect("a path"))
                .start();
            assert_eq!(victim.line(), "ready");
            victim.ends_at_deadline();
            assert_eq!(fs::read_to_string(data).expect("data"), "data");
            let report = fs::read_to_string(report).expect("a report");
            assert!(report.contains("has not ended: main runs"), "{report}");
        },
    ),
    (
        "number_of_standard_error_reused_for_a_connection_is_not_written_to",
        || {
            let folder = tempfile::tempdir().expect("a folder");
            let path = folder.path().join("socket");
            let listener = UnixListener::bind(&path).expect("a socket");
            let mut victim = Start::new("reuses_standard_error_for_a_connection")
                .set("DEADSTOP_TEST_DATA", path.to_str().expect("a path"))
                .start();
            assert_eq!(victim.line(), "ready");
            let (mut connection, _) = listener.accept().expect("the victim has connected");
            victim.ends_at_deadline();
            let mut sent = String::new();
            connection.read_to_string(&mut sent).expect("text");
            assert_eq!(sent, "");
        },
    ),
    ("standard_error_that_dup2_replaced_has_the_report", || {
        report_is_in_replaced_standard_error("replaces_standard_error");
    }),
    (
        "standard_error_that_freopen_replaced_has_the_report",
        || {
            report_is_in_replaced_standard_error("reopens_standard_error");
        },
    ),
    ("child_of_vfork_replaces_its_own_standard_error", || {
        let folder = tempfile::tempdir().expect("a folder");
        let own = folder.path().join("own");
        let data = folder.path().join("data");
        let mut victim = Start::new("vforks_with_another_standard_error")
            .set("DEADSTOP_TEST_DATA", data.to_str().expect("a path"))
            .stderr(File::create(&own).expect("a file"))
            .start();
        assert_eq!(victim.line(), "ready");
        victim.ends_at_deadline();
        let report = fs::read_to_string(own).expect("a report");
        assert!(report.contains("has not ended: main runs"), "{report}");
        assert_eq!(fs::read_to_string(data).expect("data"), "");
    }),
    ("report_to_a_fifo_or_a_link_is_refused_and_said", || {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| {
            folder
                .path()
                .join(name)
                .to_str()
                .expect("a path")
                .to_owned()
        };
        let made = Command::new("mkfifo").arg(path("fifo")).status();
        assert!(made.expect("mkfifo").success());
        fs::write(path("file"), "kept").expect("a file");
        std::os::unix::fs::symlink(path("file"), path("link")).expect("a link");
        let end_with = |report: String| {
            let mut victim = Start::new("loops_in_handler")
                .set("DEADSTOP_REPORT", &report)
                .start();
            assert_eq!(victim.line(), "ready");
            let end = victim.ends_at_deadline();
            end.says("has not ended: main runs");
            end
        };
        end_with(path("fifo")).says("fifo\", which is no regular file");
        end_with(path("link")).says("link\", which is a symbolic link");
        end_with(path("none/file")).says("none/file\": error 2");
        assert_eq!(fs::read_to_string(path("file")).expect("text"), "kept");
        assert!(!end_with(path("file")).stderr.contains("not added"));
        let text = fs::read_to_string(path("file")).expect("text");
        assert!(text.starts_with("keptdeadstop: deadline in "), "{text}");
    }),
];

pub(crate) const VICTIMS: &[Test] = &[
    ("reuses_standard_error", reuses_standard_error),
    ("reuses_standard_error_for_a_connection", || {
        let path = std::env::var_os("DEADSTOP_TEST_DATA").expect("a path");
        // SAFETY: an integer; nothing else uses standard error.
        unsafe { libc::close(2) };
        let connection = UnixStream::connect(path).expect("it listens");
        // As C programs open it.
        // SAFETY: three integers.
        let number = unsafe { libc::fcntl(connection.into_raw_fd(), libc::F_SETFD, 0) };
        assert_eq!(number, 0);
        loops_in_handler();
    }),
    ("replaces_standard_error", || {
        let file = data();
        // SAFETY: two integers.
        assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 2) }, 2);
        drop(file);
        write_unbuffered("error");
        loops_in_handler();
    }),
    ("reopens_standard_error", || {
        let path = std::env::var("DEADSTOP_TEST_DATA").expect("a path");
        let path = std::ffi::CString::new(path).expect("no zero");
        // SAFETY: both texts end with zero, and the stream is open.
        let stream = unsafe { libc::freopen(path.as_ptr(), c"w".as_ptr(), stderr) };
        assert!(!stream.is_null());
        write_unbuffered("error");
        loops_in_handler();
    }),
    ("vforks_with_another_standard_error", || {
        let file = data();
        let mut stack = vec![0_u128; 4096];
        let top = stack.as_mut_ptr_range().end.cast();
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        let argument = std::ptr::without_provenance_mut(file.as_raw_fd() as usize);
        // SAFETY: the child has a stack of its own, makes system calls alone, and this
        // process goes on when it has ended.
        assert!(unsafe { libc::clone(replace_standard_error, top, flags, argument) } > 0);
        loops_in_handler();
    }),
];

unsafe extern "C" {
    static mut stderr: *mut libc::FILE;
}

extern "C" fn replace_standard_error(file: *mut std::ffi::c_void) -> c_int {
    let file = c_int::try_from(file.addr()).unwrap_or(-1);
    // SAFETY: two integers.
    i32::from(unsafe { libc::dup2(file, 2) } != 2)
}

/// Writes to number 2, without a buffer.
fn write_unbuffered(text: &str) {
    // SAFETY: valid for reads of the length given.
    assert!(unsafe { libc::write(2, text.as_ptr().cast(), text.len()) } > 0);
}

/// The file of a test, not opened to add to it.
fn data() -> File {
    File::create(std::env::var_os("DEADSTOP_TEST_DATA").expect("a path")).expect("a file")
}

/// Asserts that the report is in the file that the victim made its standard error, after what
/// the victim itself wrote to it.
fn report_is_in_replaced_standard_error(victim: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("errors");
    let mut victim = Start::new(victim)
        .set("DEADSTOP_TEST_DATA", path.to_str().expect("a path"))
        .start();
    assert_eq!(victim.line(), "ready");
    assert_eq!(victim.ends_at_deadline().stderr, "");
    let report = fs::read_to_string(path).expect("a report");
    assert!(
        report.starts_with("errordeadstop: deadline in "),
        "{report}"
    );
    assert!(report.contains("has not ended: main runs"), "{report}");
}

fn reuses_standard_error() {
    let path = std::env::var_os("DEADSTOP_TEST_DATA").expect("a path");
    // SAFETY: an integer; nothing else uses standard error.
    unsafe { libc::close(2) };
    let mut data = File::create(path).expect("a file");
    assert_eq!(data.as_raw_fd(), 2);
    std::io::Write::write_all(&mut data, b"data").expect("written");
    let _kept_open = data.into_raw_fd();
    loops_in_handler();
}
