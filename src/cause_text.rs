//! A cause as text, without an allocator.

use crate::cause::Cause;
use deadstop_core::CAUSE_LEN;
use deadstop_core::buffer::TextBuffer;

/// Returns the `Display` text of a cause, up to the length that the report keeps.
pub(crate) fn cause_text(cause: &Cause) -> TextBuffer<CAUSE_LEN> {
    let mut line = TextBuffer::new();
    match cause {
        Cause::Finished => {
            line.text("the work is done");
        }
        Cause::Panicked {
            thread,
            message,
            location,
        } => {
            match thread {
                Some(thread) => line.text("panic of thread ").quoted(thread),
                None => line.text("panic of a thread without a name"),
            };
            line.text(" at ").escaped(location);
            line.text(": ").quoted(message);
        }
        Cause::Requested { by } => {
            line.text("request: ").quoted(by);
        }
        Cause::Signaled { signal, sender } => {
            signal.write_to(&mut line);
            if let Some(sender) = sender {
                sender.write_pid_to(line.text(" from "));
                line.text(", uid ").number(sender.uid.into());
            }
        }
        Cause::Stalled { heartbeat } => {
            line.text("stall of heartbeat ").quoted(heartbeat);
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cause::Sender;
    use crate::signal::Signal;

    #[test]
    fn text_equals_display() {
        let causes = [
            Cause::Finished,
            Cause::Stalled {
                heartbeat: "consumer\nloop".into(),
            },
            Cause::requested("the \"admin\" endpoint\n"),
            Cause::Panicked {
                thread: Some("worker 1".to_owned()),
                message: "tab\there".to_owned(),
                location: "src/a b.rs:1:2".to_owned(),
            },
            Cause::Panicked {
                thread: None,
                message: "\u{1b}[2J".to_owned(),
                location: String::new(),
            },
            Cause::Signaled {
                signal: Signal::TERM,
                sender: Some(Sender::new(1, 1000)),
            },
            Cause::Signaled {
                signal: Signal::HUP,
                sender: Some(Sender::claimed(7, 0)),
            },
            Cause::Signaled {
                signal: Signal::from(40),
                sender: None,
            },
        ];
        for cause in causes {
            assert_eq!(cause_text(&cause).as_str(), cause.to_string());
        }
    }

    #[test]
    fn long_message_is_cut() {
        let cause = Cause::requested("é".repeat(1000));
        let words = cause_text(&cause);
        assert!(cause.to_string().starts_with(words.as_str()));
        assert!(words.as_str().len() > CAUSE_LEN - 2);
    }
}
