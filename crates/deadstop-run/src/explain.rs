//! Explains in words how the program ended.

use std::time::Duration;

use deadstop_core::render::ChildProcess;

use crate::machine::{Ended, Received, Shutdown};
use crate::signals;

/// The facts about the end of the program.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) program: &'a str,
    pub(crate) pid: i32,
    pub(crate) ended: Ended,
    /// The process that traces a program that has survived its kill.
    pub(crate) tracer: Option<i32>,
    pub(crate) shutdown: Option<Shutdown>,
    /// Since the shutdown began.
    pub(crate) after: Duration,
    /// `true` if the memory limit was reached meanwhile.
    pub(crate) is_out_of_memory: bool,
    /// The last signal that was passed on.
    pub(crate) passed: Option<i32>,
    /// The status that deadstop exits with.
    pub(crate) status: u8,
}

/// `SIGTERM from pid 1, uid 0`.
pub(crate) fn cause(begun: &Received) -> String {
    let name = signals::name(begun.signal);
    match begun.sender {
        Some((pid, uid)) => format!("{name} from pid {pid}, uid {uid}"),
        None if begun.is_terminal => format!("{name} from the terminal"),
        None => name.into_owned(),
    }
}

/// Returns the line, or `None` if there is nothing to say.
pub(crate) fn end(facts: &Facts<'_>) -> Option<String> {
    let is_killed = facts.shutdown.is_some_and(|shutdown| shutdown.is_killed);
    let what = match (facts.ended, is_killed) {
        (Ended::Survived, true) => {
            let reason = match facts.tracer {
                Some(tracer) => format!("process {tracer} traces it, and has not let it go"),
                None => "it sleeps uninterruptibly".into(),
            };
            format!("was killed at the deadline, and has not disappeared: {reason}")
        }
        (_, true) => "was killed at the deadline".into(),
        (Ended::Survived, false) => "has not disappeared".into(),
        (Ended::Exited(0), false) => return None,
        (Ended::Exited(status), false) => {
            format!("exited with status {status}{}", meaning(status))
        }
        (
            Ended::Killed {
                signal,
                dumped_core,
            },
            false,
        ) => {
            let core = if dumped_core { " (core dumped)" } else { "" };
            let name = signals::name(signal);
            let by = sender(signal, facts);
            format!("was killed by {name}{core}{by}")
        }
    };
    let after = match facts.shutdown {
        Some(shutdown) => {
            let seconds = facts.after.as_secs_f64();
            format!(", {seconds:.1} s after {}", cause(&shutdown.begun))
        }
        None => String::new(),
    };
    let status = match facts.ended {
        // The text has just named this status.
        Ended::Exited(own) if own == facts.status && !is_killed => String::new(),
        _ => format!("; status {}", facts.status),
    };
    let Facts { program, pid, .. } = facts;
    Some(format!("\"{program}\" (pid {pid}) {what}{after}{status}"))
}

