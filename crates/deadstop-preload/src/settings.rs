//! Settings from the environment, in atomics that a signal handler may read.
//!
//! # Orderings
//!
//! The constructor writes all of them before the program has a second thread; `on`
//! last, with `Release`, and the functions that the program calls read it first,
//! with `Acquire`. Without `DEADSTOP_GRACE` it stays empty, and nothing happens.

use core::ffi::{CStr, c_int};
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU64, Ordering};
use core::time::Duration;

use deadstop_core::duration;
use deadstop_core::sys::SignalSet;

/// The accepted durations.
const DURATION: &str = "a duration longer than zero and no longer than 584 years, such as 25s, 1500ms, 1m30s or 2 days; a number alone is in seconds; or none";

/// The longest path of a report, with its zero.
pub(crate) const PATH: usize = 512;

/// The settings of this process.
pub(crate) static SETTINGS: Settings = Settings {
    on: AtomicU64::new(0),
    on_exit: AtomicBool::new(false),
    grace: AtomicU64::new(0),
    status: AtomicI32::new(124),
    children_inherit: AtomicBool::new(true),
    kills_children: AtomicBool::new(true),
    dumps_jvm: AtomicBool::new(false),
    dumps_python: AtomicBool::new(false),
    report: [const { AtomicU8::new(0) }; PATH],
};

/// The settings, as atomics.
#[derive(Debug)]
pub(crate) struct Settings {
    on: AtomicU64,
    on_exit: AtomicBool,
    grace: AtomicU64,
    status: AtomicI32,
    children_inherit: AtomicBool,
    kills_children: AtomicBool,
    dumps_jvm: AtomicBool,
    dumps_python: AtomicBool,
    report: [AtomicU8; PATH],
}

/// The variables, as the constructor found them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Variables<'a> {
    pub(crate) grace: &'a str,
    pub(crate) on: Option<&'a str>,
    pub(crate) status: Option<&'a str>,
    pub(crate) fork: Option<&'a str>,
    pub(crate) children: Option<&'a str>,
    pub(crate) jvm_dump: Option<&'a str>,
    pub(crate) python_dump: Option<&'a str>,
}

/// The values of the variables.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Parsed {
    pub(crate) grace: Duration,
    pub(crate) signals: SignalSet,
    pub(crate) on_exit: bool,
    pub(crate) status: u8,
    pub(crate) children_inherit: bool,
    pub(crate) kills_children: bool,
    pub(crate) dumps_jvm: bool,
    pub(crate) dumps_python: bool,
}

/// A variable that cannot be read: its name, its value, and what is allowed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Malformed<'a>(
    pub(crate) &'static str,
    pub(crate) &'a str,
    pub(crate) &'static str,
);

impl<'a> Variables<'a> {
    /// Reads the variables.
    pub(crate) fn parse(&self) -> Result<Parsed, Malformed<'a>> {
        let grace =
            duration::parse(self.grace).ok_or(Malformed("DEADSTOP_GRACE", self.grace, DURATION))?;
        let (signals, on_exit) = triggers(self.on.unwrap_or("term"))?;
        let status = self.status.unwrap_or("124");
        let parsed = status.trim_ascii().parse();
        let status = parsed.map_err(|_| Malformed("DEADSTOP_STATUS", status, "0 to 255"))?;
        Ok(Parsed {
            grace,
            signals,
            on_exit,
            status,
            children_inherit: choice("DEADSTOP_FORK", self.fork, ["own", "none"], "own or none")?,
            kills_children: choice(
                "DEADSTOP_CHILDREN",
                self.children,
                ["kill", "leave"],
                "kill or leave",
            )?,
            dumps_jvm: flag("DEADSTOP_JVM_DUMP", self.jvm_dump)?,
            dumps_python: flag("DEADSTOP_PYTHON_DUMP", self.python_dump)?,
        })
    }
}

/// The accepted triggers of a shutdown.
const TRIGGERS: &str = "a list of term, int, hup, quit, usr1, usr2 and exit";

