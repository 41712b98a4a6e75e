//! Lines on standard error, written by a thread of its own: a pipe that its reader does
//! not empty blocks a writer without end, and the deadline must not wait for it.

use std::io::Write;
use std::sync::OnceLock;
use std::sync::mpsc::{RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::sys::process::is_writable;

/// The longest wait of the last lines for a reader.
pub(crate) const PATIENCE: Duration = Duration::from_millis(100);

/// The longest wait for a processor, while standard error accepts the lines.
pub(crate) const SLOW_MACHINE: Duration = Duration::from_secs(1);

/// Bytes that a pipe takes at once if it is writable.
const ATOMIC: usize = 4096;

enum Message {
    Text(Vec<u8>),
    /// Answered when all that came before has been written.
    Flush(SyncSender<()>),
}

static WRITER: OnceLock<Option<Sender<Message>>> = OnceLock::new();

/// Prints a line on standard error. Does not wait.
pub(crate) fn print(line: &str) {
    write(format!("deadstop: {line}\n").into_bytes());
}

/// Writes `text` to standard error. Does not wait. A closed pipe is no error.
pub(crate) fn write(text: Vec<u8>) {
    match writer() {
        Some(writer) => {
            // The thread never ends.
            let _ = writer.send(Message::Text(text));
        }
        // No thread could be started: what standard error takes without blocking.
        None if is_writable(libc::STDERR_FILENO) => {
            let first = text.get(..ATOMIC).unwrap_or(&text);
            let _ = std::io::stderr().write_all(first);
        }
        None => {}
    }
}

/// Waits until all lines have been written, or standard error has taken nothing for
/// [`PATIENCE`].
pub(crate) fn flush() {
    // Without a line there is no thread yet, and nothing to wait for.
    let Some(Some(writer)) = WRITER.get() else {
        return;
    };
    let (done, is_done) = sync_channel(1);
    if writer.send(Message::Flush(done)).is_err() {
        return;
    }
    let begun = Instant::now();
    while let Err(RecvTimeoutError::Timeout) = is_done.recv_timeout(PATIENCE) {
        if begun.elapsed() >= SLOW_MACHINE || !is_writable(libc::STDERR_FILENO) {
            return;
        }
    }
}

fn writer() -> Option<&'static Sender<Message>> {
    let writer = WRITER.get_or_init(|| {
        let (sender, messages) = channel();
        let builder = thread::Builder::new().name("deadstop-output".into());
        let started = builder.spawn(move || {
            for message in messages {
                match message {
                    Message::Text(text) => {
                        let _ = std::io::stderr().write_all(&text);
                    }
                    Message::Flush(done) => {
                        let _ = done.send(());
                    }
                }
            }
        });
        started.ok().map(|_| sender)
    });
    writer.as_ref()
}
