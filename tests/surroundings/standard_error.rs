//! Standard error: its readers, and files that are opened under its number.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsRawFd, IntoRawFd};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use deadstop::report::{Progress, Sinks};
use deadstop::{Shutdown, Signal};

use super::self_victim::{PATIENCE, park, run, say, send, victim};
use super::{ok, said};

/// Returns `true` if the reader of the victim's standard error sees its end while the victim
/// lives.
fn ends(test: &str, progress: Progress) -> bool {
    let mut command = victim(test, || {
        let sinks = Sinks::new().stderr(false);
        let builder = Shutdown::builder().progress(progress).sinks(sinks);
        let _shutdown = ok(builder.install());
        let null = ok(File::options().read(true).write(true).open("/dev/null"));
        for number in 0..3 {
            // SAFETY: two descriptors; this is what daemons do.
            assert_eq!(unsafe { libc::dup2(null.as_raw_fd(), number) }, number);
        }
        park();
    });
    let mut child = command.spawn().expect("it starts");
    let mut stderr = child.stderr.take().expect("piped");
    let (end, is_there) = mpsc::channel();
    thread::spawn(move || {
        let _ = stderr.read_to_end(&mut Vec::new());
        let _ = end.send(());
    });
    let ended = is_there.recv_timeout(PATIENCE).is_ok();
    assert!(child.try_wait().expect("its own child").is_none());
    send(&child, libc::SIGKILL);
    child.wait().expect("its own child");
    ended
}

#[test]
fn reader_sees_the_end_where_a_daemon_lets_go_of_it() {
    let test = "standard_error::reader_sees_the_end_where_a_daemon_lets_go_of_it";
    assert!(ends(test, Progress::Auto));
}

/// Makes standard error a socket whose reader is gone, in a program that has left SIGPIPE
/// at its default action.
fn lose_the_reader() {
    // SAFETY: the default action runs no code.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
    let (ours, reader) = ok(std::os::unix::net::UnixStream::pair());
    // SAFETY: two descriptors.
    assert_eq!(unsafe { libc::dup2(ours.as_raw_fd(), 2) }, 2);
    drop(reader);
}

/// Makes standard error a file that takes nothing more.
fn fill_the_file() {
    // SAFETY: the default action runs no code.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_DFL) };
    let file = ok(tempfile());
    // SAFETY: two descriptors.
    assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 2) }, 2);
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the pointer is valid for reads.
    let limited = unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const none) };
    assert_eq!(limited, 0);
}

fn tempfile() -> std::io::Result<File> {
    let name = format!("deadstop-surroundings-{}", std::process::id());
    let path = std::env::temp_dir().join(name);
    let file = File::create(&path)?;
    fs::remove_file(path)?;
    Ok(file)
}

/// Sends two signals, and lets a task hang. The handler reports the second signal.
fn hang_without_standard_error(test: &str, prepare: fn()) -> Output {
    run(victim(test, || {
        prepare();
        let builder = Shutdown::builder().grace(Duration::from_secs(1));
        let shutdown = ok(builder.install());
        ok(shutdown.task("hang").on_shutdown(|_| park()));
        for _ in 0..2 {
            // SAFETY: `raise` takes an integer.
            assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0);
            thread::sleep(Duration::from_millis(400));
        }
        say("alive after two signals");
        let _ = shutdown.wait();
    }))
}

#[test]
fn without_a_reader_does_not_end_the_process_early() {
    let test = "standard_error::without_a_reader_does_not_end_the_process_early";
    let output = hang_without_standard_error(test, lose_the_reader);
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    assert!(
        said(&output).contains("alive after two signals"),
        "{output:?}"
    );
}

#[test]
fn that_is_full_does_not_end_the_process_early() {
    let test = "standard_error::that_is_full_does_not_end_the_process_early";
    let output = hang_without_standard_error(test, fill_the_file);
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    assert!(
        said(&output).contains("alive after two signals"),
        "{output:?}"
    );
}

/// An empty folder for one test and its victim.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs a victim that hangs in `prepare` and after it, and returns its end with the texts
/// of the files `old` and `new` in `folder`.
fn hang_beside_files(test: &str, name: &str, prepare: fn(&Path)) -> (Output, [String; 2]) {
    let folder = folder(name);
    let mut command = victim(test, || {
        let handler: extern "C" fn(i32) = dump_stacks;
        // SAFETY: the handler makes one write(2).
        unsafe { libc::signal(libc::SIGUSR2, handler as libc::sighandler_t) };
        let builder = Shutdown::builder().grace(Duration::from_secs(1));
        let builder = builder.stack_dump_signal(Signal::USR2);
        let shutdown = ok(builder.progress(Progress::Stderr).install());
        prepare(&folder);
        ok(shutdown.task("hang").on_shutdown(|_| park()));
        let _ = shutdown.finish();
    });
    let _ = fs::remove_dir_all(&folder);
    ok(fs::create_dir(&folder));
    let old = ok(File::options()
        .create(true)
        .append(true)
        .open(folder.join("old")));
    command.stderr(old);
    let output = run(command);
    let texts = ["old", "new"].map(|it| fs::read_to_string(folder.join(it)));
    let texts = texts.map(Result::unwrap_or_default);
    let _ = fs::remove_dir_all(&folder);
    assert_eq!(output.status.code(), Some(124), "{output:?} {texts:?}");
    (output, texts)
}

