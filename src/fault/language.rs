//! Faults as text: one by its name, and several with where they are planted.
//!
//! ```text
//! DEADSTOP_FAULT = planted { ";" planted }
//! planted        = name "=" fault            a name has neither "=" nor ";"
//! fault          = "spin" | ... | "slow(" number unit ")"
//! unit           = "s" | "ms" | "us" | "ns"
//! ```

use std::error::Error;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::kind::{Fault, NAMED};

/// The units of `slow`, the largest first, in nanoseconds.
const UNITS: [(&str, u128); 4] = [
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const NANOS_PER_SECOND: u128 = 1_000_000_000;

impl fmt::Display for Fault {
    /// Writes it as `DEADSTOP_FAULT` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Slow(time) = self {
            let nanos = time.as_nanos();
            let unit = UNITS.into_iter().find(|(_, unit)| nanos % unit == 0);
            let (name, unit) = unit.unwrap_or(("ns", 1));
            return write!(f, "slow({}{name})", nanos / unit);
        }
        let name = NAMED.iter().find(|(_, fault)| fault == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

impl FromStr for Fault {
    type Err = ParseFaultError;

    /// Reads what `Display` writes. Blanks around it do not matter.
    fn from_str(text: &str) -> Result<Self, ParseFaultError> {
        let text = text.trim();
        if let Some((_, fault)) = NAMED.iter().find(|(name, _)| *name == text) {
            return Ok(*fault);
        }
        let time = text.strip_prefix("slow(").and_then(|rest| {
            let time = rest.strip_suffix(')')?;
            length(time.trim())
        });
        time.map(Self::Slow).ok_or_else(|| ParseFaultError {
            text: text.to_owned(),
        })
    }
}

/// Reads a whole number and its unit.
fn length(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, name) = text.split_at(digits);
    let (_, unit) = UNITS.into_iter().find(|(unit, _)| *unit == name)?;
    let nanos = number.parse::<u128>().ok()?.checked_mul(unit)?;
    let seconds = u64::try_from(nanos / NANOS_PER_SECOND).ok()?;
    let rest = u32::try_from(nanos % NANOS_PER_SECOND).ok()?;
    Some(Duration::new(seconds, rest))
}

/// The text is not that of a [`Fault`]. What it says lists those there are.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ParseFaultError {
    /// The text.
    pub text: String,
}

impl fmt::Display for ParseFaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no fault; allowed are ", self.text)?;
        for (name, _) in NAMED {
            write!(f, "{name}, ")?;
        }
        f.write_str("and slow(TIME), with a TIME such as 3s, 1500ms, 20us or 7ns")
    }
}

impl Error for ParseFaultError {}

/// A fault, and the name of the task or point at which it strikes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Plan {
    pub(super) name: String,
    pub(super) fault: Fault,
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.fault)
    }
}

/// Reads what `DEADSTOP_FAULT` says. Blanks around names and faults do not
/// matter, nor do entries of blanks.
pub(crate) fn parse(text: &str) -> Result<Vec<Plan>, PlantError> {
    let mut plans: Vec<Plan> = Vec::new();
    for entry in text.split(';').map(str::trim) {
        if entry.is_empty() {
            continue;
        }
        let malformed = || PlantError::Malformed {
            entry: entry.to_owned(),
        };
        let (name, fault) = entry.split_once('=').ok_or_else(malformed)?;
        let name = name.trim();
        if name.is_empty() || fault.contains('=') {
            return Err(malformed());
        }
        let fault = fault.parse().map_err(|error| PlantError::Unknown {
            name: name.to_owned(),
            error,
        })?;
        if plans.iter().any(|plan| plan.name == name) {
            return Err(PlantError::Twice {
                name: name.to_owned(),
            });
        }
        plans.push(Plan {
            name: name.to_owned(),
            fault,
        });
    }
    Ok(plans)
}

/// Why faults could not be planted. What it says names what is allowed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PlantError {
    /// An entry of `DEADSTOP_FAULT` is not a name, one `=`, and a fault.
    #[non_exhaustive]
    Malformed {
        /// The entry.
        entry: String,
    },
    /// [`Fault::AllocatorLock`] is planted, and the program's allocator is not a
    /// [`StuckAllocator`](super::StuckAllocator).
    #[non_exhaustive]
    NoStuckAllocator {
        /// Where the fault is planted.
        name: String,
    },
    /// `DEADSTOP_FAULT` is not UTF-8.
    NotText,
    /// `DEADSTOP_FAULT` names a task or point twice.
    #[non_exhaustive]
    Twice {
        /// The name.
        name: String,
    },
    /// A fault is planted at a name that is none of those that the program
    /// [declares](super::declare).
    #[non_exhaustive]
    Undeclared {
        /// The name.
        name: String,
        /// Those that are declared, sorted.
        declared: Vec<String>,
    },
    /// `DEADSTOP_FAULT` asks for a fault that there is not.
    #[non_exhaustive]
    Unknown {
        /// Where it was to be planted.
        name: String,
        /// Which, and which there are.
        error: ParseFaultError,
    },
}

