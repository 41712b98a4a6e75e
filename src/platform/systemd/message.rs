//! The few forms of D-Bus message that a question to systemd takes.
//!
//! Method calls with strings as arguments go out; replies with one simple value
//! in a variant come in. The forms are those of the D-Bus specification, version
//! 1 of the protocol.

/// A value that systemd answers with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(u64),
    Bool(bool),
}

/// A message that came in, as far as it matters.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Reply {
    /// The serial number of the call; 0 if it is no reply.
    pub(super) to: u32,
    /// The answer; `None` for an error, or a type that is not known here.
    pub(super) value: Option<Value>,
}

/// A method call.
pub(super) struct Call<'a> {
    pub(super) serial: u32,
    pub(super) destination: Option<&'a str>,
    pub(super) path: &'a str,
    pub(super) interface: &'a str,
    pub(super) member: &'a str,
    pub(super) arguments: &'a [&'a str],
}

/// No message of interest is longer. A bus that says otherwise is not believed.
pub(super) const LONGEST: usize = 64 * 1024;

/// The length of the part of a header that says how long the rest is.
pub(super) const HEAD: usize = 16;

const METHOD_CALL: u8 = 1;
const METHOD_RETURN: u8 = 2;
const ERROR: u8 = 3;
/// Asking must not start a service.
const NO_AUTO_START: u8 = 2;
const PROTOCOL: u8 = 1;

impl Call<'_> {
    /// Appends the message to `out`.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut body = Writer::default();
        for argument in self.arguments {
            body.text(argument);
        }
        let mut fields = Writer::default();
        fields.field(1, b'o', self.path);
        fields.field(2, b's', self.interface);
        fields.field(3, b's', self.member);
        if let Some(destination) = self.destination {
            fields.field(6, b's', destination);
        }
        if !self.arguments.is_empty() {
            fields.pad(8);
            fields.0.extend([8, 1, b'g', 0]);
            fields.signature(&"s".repeat(self.arguments.len()));
        }
        let mut message = Writer::default();
        message
            .0
            .extend([b'l', METHOD_CALL, NO_AUTO_START, PROTOCOL]);
        message.number(body.0.len());
        message.0.extend(self.serial.to_le_bytes());
        message.number(fields.0.len());
        message.0.extend(fields.0);
        message.pad(8);
        message.0.extend(body.0);
        out.extend(message.0);
    }
}

/// Writes little-endian, each value aligned to its size from the start.
#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn pad(&mut self, to: usize) {
        self.0.resize(self.0.len().next_multiple_of(to), 0);
    }

    fn number(&mut self, number: usize) {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        self.0.extend(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.pad(4);
        self.number(text.len());
        self.0.extend(text.as_bytes());
        self.0.push(0);
    }

    fn signature(&mut self, signature: &str) {
        self.0.push(signature.len().try_into().unwrap_or(0));
        self.0.extend(signature.as_bytes());
        self.0.push(0);
    }

    /// A header field: a structure of its code and a variant.
    fn field(&mut self, code: u8, kind: u8, text: &str) {
        self.pad(8);
        self.0.extend([code, 1, kind, 0]);
        self.text(text);
    }
}

/// Returns the length of the whole message that begins with `head`; `None` if
/// it is not a message, or too long.
pub(super) fn length(head: &[u8; HEAD]) -> Option<usize> {
    let mut reader = Reader::new(head);
    reader.at = 4;
    let body: usize = reader.u32()?.try_into().ok()?;
    reader.at = 12;
    let fields: usize = reader.u32()?.try_into().ok()?;
    let whole = fields
        .checked_add(HEAD)?
        .checked_next_multiple_of(8)?
        .checked_add(body)?;
    (matches!(head[0], b'l' | b'B') && head[3] == PROTOCOL && whole <= LONGEST).then_some(whole)
}