fn triggers(text: &str) -> Result<(SignalSet, bool), Malformed<'_>> {
    let mut signals = SignalSet::EMPTY;
    let mut on_exit = false;
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        if word.eq_ignore_ascii_case("exit") {
            on_exit = true;
            continue;
        }
        let signal = signal(word).ok_or(Malformed("DEADSTOP_ON", text, TRIGGERS))?;
        signals = signals.with(signal);
    }
    match signals.is_empty() && !on_exit {
        true => Err(Malformed("DEADSTOP_ON", text, TRIGGERS)),
        false => Ok((signals, on_exit)),
    }
}

/// Reads the name of a signal in either case, with or without `SIG`.
fn signal(word: &str) -> Option<c_int> {
    const NAMES: [(&str, c_int); 6] = [
        ("SIGTERM", libc::SIGTERM),
        ("SIGINT", libc::SIGINT),
        ("SIGHUP", libc::SIGHUP),
        ("SIGQUIT", libc::SIGQUIT),
        ("SIGUSR1", libc::SIGUSR1),
        ("SIGUSR2", libc::SIGUSR2),
    ];
    let is = |name: &str| {
        let short = name.strip_prefix("SIG").unwrap_or(name);
        word.eq_ignore_ascii_case(name) || word.eq_ignore_ascii_case(short)
    };
    let found = NAMES.iter().find(|(name, _)| is(name));
    found.map(|(_, signal)| *signal)
}

/// Returns `true` for the first of two words, which is the default.
fn choice<'a>(
    name: &'static str,
    value: Option<&'a str>,
    [first, second]: [&str; 2],
    allowed: &'static str,
) -> Result<bool, Malformed<'a>> {
    match value {
        None => Ok(true),
        Some(value) if value == first => Ok(true),
        Some(value) if value == second => Ok(false),
        Some(value) => Err(Malformed(name, value, allowed)),
    }
}

fn flag<'a>(name: &'static str, value: Option<&'a str>) -> Result<bool, Malformed<'a>> {
    match value {
        None | Some("" | "0") => Ok(false),
        Some("1") => Ok(true),
        Some(value) => Err(Malformed(name, value, "0 or 1")),
    }
}

impl Settings {
    /// Keeps the settings. For the constructor.
    pub(crate) fn keep(&self, parsed: &Parsed, report: &[u8]) {
        let grace = u64::try_from(parsed.grace.as_nanos()).unwrap_or(u64::MAX);
        self.grace.store(grace, Ordering::Relaxed);
        self.status.store(parsed.status.into(), Ordering::Relaxed);
        let flags = [
            (&self.on_exit, parsed.on_exit),
            (&self.children_inherit, parsed.children_inherit),
            (&self.kills_children, parsed.kills_children),
            (&self.dumps_jvm, parsed.dumps_jvm),
            (&self.dumps_python, parsed.dumps_python),
        ];
        for (setting, is_set) in flags {
            setting.store(is_set, Ordering::Relaxed);
        }
        // A path that is too long is left out.
        if report.len() < PATH {
            for (to, from) in self.report.iter().zip(report) {
                to.store(*from, Ordering::Relaxed);
            }
        }
        self.on.store(parsed.signals.bits(), Ordering::Release);
    }

    /// Returns the signals that begin a shutdown.
    pub(crate) fn signals(&self) -> SignalSet {
        SignalSet::from_bits(self.on.load(Ordering::Acquire))
    }

    /// Returns `true` if the signal begins a shutdown.
    pub(crate) fn hears(&self, signal: c_int) -> bool {
        let signals = self.signals();
        // A number outside the set changes nothing, and would be heard.
        (1..=64).contains(&signal) && signals.has(signal)
    }

    /// Returns `true` if the call of `exit`, or the return of `main`, begins a
    /// shutdown.
    pub(crate) fn hears_exit(&self) -> bool {
        self.on_exit.load(Ordering::Relaxed)
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_nanos(self.grace.load(Ordering::Relaxed))
    }

