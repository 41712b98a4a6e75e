//! Reads numbers in texts.

/// Reads a whole number in `base`; `None` if it is malformed, or too large.
#[inline(never)] // The parser of `core` is 400 bytes in each function that uses it.
pub fn parse(digits: &str, base: u32) -> Option<u64> {
    u64::from_str_radix(digits, base).ok()
}
