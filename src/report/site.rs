//! The place in the source where a task was registered.

use std::panic::Location;
use std::sync::OnceLock;

/// The place in the source where a task was registered, as `file:line`. The text
/// is made when it is first read: most reports of ten thousand tasks are not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site {
    location: Option<&'static Location<'static>>,
    text: OnceLock<Box<str>>,
}

impl Site {
    pub(crate) fn of(location: &'static Location<'static>) -> Self {
        Self {
            location: Some(location),
            text: OnceLock::new(),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.text.get_or_init(|| match self.location {
            Some(location) => format!("{}:{}", location.file(), location.line()).into(),
            None => Box::default(),
        })
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Site {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for Site {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Ok(Self {
            location: None,
            text: OnceLock::from(text.into_boxed_str()),
        })
    }
}
