//! The text form of faults, alone and in `DEADSTOP_FAULT`.
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

use super::kind::{Fault, NAMED_FAULTS};

/// The units of `slow`, the largest first, in nanoseconds.
const UNITS: [(&str, u128); 4] = [
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

const NANOS_PER_SECOND: u128 = 1_000_000_000;

impl fmt::Display for Fault {
    /// Writes the name that `DEADSTOP_FAULT` accepts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Slow(time) = self {
            let nanos = time.as_nanos();
            let unit = UNITS.into_iter().find(|(_, unit)| nanos % unit == 0);
            let (name, unit) = unit.unwrap_or(("ns", 1));
            return write!(f, "slow({}{name})", nanos / unit);
        }
        let name = NAMED_FAULTS.iter().find(|(_, fault)| fault == self);
        f.write_str(name.map_or("", |(name, _)| name))
    }
}

impl FromStr for Fault {
    type Err = ParseFaultError;

    /// Parses what `Display` writes, with or without blanks around it.
    fn from_str(text: &str) -> Result<Self, ParseFaultError> {
        let text = text.trim();
        if let Some((_, fault)) = NAMED_FAULTS.iter().find(|(name, _)| *name == text) {
            return Ok(*fault);
        }
        let time = text.strip_prefix("slow(").and_then(|rest| {
            let time = rest.strip_suffix(')')?;
            parse_duration(time.trim())
        });
        time.map(Self::Slow).ok_or_else(|| ParseFaultError {
            text: text.to_owned(),
        })
    }
}

/// Parses a whole number and its unit.
fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, name) = text.split_at(digits);
    let (_, unit) = UNITS.into_iter().find(|(unit, _)| *unit == name)?;
    let nanos = number.parse::<u128>().ok()?.checked_mul(unit)?;
    let seconds = u64::try_from(nanos / NANOS_PER_SECOND).ok()?;
    let rest = u32::try_from(nanos % NANOS_PER_SECOND).ok()?;
    Some(Duration::new(seconds, rest))
}

/// The text is not the name of a [`Fault`]. `Display` lists the names.
///
/// # Examples
///
/// ```
/// use deadstop_testkit::Fault;
///
/// let error = "explode".parse::<Fault>().unwrap_err();
/// assert_eq!(error.text, "explode");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ParseFaultError {
    /// The text.
    pub text: String,
}

impl fmt::Display for ParseFaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a fault; allowed are ", self.text)?;
        for (name, _) in NAMED_FAULTS {
            write!(f, "{name}, ")?;
        }
        f.write_str("and slow(TIME), with a TIME such as 3s, 1500ms, 20us or 7ns")
    }
}

impl Error for ParseFaultError {}

/// A fault and the name of the task or point at which it strikes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PlannedFault {
    pub(crate) name: String,
    pub(crate) fault: Fault,
}

impl fmt::Display for PlannedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.fault)
    }
}

/// The value of `DEADSTOP_FAULT`: faults and where they strike.
///
/// # Examples
///
/// ```
/// use deadstop_testkit::FaultPlan;
///
/// let plan: FaultPlan = "flush the log = spin; close=slow(3s)".parse()?;
/// assert_eq!(plan.to_string(), "flush the log=spin;close=slow(3s)");
/// # Ok::<(), deadstop_testkit::PlantError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct FaultPlan(Vec<PlannedFault>);

impl FaultPlan {
    pub(crate) fn new(faults: Vec<PlannedFault>) -> Self {
        Self(faults)
    }

    pub(crate) fn faults(&self) -> &[PlannedFault] {
        &self.0
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = PlannedFault> {
        self.0.into_iter()
    }
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, planned) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ";" };
            write!(f, "{separator}{planned}")?;
        }
        Ok(())
    }
}

impl FromStr for FaultPlan {
    type Err = PlantError;

    /// Parses the value of `DEADSTOP_FAULT`. Blanks around names and faults, and
    /// empty entries, do not matter.
    fn from_str(text: &str) -> Result<Self, PlantError> {
        let mut faults: Vec<PlannedFault> = Vec::new();
        for entry in text.split(';').map(str::trim) {
            if entry.is_empty() {
                continue;
            }
            let planned = parse_entry(entry)?;
            if faults.iter().any(|other| other.name == planned.name) {
                return Err(PlantError::Twice { name: planned.name });
            }
            faults.push(planned);
        }
        Ok(Self(faults))
    }
}

/// Parses one `NAME=FAULT`.
fn parse_entry(entry: &str) -> Result<PlannedFault, PlantError> {
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
    Ok(PlannedFault {
        name: name.to_owned(),
        fault,
    })
}

/// The reason why faults could not be planted. `Display` says what is allowed.
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
    /// [`StuckAllocator`](crate::StuckAllocator).
    #[non_exhaustive]
    NoStuckAllocator {
        /// The name at which the fault is planted.
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
    /// A fault is planted at a name that the program does not
    /// [declare](super::declare).
    #[non_exhaustive]
    Undeclared {
        /// The name.
        name: String,
        /// The declared names, sorted.
        declared: Vec<String>,
    },
    /// `DEADSTOP_FAULT` contains a fault that does not exist.
    #[non_exhaustive]
    Unknown {
        /// The name at which it is planted.
        name: String,
        /// The fault, and the faults that exist.
        error: ParseFaultError,
    },
}

