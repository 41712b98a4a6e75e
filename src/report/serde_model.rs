//! The serde forms of the types that do not have their own.

/// A cause: its text, for people, and its parts, to read it back.
pub(super) mod cause {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::cause::{Cause, Sender};
    use crate::signal::Signal;

    #[derive(Deserialize, Serialize)]
    struct Model {
        #[serde(default)]
        text: String,
        #[serde(flatten)]
        parts: Parts,
    }

    #[derive(Deserialize, Serialize)]
    #[serde(tag = "kind", rename_all = "snake_case")]
    enum Parts {
        Finished,
        Panicked {
            thread: Option<String>,
            message: String,
            location: String,
        },
        Requested {
            by: String,
        },
        Signaled {
            signal: i32,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pid: Option<i32>,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            uid: Option<u32>,
            /// Set if the sender filled these two itself.
            #[serde(default, skip_serializing_if = "std::ops::Not::not")]
            claimed: bool,
        },
        Stalled {
            heartbeat: String,
        },
    }

    pub(in crate::report) fn serialize<S: Serializer>(
        cause: &Cause,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let parts = match cause.clone() {
            Cause::Finished => Parts::Finished,
            Cause::Panicked {
                thread,
                message,
                location,
            } => Parts::Panicked {
                thread,
                message,
                location,
            },
            Cause::Requested { by } => Parts::Requested { by },
            Cause::Signaled { signal, sender } => Parts::Signaled {
                signal: signal.number(),
                pid: sender.map(|sender| sender.pid),
                uid: sender.map(|sender| sender.uid),
                claimed: sender.is_some_and(|sender| !sender.is_vouched_for()),
            },
            Cause::Stalled { heartbeat } => Parts::Stalled { heartbeat },
        };
        let text = cause.to_string();
        Model { text, parts }.serialize(to)
    }

    pub(in crate::report) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Cause, D::Error> {
        Ok(match Model::deserialize(from)?.parts {
            Parts::Finished => Cause::Finished,
            Parts::Panicked {
                thread,
                message,
                location,
            } => Cause::Panicked {
                thread,
                message,
                location,
            },
            Parts::Requested { by } => Cause::Requested { by },
            Parts::Signaled {
                signal,
                pid,
                uid,
                claimed,
            } => Cause::Signaled {
                signal: Signal::from(signal),
                sender: pid.zip(uid).map(|(pid, uid)| match claimed {
                    true => Sender::claimed(pid, uid),
                    false => Sender::new(pid, uid),
                }),
            },
            Parts::Stalled { heartbeat } => Cause::Stalled { heartbeat },
        })
    }
}

/// A length of time as a number of seconds.
pub(super) mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(in crate::report) fn serialize<S: Serializer>(
        length: &Duration,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_f64(length.as_secs_f64())
    }

    pub(in crate::report) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(from)?;
        Duration::try_from_secs_f64(seconds).map_err(de::Error::custom)
    }
}

/// A number of nanoseconds as a number of seconds.
pub(super) mod nanos_as_seconds {
    use std::time::Duration;

    use serde::{Deserializer, Serializer};

    pub(in crate::report) fn serialize<S: Serializer>(
        nanos: &u64,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        super::seconds::serialize(&Duration::from_nanos(*nanos), to)
    }

    pub(in crate::report) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<u64, D::Error> {
        let length = super::seconds::deserialize(from)?;
        Ok(u64::try_from(length.as_nanos()).unwrap_or(u64::MAX))
    }
}

/// A shared text as a string.
pub(super) mod text {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::report::SharedText;

    pub(in crate::report) fn serialize<S: Serializer>(
        text: &SharedText,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(text)
    }

    pub(in crate::report) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<SharedText, D::Error> {
        String::deserialize(from).map(SharedText::from)
    }
}
