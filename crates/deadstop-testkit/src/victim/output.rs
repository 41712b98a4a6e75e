//! The victim's output, read all the time and kept within bounds.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// The bytes kept of the beginning of a stream.
const HEAD: usize = 64 * 1024;

/// The bytes kept of the end of a stream.
const TAIL: usize = 256 * 1024;

/// The bytes of a line that are searched for the awaited text.
const LINE: usize = 16 * 1024;

/// The victim's output so far.
pub(super) struct Output {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Standard output, and standard error.
    streams: [Stream; 2],
    wanted: Option<Wanted>,
}

/// A line that the test waits for.
struct Wanted {
    text: String,
    line: Option<String>,
}

/// The output as text.
#[derive(Clone)]
pub(super) struct Texts {
    pub(super) stdout: String,
    pub(super) stderr: String,
}

impl Output {
    pub(super) fn new() -> Self {
        let stream = Stream::new;
        Self {
            state: Mutex::new(State {
                streams: [stream(), stream()],
                wanted: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// Starts one thread per stream that reads it to its end.
    pub(super) fn read(
        self: &Arc<Self>,
        stdout: impl Read + Send + 'static,
        stderr: impl Read + Send + 'static,
    ) -> io::Result<()> {
        self.read_one(0, stdout)?;
        self.read_one(1, stderr)
    }

    fn read_one(
        self: &Arc<Self>,
        at: usize,
        mut from: impl Read + Send + 'static,
    ) -> io::Result<()> {
        let output = Arc::clone(self);
        let life = move || {
            let mut buffer = [0; 8192];
            loop {
                match from.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(len) => output.add(at, &buffer[..len]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => break,
                }
            }
            output.end(at);
        };
        let thread = thread::Builder::new().name("victim-output".into());
        thread.spawn(life).map(drop)
    }

    fn add(&self, at: usize, bytes: &[u8]) {
        let mut state = self.lock();
        let State { streams, wanted } = &mut *state;
        streams[at].add(bytes, wanted);
        self.notify(&state);
    }

    fn end(&self, at: usize) {
        let mut state = self.lock();
        let State { streams, wanted } = &mut *state;
        streams[at].end(wanted);
        self.notify(&state);
    }

    fn notify(&self, state: &State) {
        let found = state.wanted.as_ref().is_some_and(|it| it.line.is_some());
        if found || state.is_over() {
            self.changed.notify_all();
        }
    }

    /// Waits for a line that contains `text`, at most until `until`.
    pub(super) fn wait_for(&self, text: &str, until: Instant) -> Option<String> {
        let mut state = self.lock();
        let said = state.streams.iter().find_map(|stream| stream.find(text));
        if said.is_some() {
            return said;
        }
        state.wanted = Some(Wanted {
            text: text.to_owned(),
            line: None,
        });
        let mut state =
            self.wait_while(state, until, |state| !state.has_found() && !state.is_over());
        state.wanted.take()?.line
    }

    /// Waits until both streams have ended, at most until `until`.
    pub(super) fn wait_for_end(&self, until: Instant) {
        drop(self.wait_while(self.lock(), until, |state| !state.is_over()));
    }

    fn wait_while<'a>(
        &self,
        state: MutexGuard<'a, State>,
        until: Instant,
        condition: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self
            .changed
            .wait_timeout_while(state, left, |state| condition(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn texts(&self) -> Texts {
        let state = self.lock();
        let [stdout, stderr] = &state.streams;
        Texts {
            stdout: stdout.text(),
            stderr: stderr.text(),
        }
    }
}

impl State {
    fn has_found(&self) -> bool {
        self.wanted.as_ref().is_some_and(|it| it.line.is_some())
    }

    fn is_over(&self) -> bool {
        self.streams.iter().all(|stream| stream.is_over)
    }
}

/// One of the two streams.
struct Stream {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
    /// The incomplete last line, as far as it is searched.
    line: Vec<u8>,
    is_over: bool,
}

impl Stream {
    fn new() -> Self {
        Self {
            head: Vec::new(),
            tail: VecDeque::new(),
            left_out: 0,
            line: Vec::new(),
            is_over: false,
        }
    }

    fn add(&mut self, bytes: &[u8], wanted: &mut Option<Wanted>) {
        let (head, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend(head);
        self.tail.extend(rest);
        let over = self.tail.len().saturating_sub(TAIL);
        self.tail.drain(..over);
        self.left_out += over as u64;
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE - self.line.len();
            self.line.extend(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.end_line(wanted);
            }
        }
    }

    fn end(&mut self, wanted: &mut Option<Wanted>) {
        self.end_line(wanted);
        self.is_over = true;
    }

    fn end_line(&mut self, wanted: &mut Option<Wanted>) {
        if let Some(Wanted { text, line }) = wanted {
            let said = String::from_utf8_lossy(&self.line);
            if line.is_none() && said.contains(&*text) {
                *line = Some(said.trim_end().to_owned());
            }
        }
        self.line.clear();
    }

    /// Returns the first kept, complete line that contains `text`.
    fn find(&self, text: &str) -> Option<String> {
        let all = self.text();
        let ended = match self.is_over {
            true => &*all,
            false => &all[..all.rfind('\n').map_or(0, |end| end + 1)],
        };
        let line = ended.lines().find(|line| line.contains(text));
        line.map(|line| line.trim_end().to_owned())
    }

    fn text(&self) -> String {
        let mut text = String::from_utf8_lossy(&self.head).into_owned();
        if self.left_out > 0 {
            text += &format!("\n[{} bytes are left out here]\n", self.left_out);
        }
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        text += &String::from_utf8_lossy(&tail);
        text
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use super::*;

    fn read(stdout: Vec<u8>) -> Arc<Output> {
        let output = Arc::new(Output::new());
        let read = output.read(Cursor::new(stdout), Cursor::new(Vec::new()));
        read.expect("threads can be started");
        output.wait_for_end(soon());
        output
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    #[test]
    fn endless_output_is_kept_within_bounds() {
        let mut said = b"ready\n".to_vec();
        said.resize(10 * TAIL, b'.');
        said.extend(b"\nfarewell");
        let len = said.len();
        let output = read(said);
        let text = output.texts().stdout;
        assert!(text.starts_with("ready\n"));
        assert!(text.ends_with("\nfarewell"));
        assert!(text.len() < HEAD + TAIL + 100, "{}", text.len());
        let left_out = format!("\n[{} bytes are left out here]\n", len - HEAD - TAIL);
        assert!(text.contains(&left_out));
    }

    #[test]
    fn line_written_before_the_wait_is_found() {
        let output = read(b"one\nready at 3\nlast".to_vec());
        let said = output.wait_for("ready", soon());
        assert_eq!(said.as_deref(), Some("ready at 3"));
        assert_eq!(output.wait_for("last", soon()).as_deref(), Some("last"));
        assert_eq!(output.wait_for("never", soon()), None);
    }

    #[test]
    fn line_written_in_pieces_is_found_once_complete() {
        let mut stream = Stream::new();
        let mut wanted = Some(Wanted {
            text: "ready".to_owned(),
            line: None,
        });
        let line = |wanted: &Option<Wanted>| wanted.as_ref().and_then(|it| it.line.clone());
        stream.add(b"not yet\nrea", &mut wanted);
        assert_eq!(line(&wanted), None);
        stream.add(b"dy", &mut wanted);
        assert_eq!(line(&wanted), None);
        assert_eq!(stream.find("ready"), None);
        stream.add(b" now\r\nready again\n", &mut wanted);
        assert_eq!(line(&wanted).as_deref(), Some("ready now"));
        assert_eq!(stream.find("ready").as_deref(), Some("ready now"));
    }
}