/// Reads a whole message. `None` if it is malformed.
pub(super) fn read(message: &[u8]) -> Option<Reply> {
    let kind = *message.get(1)?;
    let mut reader = Reader::new(message);
    reader.at = 12;
    let fields: usize = reader.u32()?.try_into().ok()?;
    let end = HEAD.checked_add(fields)?;
    let mut to = 0;
    while reader.at < end {
        reader.align(8)?;
        let code = reader.u8()?;
        match (code, reader.signature()?) {
            (5, "u") => to = reader.u32()?,
            (_, "u") => drop(reader.u32()?),
            (_, "s" | "o") => drop(reader.text()?),
            (_, "g") => drop(reader.signature()?),
            _ => return None,
        }
    }
    if !matches!(kind, METHOD_RETURN | ERROR) {
        return Some(Reply { to: 0, value: None });
    }
    reader.at = end.checked_next_multiple_of(8)?;
    let value = match kind {
        METHOD_RETURN => reader.variant(),
        _ => None,
    };
    Some(Reply { to, value })
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    fn align(&mut self, to: usize) -> Option<()> {
        self.at = self.at.checked_next_multiple_of(to)?;
        Some(())
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let bytes = self.message.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.align(4)?;
        let bytes = self.take(4)?.try_into().ok()?;
        Some(match self.message[0] {
            b'B' => u32::from_be_bytes(bytes),
            _ => u32::from_le_bytes(bytes),
        })
    }

    fn u64(&mut self) -> Option<u64> {
        self.align(8)?;
        let bytes = self.take(8)?.try_into().ok()?;
        Some(match self.message[0] {
            b'B' => u64::from_be_bytes(bytes),
            _ => u64::from_le_bytes(bytes),
        })
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = self.u32()?.try_into().ok()?;
        self.terminated(length)
    }

    fn signature(&mut self) -> Option<&'a str> {
        let length = self.u8()?.into();
        self.terminated(length)
    }

    fn terminated(&mut self, length: usize) -> Option<&'a str> {
        let bytes = self.take(length)?;
        self.u8()?;
        std::str::from_utf8(bytes).ok()
    }

    fn variant(&mut self) -> Option<Value> {
        Some(match self.signature()? {
            "s" | "o" => Value::Text(self.text()?.to_owned()),
            "t" => Value::Number(self.u64()?),
            "u" | "i" => Value::Number(self.u32()?.into()),
            "b" => Value::Bool(self.u32()? != 0),
            _ => return None,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Call, HEAD, Reply, Value, Writer, length, read};
    use proptest::prelude::*;

    /// A reply to the call `to`, with `value` in a variant; an error without.
    pub(in crate::platform::systemd) fn reply(to: u32, value: Option<&Value>) -> Vec<u8> {
        let mut body = Writer::default();
        match value {
            Some(Value::Text(text)) => {
                body.signature("s");
                body.text(text);
            }
            Some(Value::Number(number)) => {
                body.signature("t");
                body.pad(8);
                body.0.extend(number.to_le_bytes());
            }
            Some(Value::Bool(bool)) => {
                body.signature("b");
                body.pad(4);
                body.number((*bool).into());
            }
            None => body.text("there is no such unit"),
        }
        let mut fields = Writer::default();
        fields.0.extend([5, 1, b'u', 0]);
        fields.0.extend(to.to_le_bytes());
        fields.field(7, b's', ":1.2");
        let kind = if value.is_some() { 2 } else { 3 };
        let mut message = Writer(vec![b'l', kind, 1, 1]);
        message.number(body.0.len());
        message.0.extend(9_u32.to_le_bytes());
        message.number(fields.0.len());
        message.0.extend(fields.0);
        message.pad(8);
        message.0.extend(body.0);
        message.0
    }

    fn head(message: &[u8]) -> [u8; HEAD] {
        message[..HEAD].try_into().unwrap()
    }

    #[test]
    fn replies_are_read_with_their_length() {
        for value in [
            Value::Text("control-group".into()),
            Value::Number(u64::MAX),
            Value::Bool(true),
        ] {
            let message = reply(7, Some(&value));
            assert_eq!(length(&head(&message)), Some(message.len()));
            let value = Some(value);
            assert_eq!(read(&message), Some(Reply { to: 7, value }));
        }
        let error = reply(7, None);
        assert_eq!(read(&error), Some(Reply { to: 7, value: None }));
    }

    #[test]
    fn call_is_a_message_that_is_no_reply() {
        let mut message = Vec::new();
        let call = Call {
            serial: 3,
            destination: Some("org.example"),
            path: "/org/example",
            interface: "org.example.I",
            member: "Get",
            arguments: &["a", "bc"],
        };
        call.write(&mut message);
        assert_eq!(length(&head(&message)), Some(message.len()));
        assert_eq!(read(&message), Some(Reply { to: 0, value: None }));
    }

    #[test]
    fn message_that_says_it_is_too_long_is_refused() {
        let mut message = reply(7, None);
        message[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(length(&head(&message)), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 16..80),
            flips in prop::collection::vec((0..60_usize, any::<u8>()), 0..4),
        ) {
            let _ = (length(&head(&bytes)), read(&bytes));
            let mut message = reply(1, Some(&Value::Text("mixed".into())));
            for (at, byte) in flips {
                if let Some(place) = message.get_mut(at) {
                    *place = byte;
                }
            }
            let _ = (length(&head(&message)), read(&message));
        }
    }
}