/// As `faulthandler` of Python.
extern "C" fn dump_stacks(_signal: i32) {
    // SAFETY: the pointer is valid for reads of the length given.
    unsafe { libc::write(2, b"stacks\n".as_ptr().cast(), 7) };
}

/// Makes a file standard error, as a program that rotates its log does.
fn replace_by(file: &File) {
    // SAFETY: two descriptors.
    assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), 2) }, 2);
}

/// Closes standard error, and opens a file, which gets its number.
fn reuse_for(options: &fs::OpenOptions, path: &Path) {
    // SAFETY: no code of this process writes to it from here on but what is tested.
    unsafe { libc::close(2) };
    let file = ok(options.open(path)).into_raw_fd();
    assert_eq!(file, 2);
}

fn is_reported(text: &str) -> bool {
    text.contains("deadstop: shutdown begins") && text.contains("end of hang report 1")
}

#[test]
fn that_the_program_has_replaced_has_lines_and_reports() {
    let test = "standard_error::that_the_program_has_replaced_has_lines_and_reports";
    let (_, [old, new]) = hang_beside_files(test, "replaced", |folder| {
        let mut options = File::options();
        let new = ok(options.create(true).append(true).open(folder.join("new")));
        replace_by(&new);
    });
    assert!(is_reported(&new), "{old} {new}");
    assert!(new.contains("stacks\n"), "{new}");
    assert_eq!(old, "");
}

/// The kernel does not say that it is no standard error, except by its access mode.
#[test]
fn that_was_replaced_by_a_database_is_not_written_to() {
    let test = "standard_error::that_was_replaced_by_a_database_is_not_written_to";
    let (_, [old, new]) = hang_beside_files(test, "database", |folder| {
        let mut options = File::options();
        let options = options.read(true).append(true).create(true);
        replace_by(&ok(options.open(folder.join("new"))));
    });
    assert!(old.contains("end of hang report 1"), "{old}");
    assert_eq!(new, "");
}

#[test]
fn whose_number_goes_to_a_file_is_not_written_to() {
    let test = "standard_error::whose_number_goes_to_a_file_is_not_written_to";
    let (_, [old, new]) = hang_beside_files(test, "reused", |folder| {
        let mut options = File::options();
        reuse_for(options.append(true).create(true), &folder.join("new"));
    });
    assert!(old.contains("end of hang report 1"), "{old}");
    assert_eq!(new, "");
}

/// Closes all descriptors but the first three, as programs do before they start others.
#[test]
fn has_the_report_although_the_program_closed_all_other_descriptors() {
    let test = "standard_error::has_the_report_although_the_program_closed_all_other_descriptors";
    let (_, [old, _]) = hang_beside_files(test, "others", |_| {
        // SAFETY: no code of this process uses one from here on but what is tested.
        let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
        assert_eq!(closed, 0);
    });
    assert!(is_reported(&old), "{old}");
}

#[test]
fn has_the_report_without_a_free_descriptor() {
    let test = "standard_error::has_the_report_without_a_free_descriptor";
    let (_, [old, _]) = hang_beside_files(test, "free", |_| limit_descriptors(3));
    assert!(is_reported(&old), "{old}");
}

/// A sandbox may set this limit. poll(2) then refuses to wait for even one descriptor.
#[test]
fn has_the_report_where_no_descriptor_may_be_open() {
    let test = "standard_error::has_the_report_where_no_descriptor_may_be_open";
    let (_, [old, _]) = hang_beside_files(test, "zero", |_| limit_descriptors(0));
    assert!(is_reported(&old), "{old}");
}

#[test]
fn that_is_a_pipe_has_the_report_where_no_descriptor_may_be_open() {
    let test = "standard_error::that_is_a_pipe_has_the_report_where_no_descriptor_may_be_open";
    let output = run(victim(test, || {
        let builder = Shutdown::builder().grace(Duration::from_secs(1));
        let shutdown = ok(builder.install());
        limit_descriptors(0);
        ok(shutdown.task("hang").on_shutdown(|_| park()));
        let _ = shutdown.finish();
    }));
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("end of hang report 1"), "{text}");
}

#[test]
fn has_the_report_where_none_was_free_at_install() {
    let test = "standard_error::has_the_report_where_none_was_free_at_install";
    let output = run(victim(test, || {
        limit_descriptors(3);
        let builder = Shutdown::builder().grace(Duration::from_secs(1));
        let shutdown = ok(builder.progress(Progress::Stderr).install());
        ok(shutdown.task("hang").on_shutdown(|_| park()));
        let _ = shutdown.finish();
    }));
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(is_reported(&text), "{text}");
}

fn limit_descriptors(number: u64) {
    let limit = libc::rlimit {
        rlim_cur: number,
        rlim_max: number,
    };
    // SAFETY: the pointer is valid for reads.
    let limited = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(limited, 0);
}

/// The exit handler writes a line on the thread that exits.
#[test]
fn without_a_reader_leaves_the_exit_status() {
    let test = "standard_error::without_a_reader_leaves_the_exit_status";
    let output = run(victim(test, || {
        lose_the_reader();
        let shutdown = ok(Shutdown::builder().install());
        ok(shutdown.task("never requested").on_shutdown(|_| {}));
        std::process::exit(7);
    }));
    assert_eq!(output.status.code(), Some(7), "{output:?}");
}
