//! A live view of the progress, for a terminal.
//!
//! ```text
//! deadstop: ██████████░░░░░ 12.0 s left, phase flush: 2 tasks are running:
//!   "flush the log" 3.1 s, says "segment 12 of 40"
//!   "close pool" 0.2 s, abandoned
//!   press Ctrl-C again to end now
//! ```
//!
//! The watchdog may end the process at any moment, and nothing restores the terminal after
//! that. So the view does not change the terminal's mode, and leaves the cursor at the end of
//! the last line, where the hang report begins a new one.

use std::env;
use std::fmt::Write;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle, TermLike};

use super::width::WIDTH;
use super::{Outlet, Progress};
use crate::cause::Cause;
use crate::lock::Mutex;
use crate::process::ROSTER;
use crate::reporting::schedule::due_at;
use crate::reporting::stderr::Stderr;
use crate::signal::Signal;
use crate::sys::signals::{Disposition, disposition};
use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::Layout;

/// The time between two frames.
pub(super) const FRAME: Duration = Duration::from_millis(100);

/// The size assumed for a terminal that does not report its own.
const SIZE: (u16, u16) = (24, 80);

/// State of the terminal: a live view is on it or not, and a report needs the space or not.
static SHOWN: AtomicU8 = AtomicU8::new(NONE);

const NONE: u8 = 0;
const LIVE: u8 = 1;
/// A report asks for the space.
const LEAVES: u8 = 2;
/// The view has left, and the report is being written.
const AWAY: u8 = 3;
/// The report is written, and the process goes on.
const RETURNS: u8 = 4;

/// Has a live view leave the terminal, so that a report is not drawn over. Waits
/// two frames at most. Async-signal-safe.
pub(in crate::reporting) fn clear_live_view() {
    let asked = SHOWN.compare_exchange(LIVE, LEAVES, Ordering::Relaxed, Ordering::Relaxed);
    let until = deadstop_core::now().saturating_add(2 * FRAME);
    while asked.is_ok() && SHOWN.load(Ordering::Relaxed) == LEAVES && deadstop_core::now() < until {
        thread::sleep(FRAME / 20);
    }
}

/// Lets the view return after a report that does not end the process.
/// Async-signal-safe.
pub(in crate::reporting) fn restore_live_view() {
    for asked in [AWAY, LEAVES] {
        let _ = SHOWN.compare_exchange(asked, RETURNS, Ordering::Relaxed, Ordering::Relaxed);
    }
}

/// The result of drawing a frame.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Frame {
    Shown,
    /// The view has left the terminal; what it showed last is wanted as a line.
    Left,
    /// A report is being written in the view's place.
    Away,
    /// As `Left`, and for good: the last hang report is next.
    Over,
}

/// A live view.
pub(super) struct View {
    bar: ProgressBar,
    text: Arc<Mutex<String>>,
    hint: Option<&'static str>,
    stderr: Arc<Stderr>,
}

impl View {
    /// Creates a view on `stderr`, if that is a terminal and the outlet may show one.
    pub(super) fn new(outlet: &Outlet, stderr: &Arc<Stderr>, cause: &Cause) -> Option<Self> {
        let is_wanted = outlet.progress == Progress::Live;
        if !is_wanted || !stderr.is_terminal() || is_dumb() {
            return None;
        }
        let text = Arc::new(Mutex::new(String::new()));
        let shown = Arc::clone(&text);
        let style = ProgressStyle::with_template("deadstop: {bar:15} {text}").ok()?;
        let style = style.with_key("text", move |_: &ProgressState, to: &mut dyn Write| {
            let _ = to.write_str(&shown.lock());
        });
        let bar = ProgressBar::with_draw_target(Some(1), screen(stderr)).with_style(style);
        let hint = hint(outlet.interrupts, cause);
        Some(Self {
            bar,
            text,
            hint,
            stderr: Arc::clone(stderr),
        })
    }

    /// Draws again after a report. A reset draws an empty bar, and so is hidden.
    fn come_back(&self) {
        self.bar.set_draw_target(ProgressDrawTarget::hidden());
        self.bar.reset();
        self.bar.set_draw_target(screen(&self.stderr));
    }

    /// Returns the time at which it makes room for the hang report.
    pub(super) fn leaves(begun: Nanos, at: Nanos) -> Nanos {
        let due = due_at(begun, at);
        due.saturating_sub(at.since(due) / 2)
    }

    /// Shows what there is to see, unless a report is next, or being written.
    pub(super) fn show(&self, begun: Nanos, now: Nanos, at: Nanos) -> Frame {
        if now >= Self::leaves(begun, at) {
            let was = SHOWN.load(Ordering::Relaxed);
            self.clear();
            // Its last line is there already.
            return if was == AWAY {
                Frame::Away
            } else {
                Frame::Over
            };
        }
        match SHOWN.load(Ordering::Relaxed) {
            LEAVES => {
                self.bar.finish_and_clear();
                SHOWN.store(AWAY, Ordering::Relaxed);
                return Frame::Left;
            }
            AWAY => return Frame::Away,
            RETURNS => self.come_back(),
            _ => {}
        }
        SHOWN.store(LIVE, Ordering::Relaxed);
        let mut line = TextBuffer::<WIDTH>::new();
        deadstop_core::render::progress(&mut line, &ROSTER, now, at, &Layout::LINES);
        if let Some(hint) = self.hint {
            line.text("\n  ").text(hint);
        }
        line.as_str().clone_into(&mut self.text.lock());
        self.bar.update(|bar| {
            bar.set_len(millis(at.since(begun)));
            bar.set_pos(millis(at.since(now)));
        });
        Frame::Shown
    }

    /// Calls `say`, which may write to the terminal.
    pub(super) fn aside(&self, say: impl FnOnce()) {
        self.bar.suspend(say);
    }

    /// Takes the view off the terminal.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
        SHOWN.store(NONE, Ordering::Relaxed);
    }
}

fn screen(stderr: &Arc<Stderr>) -> ProgressDrawTarget {
    ProgressDrawTarget::term_like(Box::new(Screen {
        stderr: Arc::clone(stderr),
        frame: Mutex::new(String::new()),
    }))
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// Returns `true` if the terminal cannot move its cursor.
fn is_dumb() -> bool {
    env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb")
}

/// Returns the effect of Ctrl-C: the first one is a request, the second ends the process.
fn hint(interrupts: bool, cause: &Cause) -> Option<&'static str> {
    // A process that was started with it ignored still ignores it.
    let is_heard = disposition(Signal::INT.number()).is_ok_and(|does| does == Disposition::Handled);
    (interrupts && is_heard).then_some(match cause.signal() {
        Some(Signal::INT) => "press Ctrl-C again to end now",
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
        self.stderr.write_to_terminal(frame.as_bytes());
        Ok(())
    }
}
