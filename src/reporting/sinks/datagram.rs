//! The supervisor's socket and the journal's: one datagram for each report.

use std::env;

use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{Facts, Kind};

use crate::notify::Socket;
use crate::sys::file;

const JOURNAL: &str = "/run/systemd/journal/socket";

/// Room for one datagram.
const DATAGRAM: usize = 8 * 1024;

/// The service manager's socket, `NOTIFY_SOCKET`.
pub(super) struct Supervisor(Socket);

impl Supervisor {
    /// Connects to the service manager. `None` if none listens.
    pub(super) fn connect() -> Option<Self> {
        Socket::of_the_manager()?.ok().map(Self)
    }

    /// Sets the service's status. Allocates nothing.
    #[cold]
    pub(super) fn status(&self, line: &str) {
        let mut datagram = TextBuffer::<DATAGRAM>::new();
        datagram.text("STATUS=").text(line);
        self.0.send(datagram.as_bytes());
    }
}

/// systemd's journal.
pub(super) struct Journal {
    socket: Socket,
    /// Set if standard error is connected to it as well.
    is_stderr: bool,
}

impl Journal {
    pub(super) fn connect(is_stderr: bool) -> Option<Self> {
        let socket = Socket::connect_to(JOURNAL).ok()?;
        Some(Self { socket, is_stderr })
    }

    /// Returns `true` if standard error is connected to the journal: `JOURNAL_STREAM` has its
    /// device and inode (systemd.exec(5)).
    pub(super) fn is_standard_error() -> bool {
        let stream = env::var("JOURNAL_STREAM").unwrap_or_default();
        file::is_standard_error(&stream)
    }

    /// Sends one entry with fields, the whole report in `text`. Returns `true` if the journal
    /// has it, and standard error would be a second copy. Allocates nothing.
    #[cold]
    pub(super) fn send(&self, screen: &str, text: &str, facts: &Facts<'_>) -> bool {
        let head = entry(screen, facts);
        let length = (text.len() as u64).to_le_bytes();
        // A value with more than one line has its length before it.
        let parts = [
            head.as_bytes(),
            b"DEADSTOP_REPORT\n",
            &length,
            text.as_bytes(),
            b"\n",
        ];
        self.socket.send_parts(&parts) && self.is_stderr
    }
}

/// The fields of one line in the journal's native protocol.
#[cold]
fn entry(screen: &str, facts: &Facts<'_>) -> TextBuffer<DATAGRAM> {
    let mut entry = TextBuffer::new();
    let line = screen.lines().next().unwrap_or_default();
    let priority = match facts.kind {
        Kind::Status => "4",
        _ => "3",
    };
    entry
        .text("MESSAGE=")
        .text(line.strip_prefix("deadstop: ").unwrap_or(line))
        .text("\nPRIORITY=")
        .text(priority)
        .text("\nSYSLOG_IDENTIFIER=deadstop\nDEADSTOP_KIND=")
        .text(facts.kind.word());
    facts.culprit(|name, phase| {
        entry
            .text("\nDEADSTOP_TASK=")
            .escaped(name)
            .text("\nDEADSTOP_PHASE=")
            .escaped(phase);
    });
    entry.text("\n");
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use deadstop_core::Nanos;
    use deadstop_core::roster::{Entry, Roster};
    use deadstop_core::threads::ThreadTable;
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixDatagram};
    use std::time::Duration;

    #[test]
    fn journal_entry_has_a_field_on_each_line() {
        let roster: &'static Roster = Box::leak(Box::new(Roster::empty()));
        roster.running.add(&Entry {
            name: "flush\nthe log",
            phase: "flush",
            file: "src/main.rs",
            line: 1,
            started: Nanos(0),
            budget: Duration::from_secs(1),
        });
        let entry = entry(
            "deadstop: deadline in 0.5 s: one\ndeadstop:   two\n",
            &Facts::for_test(Kind::Deadline, roster, &ThreadTable::empty(), Nanos(0)),
        );
        let fields: Vec<_> = entry.as_str().lines().collect();
        assert_eq!(
            fields,
            [
                "MESSAGE=deadline in 0.5 s: one",
                "PRIORITY=3",
                "SYSLOG_IDENTIFIER=deadstop",
                "DEADSTOP_KIND=deadline",
                r"DEADSTOP_TASK=flush\nthe log",
                "DEADSTOP_PHASE=flush",
            ]
        );
    }

    #[test]
    fn status_goes_to_a_socket_by_name() {
        let name = format!("deadstop-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("an address");
        let listener = UnixDatagram::bind_addr(&address).expect("a free name");
        let supervisor = Supervisor(Socket::connect(address).expect("it listens"));
        supervisor.status("deadstop: deadline in 0.5 s");
        let mut buffer = [0; 64];
        let len = listener.recv(&mut buffer).expect("a datagram");
        assert_eq!(&buffer[..len], b"STATUS=deadstop: deadline in 0.5 s");
    }
}
