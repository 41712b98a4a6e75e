//! The signals that can ask a process to stop.

use std::fmt;

/// A signal that can begin a shutdown.
///
/// `SIGKILL` and `SIGSTOP` cannot be handled, and `SIGSEGV`, `SIGILL` and
/// `SIGFPE` mean that the program itself is broken; `install` refuses them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGALRM`: a timer of the process went off.
    Alarm,
    /// `SIGHUP`: the terminal went away.
    Hangup,
    /// `SIGINT`: Ctrl-C.
    Interrupt,
    /// `SIGQUIT`: Ctrl-\.
    Quit,
    /// `SIGTERM`: what supervisors send first.
    Terminate,
    /// `SIGUSR1`.
    User1,
    /// `SIGUSR2`.
    User2,
    /// Another, by the system's number for it.
    Other(i32),
}

impl Signal {
    /// The system's number for it.
    pub fn number(self) -> i32 {
        match self {
            Self::Alarm => libc::SIGALRM,
            Self::Hangup => libc::SIGHUP,
            Self::Interrupt => libc::SIGINT,
            Self::Quit => libc::SIGQUIT,
            Self::Terminate => libc::SIGTERM,
            Self::User1 => libc::SIGUSR1,
            Self::User2 => libc::SIGUSR2,
            Self::Other(number) => number,
        }
    }

    /// The name that POSIX gives it, if it has one here.
    pub(crate) fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Alarm => "SIGALRM",
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Terminate => "SIGTERM",
            Self::User1 => "SIGUSR1",
            Self::User2 => "SIGUSR2",
            Self::Other(_) => return None,
        })
    }

    /// The signal of that number, by its name if it has one here.
    pub(crate) fn from_number(number: i32) -> Self {
        [
            Self::Alarm,
            Self::Hangup,
            Self::Interrupt,
            Self::Quit,
            Self::Terminate,
            Self::User1,
            Self::User2,
        ]
        .into_iter()
        .find(|signal| signal.number() == number)
        .unwrap_or(Self::Other(number))
    }
}

impl fmt::Display for Signal {
    /// Writes the name that POSIX gives it, or `signal` and its number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.number()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn a_number_with_a_name_gets_its_name() {
        assert_eq!(Signal::from_number(15), Signal::Terminate);
        assert_eq!(Signal::from_number(40), Signal::Other(40));
        assert_eq!(Signal::from_number(40).to_string(), "signal 40");
    }
}
