//! JSON forms of the values in a hang report.

use std::fmt;
use std::time::Duration;

use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The value of the key `format`.
pub(super) const FORMAT: &str = "deadstop hang report";

/// The version of the format that this library writes, and the last that it
/// reads.
pub(super) const VERSION: u32 = 1;

/// The key `format`, which has one value only.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let format = String::deserialize(from)?;
        match format == FORMAT {
            true => Ok(Self),
            false => Err(D::Error::invalid_value(
                Unexpected::Str(&format),
                &"\"deadstop hang report\" as the `format`",
            )),
        }
    }
}

/// The key `version`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Version(pub(super) u32);

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u32::deserialize(from)? {
            version @ 1..=VERSION => Ok(Self(version)),
            version => Err(D::Error::custom(UnknownVersion(version))),
        }
    }
}

struct UnknownVersion(u32);

impl fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.0;
        write!(
            f,
            "hang report has version {version}; this library reads versions 1 to {VERSION}"
        )
    }
}

/// Longer than any process runs; a longer length could not be computed with.
const LONGEST_MILLIS: f64 = 1e15;

fn from_seconds<E: Error>(seconds: f64) -> Result<Duration, E> {
    let millis = (seconds * 1e3).round();
    if (0.0..=LONGEST_MILLIS).contains(&millis) {
        Ok(Duration::from_millis(millis as u64))
    } else {
        Err(E::invalid_value(
            Unexpected::Float(seconds),
            &"a number of seconds from 0 to 1e12",
        ))
    }
}

fn to_seconds(length: Duration) -> f64 {
    // A single division of two whole numbers gives the number nearest to the decimal fraction, and
    // so the number that a reader of that fraction gets.
    length.as_millis() as f64 / 1e3
}

/// A length of time as a number of seconds, to the millisecond.
pub(super) mod seconds {
    use super::{
        Deserialize, Deserializer, Duration, Serialize, Serializer, from_seconds, to_seconds,
    };

    pub(crate) fn serialize<S: Serializer>(length: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to_seconds(*length).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        from_seconds(f64::deserialize(from)?)
    }
}

/// The same, or `null`.
pub(super) mod maybe_seconds {
    use super::{
        Deserialize, Deserializer, Duration, Serialize, Serializer, from_seconds, to_seconds,
    };

    pub(crate) fn serialize<S: Serializer>(
        length: &Option<Duration>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        length.map(to_seconds).serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<f64>::deserialize(from)?
            .map(from_seconds)
            .transpose()
    }
}

/// An address or an offset as text: JSON's numbers end at 2^53.
pub(super) mod hex {
    use super::{Deserialize, Deserializer, Error, Serializer, Unexpected};

    pub(crate) fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{number:#x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let text = String::deserialize(from)?;
        let digits = text.strip_prefix("0x");
        let number = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number.ok_or_else(|| {
            let expected = &"a hexadecimal number that begins with 0x";
            D::Error::invalid_value(Unexpected::Str(&text), expected)
        })
    }
}
