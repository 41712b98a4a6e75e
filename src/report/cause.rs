//! A cause in words, without an allocator.

use crate::cause::{Cause, Sender};
use crate::kill_path::{CAUSE, Line};

/// What `Display` writes, as much of it as the report keeps.
pub(crate) fn in_words(cause: &Cause) -> Line<CAUSE> {
    let mut line = Line::new();
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
        Cause::Signalled { signal, sender } => {
            match signal.name() {
                Some(name) => line.text(name),
                None => line.text("signal ").number(positive(signal.number())),
            };
            if let Some(Sender { pid, uid }) = sender {
                line.text(" from pid ").number(positive(*pid));
                line.text(", uid ").number((*uid).into());
            }
        }
    }
    line
}

fn positive(number: i32) -> u64 {
    number.unsigned_abs().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;

    #[test]
    fn the_words_are_those_of_display() {
        let causes = [
            Cause::Finished,
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
            Cause::Signalled {
                signal: Signal::Terminate,
                sender: Some(Sender::new(1, 1000)),
            },
            Cause::Signalled {
                signal: Signal::Other(40),
                sender: None,
            },
        ];
        for cause in causes {
            assert_eq!(in_words(&cause).as_str(), cause.to_string());
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        let cause = Cause::requested("é".repeat(1000));
        let words = in_words(&cause);
        assert!(cause.to_string().starts_with(words.as_str()));
        assert!(words.as_str().len() > CAUSE - 2);
    }
}
