//! A live view of the progress, for a terminal.
//!
//! ```text
//! deadstop: ██████████░░░░░ 12.0 s left, phase flush: 2 tasks are running:
//!   "flush the log" 3.1 s, says "segment 12 of 40"
//!   "close pool" 0.2 s, abandoned
//!   press Ctrl-C again to end now
//! ```
//!
//! The process may be ended at any moment by `_exit`, behind which nothing can
//! be put right. So the view changes nothing that would have to be: not the
//! terminal's mode, and not its cursor, which rests behind the last line, where
//! the hang report then begins a new one.

use std::env;
use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};
use parking_lot::Mutex;

use super::telling::WIDTH;
use super::{Outlet, Progress};
use crate::cause::Cause;
use crate::kill_path::{self, Layout, Line, Nanos};
use crate::report::ROSTER;
use crate::report::round::due_at;
use crate::report::stderr::Stderr;
use crate::signal::Signal;
use crate::sys::signals::{Disposition, disposition};

/// The time between two frames.
pub(super) const FRAME: Duration = Duration::from_millis(100);

/// What a terminal is taken for that does not say how large it is.
const SIZE: (u16, u16) = (24, 80);

/// A live view.
pub(super) struct View {
    bar: ProgressBar,
    text: Arc<Mutex<String>>,
    hint: Option<&'static str>,
}

impl View {
    /// A view on `stderr`, if that is a terminal and the outlet may show one.
    pub(super) fn new(outlet: &Outlet, stderr: &Arc<Stderr>, cause: &Cause) -> Option<Self> {
        let is_wanted = outlet.progress == Progress::Auto;
        if !is_wanted || !stderr.is_terminal() || is_dumb() {
            return None;
        }
        let text = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&text);
        let style = ProgressStyle::with_template("deadstop: {bar:15} {text}").ok()?;
        let style = style.with_key("text", move |_: &ProgressState, to: &mut dyn Write| {
            let _ = to.write_str(&shown.lock());
        });
        let screen = Screen {
            stderr: Arc::clone(stderr),
            frame: Mutex::new(String::new()),
        };
        let screen = ProgressDrawTarget::term_like(Box::new(screen));
        let bar = ProgressBar::with_draw_target(Some(1), screen).with_style(style);
        let hint = hint(outlet.interrupts, cause);
        Some(Self { bar, text, hint })
    }

    /// When it makes room for the hang report.
    pub(super) fn leaves(begun: Nanos, at: Nanos) -> Nanos {
        let due = due_at(begun, at);
        due.saturating_sub(at.since(due) / 2)
    }

    /// Shows what there is to see. False if it has made room for the hang
    /// report instead.
    pub(super) fn show(&self, begun: Nanos, now: Nanos, at: Nanos) -> bool {
        if now >= Self::leaves(begun, at) {
            self.clear();
            return false;
        }
        let mut line = Line::<WIDTH>::new();
        kill_path::progress(&mut line, &ROSTER, now, at, &Layout::LINES);
        if let Some(hint) = self.hint {
            line.text("\n  ").text(hint);
        }
        line.as_str().clone_into(&mut self.text.lock());
        self.bar.update(|bar| {
            bar.set_len(millis(at.since(begun)));
            bar.set_pos(millis(at.since(now)));
        });
        true
    }

    /// Calls `say`, which may write to the terminal.
    pub(super) fn aside(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Takes the view off the terminal.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// Whether the terminal cannot move its cursor.
fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// What Ctrl-C does: the first that comes is a request, the second ends the
/// process.
fn hint(interrupts: bool, cause: &Cause) -> Option<&'static str> {
    // A process that was started with it ignored still ignores it.
    let is_heard = disposition(libc::SIGINT).is_ok_and(|does| does == Disposition::Handled);
    (interrupts && is_heard).then_some(match cause.signal() {
        Some(Signal::Interrupt) => "press Ctrl-C again to end now",
        Some(_) => "press Ctrl-C to end now",
        None => "press Ctrl-C twice to end now",
    })
}

/// The terminal. A frame is one write.
#[derive(Debug)]
struct Screen {
    stderr: Arc<Stderr>,
    frame: Mutex<String>,
}

impl Screen {
    fn size(&self) -> (u16, u16) {
        self.stderr.size().unwrap_or(SIZE)
    }

    fn add(&self, text: &str) -> io::Result<()> {
        self.frame.lock().push_str(text);
        Ok(())
    }

    fn move_cursor(&self, n: usize, to: char) -> io::Result<()> {
        match n {
            // Zero would be taken for one.
            0 => Ok(()),
            n => self.add(&format!("\x1b[{n}{to}")),
        }
    }
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.size().1
    }

    fn height(&self) -> u16 {
        self.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.move_cursor(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.add(text)?;
        self.add("\r\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.add(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.add("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        let frame = std::mem::take(&mut *self.frame.lock());
        self.stderr.write(frame.as_bytes());
        Ok(())
    }
}
