//! The live view, on a terminal of the test's own.

#![expect(unsafe_code, reason = "gives a victim a terminal")]

use std::fs::File;
use std::io::{self, Read};
use std::num::NonZero;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::ptr;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use vt100::{Parser, Screen};

use super::{COUNTED, ended_well};
use crate::harness::{self, Death, End, Victim};

/// The time for which the terminal is read after its victim has died.
const PATIENCE: Duration = Duration::from_secs(10);

const ROWS: u16 = 24;

/// The lines that a person who scrolls back sees.
const SEEN: u16 = 500;

/// A terminal, as the person before it sees it.
struct Terminal {
    output: Receiver<Vec<u8>>,
    parser: Parser,
    /// All that it was sent.
    sent: String,
}

impl Terminal {
    /// Starts `fault` with its standard error at a terminal that is `columns`
    /// wide.
    fn start(fault: &str, columns: u16, variables: &[(&str, &str)]) -> (Self, Victim) {
        Self::start_with_ctrl_c(libc::SIG_DFL, fault, columns, variables)
    }

    /// The same, with this disposition of `SIGINT`: that of the tests depends on
    /// who runs them.
    fn start_with_ctrl_c(
        disposition: libc::sighandler_t,
        fault: &str,
        columns: u16,
        variables: &[(&str, &str)],
    ) -> (Self, Victim) {
        let (ours, theirs) = open(columns);
        let mut command = harness::command(fault, COUNTED, "watched");
        command.env("TERM", "xterm").env("PROGRESS", "live");
        command.envs(variables.iter().copied());
        let number = theirs.as_raw_fd();
        // SAFETY: dup2(2) and signal(2) are async-signal-safe, and the
        // descriptor is open until the command is dropped.
        unsafe { command.pre_exec(move || prepare(number, disposition)) };
        let victim = Victim::start(command, fault, COUNTED);
        drop(theirs);
        let terminal = Self {
            output: read(File::from(ours)),
            parser: Parser::new(large(SEEN), large(columns), 0),
            sent: String::new(),
        };
        (terminal, victim)
    }