impl fmt::Display for PlantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { entry } => write!(
                f,
                "DEADSTOP_FAULT: {entry:?} is not of the form NAME=FAULT; several are \
                 separated by \";\", and a name has neither \"=\" nor \";\""
            ),
            Self::NoStuckAllocator { name } => write!(
                f,
                "allocator-lock is planted at {name:?}, but the program has no \
                 deadstop::fault::StuckAllocator as its #[global_allocator]"
            ),
            Self::NotText => f.write_str("DEADSTOP_FAULT is not UTF-8"),
            Self::Twice { name } => write!(
                f,
                "DEADSTOP_FAULT names {name:?} twice; one fault at each name is allowed"
            ),
            Self::Undeclared { name, declared } => {
                write!(
                    f,
                    "a fault is planted at {name:?}, which is no name that the program \
                     declares; it declares "
                )?;
                let Some((last, others)) = declared.split_last() else {
                    return f.write_str("none");
                };
                for other in others {
                    write!(f, "{other:?}, ")?;
                }
                write!(f, "{last:?}")
            }
            // The whole of it: there is no more to the error than this.
            Self::Unknown { name, error } => {
                write!(f, "DEADSTOP_FAULT: at {name:?}, {error}")
            }
        }
    }
}

impl Error for PlantError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_fault() -> impl Strategy<Value = Fault> {
        let named = (0..NAMED.len()).prop_map(|place| NAMED[place].1);
        let time = (any::<u64>(), 0..1_000_000_000_u32);
        let slow = time.prop_map(|(secs, nanos)| Fault::Slow(Duration::new(secs, nanos)));
        // Those that people write.
        let round = (0..5000_u64).prop_map(|millis| Fault::Slow(Duration::from_millis(millis)));
        prop_oneof![named, slow, round]
    }

    fn any_name() -> impl Strategy<Value = String> {
        any::<String>().prop_filter_map("a name that can be written", |name| {
            let name = name.replace(['=', ';'], "/").trim().to_owned();
            (!name.is_empty()).then_some(name)
        })
    }

    fn plan(name: &str, fault: Fault) -> Plan {
        let name = name.to_owned();
        Plan { name, fault }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(fault in any_fault()) {
            prop_assert_eq!(fault.to_string().parse(), Ok(fault));
        }

        #[test]
        fn what_is_planted_is_read(
            plants in prop::collection::btree_map(any_name(), any_fault(), 0..5)
        ) {
            let plants: Vec<_> = plants.into_iter().collect();
            let plants: Vec<_> = plants.iter().map(|(name, fault)| plan(name, *fault)).collect();
            let entries: Vec<_> = plants.iter().map(Plan::to_string).collect();
            prop_assert_eq!(&parse(&entries.join(";")), &Ok(plants.clone()));
            // Blanks do not matter, nor does a separator too many.
            let spaced = format!(" ;{} ; ", entries.join(" ;\t"));
            prop_assert_eq!(parse(&spaced), Ok(plants));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>(), slow in "slow\\([0-9]{0,45}[a-z]{0,3}\\)?") {
            if let Ok(fault) = text.parse::<Fault>() {
                prop_assert_eq!(fault.to_string(), text.trim());
            }
            if let Ok(fault) = slow.parse::<Fault>() {
                prop_assert_eq!(fault.to_string().parse(), Ok(fault));
            }
            if let Ok(plans) = parse(&text) {
                prop_assert!(plans.is_empty() || text.contains('='));
            }
        }
    }

    #[test]
    fn a_time_is_written_in_the_largest_unit_that_fits() {
        let written = |nanos| Fault::Slow(Duration::from_nanos(nanos)).to_string();
        assert_eq!(written(3_000_000_000), "slow(3s)");
        assert_eq!(written(1_500_000_000), "slow(1500ms)");
        assert_eq!(written(20_000), "slow(20us)");
        assert_eq!(written(7), "slow(7ns)");
        assert_eq!(written(0), "slow(0s)");
    }

    #[test]
    fn a_time_needs_a_whole_number_and_a_unit() {
        for text in [
            "slow",
            "slow()",
            "slow(3)",
            "slow(s)",
            "slow(-3s)",
            "slow(1.5s)",
            "slow(3s",
            "slow(3m)",
            "slow(3 s)",
            "spin(3s)",
            "slow(18446744073709551616s)",
            "Spin",
            "",
        ] {
            let error = text.parse::<Fault>().expect_err(text);
            assert_eq!(error.text, text);
        }
        let most = Duration::new(u64::MAX, 999_999_999);
        assert_eq!(Fault::Slow(most).to_string().parse(), Ok(Fault::Slow(most)));
    }

    #[test]
    fn an_error_lists_every_fault_there_is() {
        let error = "nap".parse::<Fault>().expect_err("no fault").to_string();
        for (name, _) in NAMED {
            assert!(error.contains(&format!(" {name},")), "{error}");
        }
        assert!(error.contains("slow("), "{error}");
    }

    #[test]
    fn an_entry_is_a_name_and_one_fault() {
        for text in ["a", "=spin", " = spin", "a=b=spin", "a=spin;b"] {
            let error = parse(text).expect_err(text);
            assert!(matches!(error, PlantError::Malformed { .. }), "{error}");
        }
        assert_eq!(
            parse("a="),
            Err(PlantError::Unknown {
                name: "a".to_owned(),
                error: ParseFaultError {
                    text: String::new()
                },
            })
        );
    }

    #[test]
    fn a_name_twice_is_refused_even_with_the_same_fault() {
        let name = "a".to_owned();
        assert_eq!(parse("a=spin; a =spin"), Err(PlantError::Twice { name }));
    }
}
