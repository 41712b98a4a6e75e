//! Real threads that wait for something, each told apart.

use std::fs::{self, File};
use std::hint;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::UnixListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::{collect, said};
use crate::sys::ThreadSource;
use crate::tests::isolated::isolated;

/// Only keeps a failing run from hanging.
const PATIENCE: Duration = Duration::from_secs(10);

/// Starts a thread, and returns its id.
pub(super) fn start(life: impl FnOnce() + Send + 'static) -> i32 {
    let (to, tid) = mpsc::channel();
    thread::spawn(move || {
        to.send(crate::tid()).expect("it is waited for");
        life();
    });
    tid.recv().expect("it begins")
}

/// Takes tables until `what` is said of `tid`; returns what was said last.
fn wait_until(proc: &ThreadSource, tid: i32, what: &str) -> String {
    let patience = Instant::now() + PATIENCE;
    loop {
        let said = said(&collect(proc, &[tid]), tid);
        if said.contains(what) || Instant::now() > patience {
            return said;
        }
    }
}

/// A thread that does `life` comes to be one of which `what` is said.
#[track_caller]
fn expect(life: impl FnOnce() + Send + 'static, what: &str) -> String {
    let tid = start(life);
    let said = wait_until(&ThreadSource::open(), tid, what);
    assert!(said.contains(what), "{said:?} is not {what:?}");
    assert!(said.starts_with(&format!("{tid} \"")), "{said:?}");
    said
}

/// A process that sleeps for longer than any test, and ends with it.
struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        let mut command = Command::new("sleep");
        command.arg("60");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        Self(command.spawn().expect("it starts"))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        // Both fail only if it has ended, which is what we want.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Ends a process that a thread waits for.
fn end(id: u32) {
    let killed = Command::new("kill").arg(id.to_string()).status();
    assert!(killed.expect("it runs").success());
}

fn folder() -> String {
    let folder = format!("/tmp/deadstop-table-{}", crate::pid());
    fs::create_dir_all(&folder).expect("it can be made");
    folder
}

#[test]
fn spinning_thread_runs() {
    isolated("threads::waits::spinning_thread_runs", || {
        let said = expect(
            || loop {
                hint::spin_loop();
            },
            ", runs, ",
        );
        assert!(said.contains(" R running, "), "{said:?}");
    });
}

#[test]
fn thread_that_waits_for_a_mutex_waits_for_a_lock() {
    isolated(
        "threads::waits::thread_that_waits_for_a_mutex_waits_for_a_lock",
        || {
            static LOCK: Mutex<()> = Mutex::new(());
            let _held = LOCK.lock();
            let said = expect(
                || drop(LOCK.lock()),
                ", waits (lock, channel, condition or join), ",
            );
            assert!(said.contains(" S futex"), "{said:?}");
        },
    );
}

#[test]
fn thread_that_reads_a_pipe_names_the_descriptor() {
    isolated(
        "threads::waits::thread_that_reads_a_pipe_names_the_descriptor",
        || {
            let mut child = Sleeper::start();
            let mut pipe = child.0.stdout.take().expect("it is piped");
            let what = format!(", reads from descriptor {} (pipe), ", pipe.as_raw_fd());
            let said = expect(move || drop(pipe.read(&mut [0])), &what);
            assert!(said.contains("pipe_read, "), "{said:?}");
        },
    );
}

#[test]
fn thread_that_writes_to_a_full_pipe_names_the_descriptor() {
    isolated(
        "threads::waits::thread_that_writes_to_a_full_pipe_names_the_descriptor",
        || {
            let mut child = Sleeper::start();
            let mut pipe = child.0.stdin.take().expect("it is piped");
            let what = format!(", writes to descriptor {} (pipe), ", pipe.as_raw_fd());
            expect(move || drop(pipe.write_all(&[0; 1 << 20])), &what);
        },
    );
}

#[test]
fn sleeping_thread_sleeps() {
    isolated("threads::waits::sleeping_thread_sleeps", || {
        expect(|| thread::sleep(Duration::from_secs(60)), ", sleeps, ");
    });
}

#[test]
fn thread_that_waits_for_a_child_says_so() {
    isolated(
        "threads::waits::thread_that_waits_for_a_child_says_so",
        || {
            let mut child = Sleeper::start();
            let id = child.0.id();
            expect(
                // `Child::wait` closes its standard input first.
                move || drop(child.0.wait()),
                ", waits for a child process, ",
            );
            end(id);
        },
    );
}

#[test]
fn thread_that_polls_two_pipes_polls() {
    isolated("threads::waits::thread_that_polls_two_pipes_polls", || {
        let child = Command::new("sleep")
            .arg("60")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let id = child.id();
        // The thread reads two pipes at a time.
        expect(move || drop(child.wait_with_output()), ", polls, ");
        end(id);
    });
}