    /// Shows what comes, and calls `look` after each line, until all who could
    /// write have gone.
    fn watch(&mut self, mut look: impl FnMut(&Screen)) {
        loop {
            match self.output.recv_timeout(COUNTED + PATIENCE) {
                Ok(piece) => {
                    self.sent.push_str(&String::from_utf8_lossy(&piece));
                    // On a busy machine a piece has several frames.
                    for line in piece.split_inclusive(|byte| *byte == b'\n') {
                        self.parser.process(line);
                        look(self.parser.screen());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => panic!("a process keeps it open: {}", self.sent),
            }
        }
    }

    /// Returns the text on the terminal. Lines that it has wrapped are whole.
    fn contents(&self) -> String {
        self.parser.screen().contents()
    }
}

/// Returns the text on the terminal, row by row. A view fills its rows, and each then counts as
/// wrapped.
fn rows(screen: &Screen) -> String {
    let (_, columns) = screen.size();
    let rows: Vec<_> = screen.rows(0, columns.get()).collect();
    let rows: Vec<_> = rows.iter().map(|row| row.trim_end()).collect();
    rows.join("\n")
}

fn large(size: u16) -> NonZero<u16> {
    NonZero::new(size).expect("a terminal that shows something")
}

/// Makes the terminal standard error, and sets the disposition of `SIGINT`.
/// Async-signal-safe.
fn prepare(terminal: i32, disposition: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: signal(2) takes two of its own constants.
    unsafe { libc::signal(libc::SIGINT, disposition) };
    // SAFETY: dup2(2) takes two integers.
    match unsafe { libc::dup2(terminal, libc::STDERR_FILENO) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// A new terminal: the end of the person before it, and that of a program.
fn open(columns: u16) -> (OwnedFd, OwnedFd) {
    let size = libc::winsize {
        ws_row: ROWS,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let (mut ours, mut theirs) = (-1, -1);
    // SAFETY: the first two pointers are valid for writes, the last for reads,
    // and the others may be null.
    let opened = unsafe {
        libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            ptr::null_mut(),
            ptr::null(),
            &raw const size,
        )
    };
    assert_eq!(opened, 0, "openpty: {}", io::Error::last_os_error());
    for end in [ours, theirs] {
        // SAFETY: this request takes an integer.
        unsafe { libc::fcntl(end, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    // SAFETY: open, and not used elsewhere.
    let ours = unsafe { OwnedFd::from_raw_fd(ours) };
    // SAFETY: as above.
    let theirs = unsafe { OwnedFd::from_raw_fd(theirs) };
    (ours, theirs)
}

/// Reads on a thread of its own, until there is no writer left.
fn read(mut from: File) -> Receiver<Vec<u8>> {
    let (to, pieces) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 65536];
        // A terminal without a writer returns an error.
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            let _ = to.send(buffer[..read].to_vec());
        }
    });
    pieces
}

/// Runs a victim whose task hangs, and which is sent a `SIGINT`; returns whether
/// `look` has seen what it looks for.
fn hang(columns: u16, mut look: impl FnMut(&str) -> bool) -> (Terminal, Death, bool) {
    let (mut terminal, mut victim) = Terminal::start("progress_hang", columns, &[]);
    victim.trigger(libc::SIGINT);
    let mut seen = false;
    terminal.watch(|screen| {
        assert!(!screen.hide_cursor(), "it could not be shown again");
        seen |= look(&rows(screen));
    });
    let death = victim.wait();
    assert_eq!(death.end, End::Status(124), "{death:?}");
    (terminal, death, seen)
}

#[test]
fn view_has_phase_tasks_seconds_and_the_way_out() {
    let (terminal, death, seen) = hang(120, |contents| {
        contents.contains(" s left, phase flush: 2 tasks are running:\n")
            && contents.contains("\n  \"flush\\n\\u{1b}[2Jthe log\" 0.")
            && contents.contains(" s, says \"segment 12\\r of 40\"\n")
            && contents.contains("\n  \"close pool\" 0.")
            && contents.contains(" s, abandoned\n")
            && contents.contains("\n  1 pending\n")
            && contents.contains("\n  press Ctrl-C again to end now")
    });
    assert!(seen, "{death:?}\n{:?}", terminal.sent);
}

/// The count runs down: the time left is never more than in the frame before.
#[test]
fn view_has_a_bar_that_runs_down() {
    let mut bars = Vec::new();
    let (_, death, _) = hang(120, |contents| {
        let bar = contents.matches('█').count();
        if contents.contains(" s left, phase") && contents.contains("Ctrl-C") {
            bars.push(bar);
        }
        false
    });
    assert!(bars.is_sorted_by(|a, b| a >= b), "{bars:?}: {death:?}");
    let (first, last) = (bars.first(), bars.last());
    assert!(first > last, "{bars:?}: {death:?}");
}

/// On a wide terminal and on one whose lines are all broken.
#[test]
fn view_makes_room_for_the_hang_report() {
    for columns in [200, 80, 40] {
        let (terminal, death, _) = hang(columns, |_| false);
        let contents = terminal.contents();
        let sent = terminal.sent;
        assert!(sent.contains("█"), "there was a view: {death:?}");
        assert!(!contents.contains("Ctrl-C"), "{contents}");
        assert!(!contents.contains(['█', '░']), "{contents}");
        // The last it showed is there as a line, and then the report, whole.
        let line = contents.find(" s left, phase flush: 2 tasks are running: \"flush");
        let line = line.unwrap_or_else(|| panic!("no line: {contents}"));
        let report = contents.find("\ndeadstop: deadline in 0.");
        let report = report.unwrap_or_else(|| panic!("no report: {contents}"));
        assert!(line < report, "{contents}");
        let cause = contents.rfind("\ndeadstop:   cause: SIGINT");
        let waits = contents.rfind("\ndeadstop: task \"never\" close waiting");
        assert!(report < cause.unwrap_or_default(), "{contents}");
        assert!(cause < waits, "{contents}");
    }
}

#[test]
fn view_leaves_the_summary_when_all_is_done() {
    let (mut terminal, victim) = Terminal::start("progress_slow", 200, &[]);
    terminal.watch(|_| ());
    ended_well(&victim.wait());
    let contents = terminal.contents();
    let sent = &terminal.sent;
    assert!(sent.contains("press Ctrl-C twice to end now"), "{sent:?}");
    let mut lines = contents.lines();
    let first = "deadstop: shutdown begins: request: \"a test\"; grace 3s";
    assert_eq!(lines.next(), Some(first), "{contents}");
    let second = lines.next().unwrap_or_default();
    let begins = "deadstop: shutdown is over after 1.";
    assert!(second.starts_with(begins), "{contents}");
    let third = lines.next().unwrap_or_default();
    assert!(third.starts_with("deadstop: \"slow\" of flush took 1."));
    assert_eq!(lines.next(), None, "{contents}");
}

#[test]
fn view_does_not_promise_a_ctrl_c_that_is_ignored() {
    let (mut terminal, victim) =
        Terminal::start_with_ctrl_c(libc::SIG_IGN, "progress_slow", 200, &[]);
    terminal.watch(|_| ());
    ended_well(&victim.wait());
    assert!(terminal.sent.contains('█'), "{:?}", terminal.sent);
    assert!(!terminal.sent.contains("Ctrl-C"), "{:?}", terminal.sent);
}

#[test]
fn normal_end_shows_nothing() {
    let (mut terminal, victim) = Terminal::start("progress_finish", 200, &[]);
    terminal.watch(|_| ());
    ended_well(&victim.wait());
    assert_eq!(terminal.sent, "");
}

/// There are lines in its place, and nothing that moves the cursor.
#[test]
fn there_is_no_view_where_it_is_not_wanted() {
    for variables in [
        ("TERM", "dumb"),
        ("PROGRESS", "stderr"),
        ("PROGRESS", "auto"),
    ] {
        let (mut terminal, victim) = Terminal::start("progress_slow", 200, &[variables]);
        terminal.watch(|_| ());
        ended_well(&victim.wait());
        let sent = terminal.sent;
        assert!(!sent.contains('\x1b'), "{variables:?}: {sent:?}");
        assert!(sent.contains(" s left, phase flush: 1 task"), "{sent:?}");
    }
    // Nor at a terminal that shows the log.
    let (mut terminal, victim) = Terminal::start("progress_slow", 200, &[("LOGGER", "info")]);
    terminal.watch(|_| ());
    ended_well(&victim.wait());
    assert_eq!(terminal.sent, "");
}
