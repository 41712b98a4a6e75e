//! The notifications, and their text in the protocol of `sd_notify(3)`.

use std::time::Duration;

use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{Layout, progress};
use deadstop_core::roster::Roster;

/// Bytes of a datagram. The kernel takes more; `systemctl status` shows one line.
pub(super) const DATAGRAM: usize = 2048;

/// One notification.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Message {
    /// The program is ready, or a reload is over.
    Ready,
    /// A reload began at `at`.
    Reloading { at: Nanos },
    /// The shutdown has begun. The next message comes within `extend`.
    Stopping { extend: Duration },
    /// The tasks that the shutdown waits for. The next message comes within `extend`.
    Progress { extend: Duration },
    /// Every heartbeat is in time.
    Alive,
    /// A heartbeat is late.
    Stalled,
    /// Process `pid` has taken over.
    Successor { pid: u32 },
}

impl Message {
    /// Renders the datagram. Allocates nothing.
    pub(super) fn render(
        self,
        roster: &Roster,
        now: Nanos,
        deadline: Nanos,
    ) -> TextBuffer<DATAGRAM> {
        let mut datagram = TextBuffer::new();
        match self {
            Self::Ready => {
                datagram.text("READY=1\n");
            }
            Self::Reloading { at } => {
                datagram
                    .text("RELOADING=1\nMONOTONIC_USEC=")
                    .number(at.0 / 1_000)
                    .text("\n");
            }
            Self::Stopping { extend } => {
                datagram.text("STOPPING=1\n");
                extension(&mut datagram, extend);
                status(&mut datagram, roster, now, deadline);
            }
            Self::Progress { extend } => {
                extension(&mut datagram, extend);
                status(&mut datagram, roster, now, deadline);
            }
            Self::Alive => {
                datagram.text("WATCHDOG=1\n");
            }
            Self::Stalled => {
                datagram.text("WATCHDOG=trigger\n");
            }
            // READY=1 ends a reload that this process has begun.
            Self::Successor { pid } => {
                datagram
                    .text("MAINPID=")
                    .number(pid.into())
                    .text("\nREADY=1\n");
            }
        }
        datagram
    }
}

fn extension(datagram: &mut TextBuffer<DATAGRAM>, length: Duration) {
    let micros = u64::try_from(length.as_micros()).unwrap_or(u64::MAX / 2);
    datagram
        .text("EXTEND_TIMEOUT_USEC=")
        .number(micros)
        .text("\n");
}

/// Phase, oldest task and seconds left, on the last line: a text that is cut off costs no
/// other field.
fn status(datagram: &mut TextBuffer<DATAGRAM>, roster: &Roster, now: Nanos, deadline: Nanos) {
    datagram.text("STATUS=stopping: ");
    progress(datagram, roster, now, deadline, &Layout::ONE_LINE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use deadstop_core::roster::Entry;

    fn text(message: Message) -> String {
        let roster: &'static Roster = Box::leak(Box::new(Roster::empty()));
        let begun = Nanos(1_000_000_000);
        roster.phases.begin("flush", begun, Nanos::LAST);
        roster.running.add(&Entry {
            name: "flush\nREADY=1",
            phase: "flush",
            file: "src/main.rs",
            line: 1,
            started: begun,
            budget: Duration::from_secs(3),
        });
        let now = begun.saturating_add(Duration::from_secs(2));
        let deadline = begun.saturating_add(Duration::from_secs(25));
        let datagram = message.render(roster, now, deadline);
        datagram.as_str().to_owned()
    }

    #[test]
    fn stopping_says_phase_oldest_task_and_seconds_left() {
        let extend = Duration::from_millis(24_500);
        assert_eq!(
            text(Message::Stopping { extend }),
            "STOPPING=1\nEXTEND_TIMEOUT_USEC=24500000\nSTATUS=stopping: 23.0 s left, \
             phase flush: 1 task is running: \"flush\\nREADY=1\" 2.0 s"
        );
    }

    #[test]
    fn reload_has_the_time_of_its_begin_in_microseconds() {
        let at = Nanos(5_000_001_999);
        assert_eq!(
            text(Message::Reloading { at }),
            "RELOADING=1\nMONOTONIC_USEC=5000001\n"
        );
    }

    #[test]
    fn each_other_message_is_what_systemd_documents() {
        assert_eq!(text(Message::Ready), "READY=1\n");
        assert_eq!(text(Message::Alive), "WATCHDOG=1\n");
        assert_eq!(text(Message::Stalled), "WATCHDOG=trigger\n");
        let successor = Message::Successor { pid: 17 };
        assert_eq!(text(successor), "MAINPID=17\nREADY=1\n");
    }
}
