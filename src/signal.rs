//! Signal numbers with their POSIX names.

use std::fmt;

#[cfg(feature = "signals")]
use deadstop_core::buffer::TextSlice;
use deadstop_core::sys::signal_numbers as numbers;

/// A signal, by its number on this system.
///
/// The constants are common signals. Make any other from its number: `Signal::from(34)`.
///
/// # Examples
///
/// ```
/// use deadstop::Signal;
///
/// assert_eq!(Signal::from(15), Signal::TERM);
/// assert_eq!(Signal::TERM.number(), 15);
/// assert_eq!(Signal::TERM.to_string(), "SIGTERM");
/// assert_eq!(Signal::from(40).to_string(), "signal 40");
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Signal(i32);

/// Defines the constants and the table of names from one list.
macro_rules! signals {
    ($($name:ident = $number:ident, $doc:literal;)*) => {
        impl Signal {
            $(#[doc = $doc] pub const $name: Self = Self(numbers::$number);)*

            /// The signals that have a name here.
            const NAMED: &[(Self, &'static str)] = &[
                $((Self::$name, stringify!($number)),)*
            ];
        }
    };
}

signals! {
    ABRT = SIGABRT, "`SIGABRT`: `abort(3)`.";
    ALRM = SIGALRM, "`SIGALRM`: a timer of the process expired.";
    BUS = SIGBUS, "`SIGBUS`: an invalid memory access. It cannot be a trigger.";
    CHLD = SIGCHLD, "`SIGCHLD`: a child process changed its state.";
    CONT = SIGCONT, "`SIGCONT`: continue after a stop.";
    FPE = SIGFPE, "`SIGFPE`: an arithmetic error. It cannot be a trigger.";
    HUP = SIGHUP, "`SIGHUP`: the terminal was closed.";
    ILL = SIGILL, "`SIGILL`: an invalid instruction. It cannot be a trigger.";
    INT = SIGINT, "`SIGINT`: Ctrl-C at the terminal.";
    KILL = SIGKILL, "`SIGKILL`: it cannot be handled.";
    PIPE = SIGPIPE, "`SIGPIPE`: a write to a pipe without a reader.";
    QUIT = SIGQUIT, "`SIGQUIT`: Ctrl-\\ at the terminal.";
    SEGV = SIGSEGV, "`SIGSEGV`: an invalid memory access. It cannot be a trigger.";
    STOP = SIGSTOP, "`SIGSTOP`: it cannot be handled.";
    TERM = SIGTERM, "`SIGTERM`: the first signal of most supervisors.";
    TSTP = SIGTSTP, "`SIGTSTP`: Ctrl-Z at the terminal.";
    TTIN = SIGTTIN, "`SIGTTIN`: a background process reads from its terminal.";
    TTOU = SIGTTOU, "`SIGTTOU`: a background process writes to its terminal.";
    URG = SIGURG, "`SIGURG`: urgent data on a socket.";
    USR1 = SIGUSR1, "`SIGUSR1`.";
    USR2 = SIGUSR2, "`SIGUSR2`.";
    WINCH = SIGWINCH, "`SIGWINCH`: the terminal was resized.";
    XCPU = SIGXCPU, "`SIGXCPU`: the limit of processor time was reached.";
}

impl Signal {
    /// Creates a signal from any number, as `From<i32>` does. `install` refuses a
    /// number that is no signal.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// Returns the signal's number on this system.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Returns the POSIX name, such as `SIGTERM`, if the signal has a constant
    /// here.
    pub(crate) fn name(self) -> Option<&'static str> {
        let named = Self::NAMED.iter().find(|(signal, _)| *signal == self);
        named.map(|(_, name)| *name)
    }

    /// Adds what `Display` writes to `line`, without an allocator. Async-signal-safe.
    #[cfg(feature = "signals")]
    pub(crate) fn write_to(self, line: &mut TextSlice) {
        match self.name() {
            Some(name) => line.text(name),
            None => line.text("signal ").number(self.0.unsigned_abs().into()),
        };
    }
}

impl From<i32> for Signal {
    /// Takes any number. `install` refuses a number that is no signal.
    fn from(number: i32) -> Self {
        Self(number)
    }
}

impl fmt::Display for Signal {
    /// Writes the POSIX name, or `signal` and the number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn signal_from_a_number_equals_its_constant() {
        assert_eq!(Signal::from(15), Signal::TERM);
        assert_eq!(Signal::from(15).to_string(), "SIGTERM");
        assert_eq!(Signal::from(9).to_string(), "SIGKILL");
        assert_eq!(Signal::from(40).to_string(), "signal 40");
    }
}
