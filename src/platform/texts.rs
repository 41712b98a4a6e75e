//! A list of texts in one string.
//!
//! A snapshot has several such lists. Each list of `String`s, and each map, would be code
//! of its own in every program.

/// Reads a whole number.
pub(super) fn number(text: &str) -> Option<u32> {
    deadstop_core::number::parse(text, 10)?.try_into().ok()
}

/// Texts without bytes of zero.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Texts(
    /// Each text, and a zero after it; the last may have none.
    String,
);

impl Texts {
    /// Takes a list as the kernel writes it in `/proc/PID/cmdline`.
    pub(super) fn of_kernel(line: &[u8]) -> Self {
        // A process that cleared its command line has a zero alone.
        match line {
            b"\0" => Self::default(),
            line => Self(String::from_utf8_lossy(line).into_owned()),
        }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\0');
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split_terminator('\0')
    }

    /// Returns the first text; `None` if there is none, or if it is empty.
    pub(super) fn first(&self) -> Option<&str> {
        self.iter().next().filter(|text| !text.is_empty())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the texts with a zero between two of them.
    pub(super) fn joined(&self) -> &str {
        self.0.strip_suffix('\0').unwrap_or(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Texts;

    #[test]
    fn texts_are_those_that_were_pushed() {
        let mut texts = Texts::default();
        assert!(texts.is_empty() && texts.iter().next().is_none());
        for text in ["sh", "", "-c"] {
            texts.push(text);
        }
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["sh", "", "-c"]);
        assert_eq!(texts.joined(), "sh\0\0-c");
        assert_eq!(texts, Texts::of_kernel(b"sh\0\0-c\0"));
    }

    #[test]
    fn command_line_may_end_without_zero_or_be_cleared() {
        let of = |line: &[u8]| Texts::of_kernel(line).iter().map(str::to_owned).collect();
        let words: [Vec<String>; 4] = [of(b"a\0b"), of(b"a\0b\0"), of(b""), of(b"\0")];
        assert_eq!(words, [vec!["a", "b"], vec!["a", "b"], vec![], vec![]]);
    }
}