    pub(crate) fn status(&self) -> c_int {
        self.status.load(Ordering::Relaxed)
    }

    pub(crate) fn children_inherit(&self) -> bool {
        self.children_inherit.load(Ordering::Relaxed)
    }

    pub(crate) fn kills_children(&self) -> bool {
        self.kills_children.load(Ordering::Relaxed)
    }

    pub(crate) fn dumps_jvm(&self) -> bool {
        self.dumps_jvm.load(Ordering::Relaxed)
    }

    pub(crate) fn dumps_python(&self) -> bool {
        self.dumps_python.load(Ordering::Relaxed)
    }

    /// Returns the file to which the report is added.
    pub(crate) fn report<'a>(&self, buffer: &'a mut [u8; PATH]) -> Option<&'a CStr> {
        for (to, from) in buffer.iter_mut().zip(&self.report) {
            *to = from.load(Ordering::Relaxed);
        }
        let path = CStr::from_bytes_until_nul(buffer).ok()?;
        (!path.is_empty()).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::{Malformed, Variables};
    use core::time::Duration;

    fn with_grace() -> Variables<'static> {
        Variables {
            grace: "25s",
            ..Variables::default()
        }
    }

    #[test]
    fn defaults_are_sigterm_124_own_deadlines_and_killed_children() {
        let parsed = with_grace().parse().expect("valid");
        assert_eq!(parsed.grace, Duration::from_secs(25));
        assert_eq!(
            parsed.signals.numbers().collect::<Vec<_>>(),
            [libc::SIGTERM]
        );
        assert_eq!((parsed.on_exit, parsed.status), (false, 124));
        assert!(parsed.children_inherit && parsed.kills_children);
        assert!(!parsed.dumps_jvm && !parsed.dumps_python);
    }

    #[test]
    fn triggers_are_read_from_a_list() {
        let variables = Variables {
            on: Some("term,int exit"),
            ..with_grace()
        };
        let parsed = variables.parse().expect("valid");
        assert_eq!(
            parsed.signals.numbers().collect::<Vec<_>>(),
            [libc::SIGINT, libc::SIGTERM]
        );
        assert!(parsed.on_exit);
    }

    #[test]
    fn names_of_signals_are_read_in_either_case_and_with_their_prefix() {
        let variables = Variables {
            on: Some("TERM,Int SIGHUP,sigusr1 EXIT"),
            ..with_grace()
        };
        let parsed = variables.parse().expect("valid");
        assert_eq!(
            parsed.signals.numbers().collect::<Vec<_>>(),
            [libc::SIGHUP, libc::SIGINT, libc::SIGUSR1, libc::SIGTERM]
        );
        assert!(parsed.on_exit);
    }

    #[test]
    fn malformed_variable_is_named_with_its_value() {
        let wrong = |variables: Variables<'static>| variables.parse().expect_err("malformed");
        let Malformed(name, value, _) = wrong(Variables {
            grace: "soon",
            ..with_grace()
        });
        assert_eq!((name, value), ("DEADSTOP_GRACE", "soon"));
        for (name, variables) in [
            (
                "DEADSTOP_ON",
                Variables {
                    on: Some("kill"),
                    ..with_grace()
                },
            ),
            (
                "DEADSTOP_ON",
                Variables {
                    on: Some(""),
                    ..with_grace()
                },
            ),
            (
                "DEADSTOP_STATUS",
                Variables {
                    status: Some("256"),
                    ..with_grace()
                },
            ),
            (
                "DEADSTOP_FORK",
                Variables {
                    fork: Some("full"),
                    ..with_grace()
                },
            ),
            (
                "DEADSTOP_CHILDREN",
                Variables {
                    children: Some("yes"),
                    ..with_grace()
                },
            ),
            (
                "DEADSTOP_JVM_DUMP",
                Variables {
                    jvm_dump: Some("yes"),
                    ..with_grace()
                },
            ),
        ] {
            assert_eq!(wrong(variables).0, name);
        }
    }
}
