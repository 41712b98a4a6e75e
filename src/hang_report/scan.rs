//! The pieces that lines are made of.

use std::time::Duration;

/// A line, read from left to right. Each method takes a piece off the front, or
/// leaves everything as it is and returns `None`.
#[derive(Clone, Copy)]
pub(super) struct Scan<'a>(pub(super) &'a str);

impl<'a> Scan<'a> {
    /// Takes `tag`.
    pub(super) fn tag(&mut self, tag: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(tag)?;
        Some(())
    }

    /// Whether nothing is left.
    pub(super) fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }

    /// Takes everything up to `tag`, and `tag`.
    pub(super) fn until(&mut self, tag: &str) -> Option<&'a str> {
        let (before, rest) = self.0.split_once(tag)?;
        self.0 = rest;
        Some(before)
    }

    /// Takes a decimal number.
    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        let digits = self.0.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.0.split_at(digits);
        let number = number.parse().ok()?;
        self.0 = rest;
        Some(number)
    }

    /// Takes a number in hexadecimal, with its `0x`.
    pub(super) fn hex(&mut self) -> Option<u64> {
        let rest = self.0.strip_prefix("0x")?;
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let (number, rest) = rest.split_at(digits);
        let number = u64::from_str_radix(number, 16).ok()?;
        self.0 = rest;
        Some(number)
    }

    /// Takes a length of time: `9.2 s`.
    pub(super) fn seconds(&mut self) -> Option<Duration> {
        let mut scan = *self;
        let seconds: u64 = scan.number()?;
        scan.tag(".")?;
        let tenth = scan.0.chars().next()?.to_digit(10)?;
        scan.0 = &scan.0[1..];
        scan.tag(" s")?;
        *self = scan;
        Some(Duration::from_secs(seconds) + Duration::from_millis(100) * tenth)
    }

    /// Takes a length of time that may be without end.
    pub(super) fn span(&mut self) -> Option<Duration> {
        match self.tag("no end") {
            Some(()) => Some(Duration::MAX),
            None => self.seconds(),
        }
    }

    /// Takes a text in double quotes.
    pub(super) fn quoted(&mut self) -> Option<String> {
        let inner = self.0.strip_prefix('"')?;
        let end = closing_quote(inner)?;
        let text = unescape(&inner[..end])?;
        self.0 = &inner[end + 1..];
        Some(text)
    }

    /// Takes a word: in quotes, or of plain characters.
    pub(super) fn word(&mut self) -> Option<String> {
        if self.0.starts_with('"') {
            return self.quoted();
        }
        let len = self.0.bytes().take_while(|byte| is_plain(*byte)).count();
        let (word, rest) = self.0.split_at(len);
        self.0 = rest;
        (!word.is_empty()).then(|| word.to_owned())
    }

    /// Takes two words with `tag` between, of which the second has none in it.
    pub(super) fn pair(&mut self, tag: &str) -> Option<(String, &'a str)> {
        let mut scan = *self;
        if scan.0.starts_with('"') {
            let first = scan.quoted()?;
            scan.tag(tag)?;
            let second = scan.plain();
            *self = scan;
            return Some((first, second));
        }
        let (first, second) = scan.plain().rsplit_once(tag)?;
        *self = scan;
        (!first.is_empty()).then(|| (first.to_owned(), second))
    }

    fn plain(&mut self) -> &'a str {
        let len = self.0.bytes().take_while(|byte| is_plain(*byte)).count();
        let (plain, rest) = self.0.split_at(len);
        self.0 = rest;
        plain
    }
}

/// Whether a word may have `byte` in it and do without quotes.
pub(super) fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"\\,;()".contains(&byte)
}

/// Where the quote is that ends a quoted text.
pub(super) fn closing_quote(inner: &str) -> Option<usize> {
    let mut is_escaped = false;
    inner.bytes().position(|byte| {
        let closes = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    })
}

/// Takes the backslashes out.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        plain.push_str(before);
        let kind = after.chars().next()?;
        rest = &after[kind.len_utf8()..];
        plain.push(match kind {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '"' | '\\' => kind,
            'u' => {
                let (hex, behind) = rest.strip_prefix('{')?.split_once('}')?;
                rest = behind;
                char::from_u32(u32::from_str_radix(hex, 16).ok()?)?
            }
            _ => return None,
        });
    }
    plain.push_str(rest);
    Some(plain)
}