#[test]
fn thread_on_a_tcp_socket_names_its_address() {
    let name = "threads::waits::thread_on_a_tcp_socket_names_its_address";
    isolated(name, || {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let mut stream = TcpStream::connect(address).expect("the listener is there");
        let _other = listener.accept().expect("a client connects");
        let number = stream.as_raw_fd();
        let what = format!(", reads from descriptor {number} (socket \"tcp to {address}\"), ");
        expect(move || drop(stream.read(&mut [0])), &what);

        let number = listener.as_raw_fd();
        let what = format!(" on descriptor {number} (socket \"tcp at {address}, listening\"), ");
        let said = expect(move || drop(listener.accept()), &what);
        assert!(said.contains(", in accept"), "{said:?}");
    });
}

#[test]
fn thread_on_a_unix_socket_names_its_path() {
    isolated(
        "threads::waits::thread_on_a_unix_socket_names_its_path",
        || {
            let folder = folder();
            let listener = UnixListener::bind(format!("{folder}/s")).expect("it can be bound");
            let number = listener.as_raw_fd();
            let what = format!(" on descriptor {number} (socket \"unix at {folder}/s\"), ");
            expect(move || drop(listener.accept()), &what);
            fs::remove_dir_all(folder).expect("it is ours");
        },
    );
}

#[test]
fn thread_on_a_fifo_names_its_path() {
    isolated("threads::waits::thread_on_a_fifo_names_its_path", || {
        let folder = folder();
        // A name with all that the report's grammar is made of.
        let path = format!("{folder}/(a, \"b\")");
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("it runs").success());
        let opened = path.clone();
        expect(move || drop(File::open(opened)), ", in open");
        let mut fifo = File::options().read(true).write(true).open(&path);
        let number = fifo.as_ref().expect("it is there").as_raw_fd();
        let what = format!(", reads from descriptor {number} (pipe \"{folder}/(a, \\\"b\\\")\"), ");
        expect(
            move || drop(fifo.as_mut().map(|fifo| fifo.read(&mut [0]))),
            &what,
        );
        fs::remove_dir_all(folder).expect("it is ours");
    });
}

/// A lock of the file behind a descriptor, of whatever kind it is.
#[test]
fn thread_that_locks_a_file_is_in_flock_on_its_kind() {
    isolated(
        "threads::waits::thread_that_locks_a_file_is_in_flock_on_its_kind",
        || {
            let folder = folder();
            let file = format!("{folder}/f");
            File::create(&file).expect("it is ours");
            let mut all = vec![
                (folder.clone(), "directory"),
                (file, "file"),
                ("/dev/zero".to_owned(), "device"),
            ];
            // Not every container has one.
            all.extend(disk().map(|disk| (disk, "disk")));
            for (path, kind) in all {
                let open = || File::open(&path).expect("it is there");
                let (held, file) = (open(), open());
                flock(&held, FlockOperation::LockExclusive).expect("no other process locks it");
                let number = file.as_raw_fd();
                let what = format!(", in flock on descriptor {number} ({kind} \"{path}\"), ");
                let said = expect(
                    move || {
                        let _ = flock(&file, FlockOperation::LockExclusive);
                    },
                    &what,
                );
                assert!(said.contains(" S "), "{said:?}");
            }
            fs::remove_dir_all(folder).expect("it is ours");
        },
    );
}

/// A block device that may be opened, if there is one.
fn disk() -> Option<String> {
    let all = fs::read_dir("/dev").ok()?.flatten();
    let mut disks = all.filter(|entry| {
        let kind = entry.file_type();
        kind.is_ok_and(|kind| kind.is_block_device()) && File::open(entry.path()).is_ok()
    });
    Some(disks.next()?.path().display().to_string())
}

#[test]
fn thread_that_reads_a_terminal_names_it() {
    isolated(
        "threads::waits::thread_that_reads_a_terminal_names_it",
        || {
            let mut terminal = File::options()
                .read(true)
                .write(true)
                .open("/dev/ptmx")
                .expect("there are terminals");
            let number = terminal.as_raw_fd();
            let what = format!(", reads from descriptor {number} (terminal \"/dev/");
            expect(move || drop(terminal.read(&mut [0])), &what);
        },
    );
}

#[test]
fn thread_that_has_ended_is_listed_as_ended() {
    isolated(
        "threads::waits::thread_that_has_ended_is_listed_as_ended",
        || {
            let tid = start(|| {});
            let proc = ThreadSource::open();
            let first = wait_until(&proc, tid, "ended");
            assert!(
                first.starts_with(&format!("{tid} \"\" X -, ended")),
                "{first:?}"
            );
            // The thread has no clock from now on, even if it had one at the first look.
            assert_eq!(
                said(&collect(&proc, &[tid]), tid),
                format!("{tid} \"\" X -, ended")
            );
        },
    );
}
