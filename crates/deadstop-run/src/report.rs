//! The report about the program, by a thread of its own: a write may block, and the
//! deadline must not wait for it.
//!
//! The thread inspects the program more than once. An inspection that ends after the
//! deadline may have found a killed process, without threads; the report is then of the
//! one before.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{self, ChildProcess, Process};
use deadstop_core::threads::{Activity, Blocker, Thread};
use deadstop_core::{Nanos, now};

use crate::explain;
use crate::machine::Received;
use crate::output;
use crate::processes::{self, CpuTimes};
use crate::report_file;

/// Bytes of a report.
const TEXT: usize = 64 * 1024;

/// The data of a report.
#[derive(Debug)]
pub(crate) struct Report {
    /// The program's name on the command line, for where `/proc` does not say its own.
    pub(crate) program: String,
    pub(crate) pid: i32,
    pub(crate) begun: Received,
    pub(crate) deadline: Nanos,
    pub(crate) status: u8,
    /// The processor times when the shutdown began.
    pub(crate) before: CpuTimes,
    pub(crate) file: Option<PathBuf>,
}

/// A request to the thread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Request {
    Inspect,
    Write,
}

/// The thread that inspects and reports. Without requests it ends with this.
#[derive(Debug)]
pub(crate) struct Reporter {
    requests: Sender<Request>,
    /// Has a message when the report is on its way to standard error, and is closed when
    /// it is in the file.
    written: Receiver<()>,
    is_asked: bool,
}

impl Reporter {
    /// Starts the thread, which inspects the program at once. Without it there is no
    /// report.
    pub(crate) fn start(report: Report) -> Option<Self> {
        let (requests, incoming) = channel();
        let (done, written) = sync_channel(1);
        let builder = thread::Builder::new().name("deadstop-report".into());
        if builder.spawn(move || report.run(&incoming, &done)).is_err() {
            output::print("no thread could be started for the report");
            return None;
        }
        Some(Self {
            requests,
            written,
            is_asked: false,
        })
    }

    /// Asks for one more inspection. Does not wait.
    pub(crate) fn inspect(&self) {
        // The thread ends after a report alone.
        let _ = self.requests.send(Request::Inspect);
    }

    /// Asks for the report. Does not wait.
    pub(crate) fn write(&mut self) {
        self.is_asked = true;
        let _ = self.requests.send(Request::Write);
    }

    /// Waits until the report has been written, if it was asked for: to standard error,
    /// and then to the file.
    pub(crate) fn wait(&self, text: Duration, file: Duration) {
        if self.is_asked {
            let _ = self.written.recv_timeout(text);
            let _ = self.written.recv_timeout(file);
        }
    }
}

impl Report {
    fn run(&self, requests: &Receiver<Request>, written: &SyncSender<()>) {
        let mut text = self.text();
        // The program may have ended by itself: then there is no request, and no report.
        while let Ok(request) = requests.recv() {
            let latest = self.text();
            if now() < self.deadline {
                text = latest;
            }
            if request == Request::Write {
                return self.write(text, written);
            }
        }
    }

    fn write(&self, text: Vec<u8>, written: &SyncSender<()>) {
        // First: the file may be on a disk that hangs.
        output::write(text.clone());
        let _ = written.send(());
        if let Some(path) = &self.file {
            if let Err(error) = report_file::append(path, &text) {
                let path = path.display();
                output::print(&format!("could not write the report to {path}: {error}"));
            }
        }
    }

    /// Inspects the program, and renders what was found.
    fn text(&self) -> Vec<u8> {
        if !processes::are_visible() {
            return self.render(&Seen::default());
        }
        let descendants = processes::descendants(self.pid);
        let all = || [self.pid].into_iter().chain(descendants.iter().copied());
        let later = CpuTimes::of(all());
        // A shell that waits for the program that it started says nothing.
        let (focus, threads) = focus(self.pid, &later);
        let others: Vec<ChildProcess> = all()
            .filter(|pid| *pid != focus)
            .filter_map(processes::process)
            .collect();
        self.render(&Seen {
            known: processes::process(focus),
            thread_count: processes::thread_count(focus),
            threads,
            others,
            later,
        })
    }

    fn render(&self, seen: &Seen) -> Vec<u8> {
        let known = seen.known.as_ref();
        let cause = explain::cause(&self.begun);
        let process = Process {
            name: known.map_or(&self.program, |known| known.name.as_str()),
            pid: known.map_or(self.pid, |known| known.pid),
            cause: &cause,
            begun: self.begun.at,
            now: now(),
            at: self.deadline,
            exit_status: self.status,
            threads: seen.thread_count,
            proc_error: match known {
                Some(_) => 0,
                None => libc::ENOENT,
            },
            stacks: &[],
            note: "",
        };
        let mut text = Box::new(TextBuffer::<TEXT>::new());
        let share = |tid| self.before.share(tid, &seen.later);
        let (threads, others) = (seen.threads.iter(), seen.others.iter());
        render::process(&mut text, &process, threads, share, others);
        text.as_bytes().to_vec()
    }
}

/// The processes and threads that were found.
#[derive(Default)]
struct Seen {
    /// The process that the program waits for. `None` if it is gone, or `/proc` does not show it.
    known: Option<ChildProcess>,
    thread_count: u32,
    threads: Vec<Thread>,
    others: Vec<ChildProcess>,
    later: CpuTimes,
}

/// Returns the process that the program waits for, and its threads.
fn focus(pid: i32, later: &CpuTimes) -> (i32, Vec<Thread>) {
    let mut focus = pid;
    let mut threads = processes::threads(focus, later);
    for _ in 0..8 {
        let [main] = threads.as_slice() else {
            break;
        };
        let (Activity::WaitsForChild, Blocker::Process { pid, .. }) =
            (&main.activity, &main.blocker)
        else {
            break;
        };
        focus = *pid;
        threads = processes::threads(focus, later);
    }
    (focus, threads)
}