/// Returns what is known of the sender of the signal that killed the program.
fn sender(signal: i32, facts: &Facts<'_>) -> &'static str {
    match signal {
        libc::SIGKILL if facts.is_out_of_memory => {
            ": the memory limit of its control group was reached meanwhile"
        }
        _ if facts.passed == Some(signal) => ", which was passed on",
        libc::SIGKILL => {
            ", which deadstop did not send: the program itself or another process did, or the kernel ran out of memory"
        }
        _ => "",
    }
}

/// Names the processes that go on after the program.
pub(crate) fn leftovers(processes: &[ChildProcess]) -> String {
    const NAMED: usize = 4;
    let named = processes.iter().take(NAMED);
    let named = named.map(|process| format!("{} {:?}", process.pid, process.name.as_str()));
    let named = named.collect::<Vec<_>>().join(", ");
    let more = match processes.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("it leaves processes behind: {named}{more}; --kill-rest kills them")
}

/// Returns the usual meaning of a status.
fn meaning(status: u8) -> String {
    match status {
        124 => " (a deadline, of deadstop or timeout)".into(),
        126 => " (a shell says: cannot be run)".into(),
        127 => " (a shell says: not found)".into(),
        129..=192 => {
            let name = signals::name(i32::from(status) - 128);
            format!(" (a shell says: a program was killed by {name})")
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Facts, end};
    use crate::machine::{Ended, Received, Shutdown};
    use deadstop_core::Nanos;
    use std::time::Duration;

    fn facts(ended: Ended) -> Facts<'static> {
        Facts {
            program: "node",
            pid: 7,
            ended,
            tracer: None,
            shutdown: None,
            after: Duration::ZERO,
            is_out_of_memory: false,
            passed: None,
            status: 1,
        }
    }

    fn killed(signal: i32) -> Ended {
        Ended::Killed {
            signal,
            dumped_core: false,
        }
    }

    fn stopping(is_killed: bool) -> Option<Shutdown> {
        Some(Shutdown {
            begun: Received {
                signal: libc::SIGTERM,
                sender: Some((1, 0)),
                is_terminal: false,
                at: Nanos(0),
            },
            deadline: Nanos(0),
            is_killed,
        })
    }

    #[test]
    fn success_prints_no_line() {
        assert_eq!(end(&facts(Ended::Exited(0))), None);
    }

    #[test]
    fn status_of_the_program_is_named_once() {
        let own = Facts {
            status: 7,
            ..facts(Ended::Exited(7))
        };
        let line = end(&own).unwrap_or_default();
        assert_eq!(line, "\"node\" (pid 7) exited with status 7");
        let taken_for_success = Facts { status: 0, ..own };
        let line = end(&taken_for_success).unwrap_or_default();
        assert!(line.ends_with("exited with status 7; status 0"), "{line}");
    }

    #[test]
    fn status_of_a_shell_is_explained() {
        let line = end(&facts(Ended::Exited(137))).unwrap_or_default();
        assert!(
            line.contains("exited with status 137 (a shell says: a program was killed by SIGKILL)"),
            "{line}"
        );
    }

    #[test]
    fn sigkill_by_another_process_is_distinguished() {
        let line = end(&facts(killed(libc::SIGKILL))).unwrap_or_default();
        assert!(
            line.contains("which deadstop did not send: the program itself or another"),
            "{line}"
        );
        let memory = Facts {
            is_out_of_memory: true,
            ..facts(killed(libc::SIGKILL))
        };
        let line = end(&memory).unwrap_or_default();
        assert!(line.contains("memory limit"), "{line}");
        let at_deadline = Facts {
            shutdown: stopping(true),
            ..facts(killed(libc::SIGKILL))
        };
        let line = end(&at_deadline).unwrap_or_default();
        assert!(
            line.contains("killed at the deadline, 0.0 s after SIGTERM from pid 1, uid 0"),
            "{line}"
        );
    }

    #[test]
    fn program_that_survives_its_kill_has_the_reason() {
        let sleeps = Facts {
            shutdown: stopping(true),
            ..facts(Ended::Survived)
        };
        let line = end(&sleeps).unwrap_or_default();
        assert!(line.contains("disappeared: it sleeps unint"), "{line}");
        let traced = Facts {
            tracer: Some(4711),
            ..sleeps
        };
        let line = end(&traced).unwrap_or_default();
        assert!(
            line.contains("disappeared: process 4711 traces it"),
            "{line}"
        );
    }

    #[test]
    fn signal_that_was_passed_on_is_named_so() {
        let passed = Facts {
            passed: Some(libc::SIGTERM),
            shutdown: stopping(false),
            after: Duration::from_millis(240),
            ..facts(killed(libc::SIGTERM))
        };
        let line = end(&passed).unwrap_or_default();
        assert!(
            line.contains("was killed by SIGTERM, which was passed on, 0.2 s after"),
            "{line}"
        );
    }
}