impl fmt::Display for PlantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { entry } => write!(
                f,
                "DEADSTOP_FAULT: {entry:?} is not of the form NAME=FAULT; separate several \
                 by \";\"; a name may contain neither \"=\" nor \";\""
            ),
            Self::NoStuckAllocator { name } => write!(
                f,
                "allocator-lock is planted at {name:?}, but the program's #[global_allocator] \
                 is no deadstop_testkit::StuckAllocator"
            ),
            Self::NotText => f.write_str("DEADSTOP_FAULT is not UTF-8"),
            Self::Twice { name } => write!(
                f,
                "DEADSTOP_FAULT names {name:?} twice; one fault per name is allowed"
            ),
            Self::Undeclared { name, declared } => {
                write!(
                    f,
                    "a fault is planted at {name:?}, which the program does not declare; "
                )?;
                let Some((last, others)) = declared.split_last() else {
                    return f.write_str("no name is declared");
                };
                f.write_str("declared are ")?;
                for other in others {
                    write!(f, "{other:?}, ")?;
                }
                write!(f, "{last:?}")
            }
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

    fn parse(text: &str) -> Result<FaultPlan, PlantError> {
        text.parse()
    }

    fn any_fault() -> impl Strategy<Value = Fault> {
        let named = (0..NAMED_FAULTS.len()).prop_map(|place| NAMED_FAULTS[place].1);
        let time = (any::<u64>(), 0..1_000_000_000_u32);
        let slow = time.prop_map(|(secs, nanos)| Fault::Slow(Duration::new(secs, nanos)));
        // Values as people write them.
        let round = (0..5000_u64).prop_map(|millis| Fault::Slow(Duration::from_millis(millis)));
        prop_oneof![named, slow, round]
    }

    fn any_name() -> impl Strategy<Value = String> {
        any::<String>().prop_filter_map("a name that can be written", |name| {
            let name = name.replace(['=', ';'], "/").trim().to_owned();
            (!name.is_empty()).then_some(name)
        })
    }

    fn planned(name: &str, fault: Fault) -> PlannedFault {
        let name = name.to_owned();
        PlannedFault { name, fault }
    }

    proptest! {
        #[test]
        fn written_fault_parses_to_itself(fault in any_fault()) {
            prop_assert_eq!(fault.to_string().parse(), Ok(fault));
        }

        #[test]
        fn written_plan_parses_to_itself(
            plants in prop::collection::btree_map(any_name(), any_fault(), 0..5)
        ) {
            let plants: Vec<_> = plants.into_iter().collect();
            let plants: Vec<_> = plants.iter().map(|(name, fault)| planned(name, *fault)).collect();
            let entries: Vec<_> = plants.iter().map(PlannedFault::to_string).collect();
            let plan = FaultPlan(plants);
            prop_assert_eq!(&plan.to_string(), &entries.join(";"));
            prop_assert_eq!(&parse(&entries.join(";")), &Ok(plan.clone()));
            // Blanks and empty entries do not matter.
            let spaced = format!(" ;{} ; ", entries.join(" ;\t"));
            prop_assert_eq!(parse(&spaced), Ok(plan));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in any::<String>(), slow in "slow\\([0-9]{0,45}[a-z]{0,3}\\)?") {
            if let Ok(fault) = text.parse::<Fault>() {
                prop_assert_eq!(fault.to_string(), text.trim());
            }
            if let Ok(fault) = slow.parse::<Fault>() {
                prop_assert_eq!(fault.to_string().parse(), Ok(fault));
            }
            if let Ok(plans) = parse(&text) {
                prop_assert!(plans.faults().is_empty() || text.contains('='));
            }
        }
    }

    #[test]
    fn slow_is_written_in_the_largest_exact_unit() {
        let written = |nanos| Fault::Slow(Duration::from_nanos(nanos)).to_string();
        assert_eq!(written(3_000_000_000), "slow(3s)");
        assert_eq!(written(1_500_000_000), "slow(1500ms)");
        assert_eq!(written(20_000), "slow(20us)");
        assert_eq!(written(7), "slow(7ns)");
        assert_eq!(written(0), "slow(0s)");
    }

    #[test]
    fn slow_needs_a_whole_number_and_a_unit() {
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
    fn parse_error_lists_every_fault() {
        let error = "nap".parse::<Fault>().expect_err("no fault").to_string();
        for (name, _) in NAMED_FAULTS {
            assert!(error.contains(&format!(" {name},")), "{error}");
        }
        assert!(error.contains("slow("), "{error}");
    }

    #[test]
    fn malformed_entry_is_refused() {
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
    fn repeated_name_is_refused() {
        let name = "a".to_owned();
        assert_eq!(parse("a=spin; a =spin"), Err(PlantError::Twice { name }));
    }
}
