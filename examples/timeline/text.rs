//! Text that fits, and that may stand in XML.

use unicode_width::UnicodeWidthChar;

/// A length of time in words, as exact as it is worth.
pub(crate) fn seconds(seconds: f64) -> String {
    match seconds {
        // Rounds to less than 100 ms.
        ..0.0995 => format!("{:.0} ms", seconds * 1e3),
        ..9.995 => format!("{seconds:.2} s"),
        ..99.95 => format!("{seconds:.1} s"),
        _ => format!("{seconds:.0} s"),
    }
}

/// Returns the maximum width of `text`, in pixels, in letters of that `size`.
///
/// Viewers use fonts of their own, so this is the width in a wide one.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(|letter| of_letter(letter) * size).sum()
}

/// As a share of the font's size.
fn of_letter(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | 'I' | '\'' | '|' | ' ' | '.' | ',' | ':' | ';' | '·' => 0.34,
        'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '/' | '-' | '!' => 0.42,
        'c' | 'k' | 's' | 'v' | 'x' | 'y' | 'z' | '_' | '"' | '“' | '”' => 0.6,
        'm' | 'M' | 'W' | '@' | '%' | '…' => 1.0,
        'A'..='Z' | 'w' => 0.82,
        _ => match letter.width() {
            Some(2) => 1.1,
            Some(0) => 0.0,
            _ => 0.64,
        },
    }
}

/// The width of bold letters, as a multiple of plain ones.
pub(crate) const BOLD: f64 = 1.12;

/// The beginning of `text` that is no wider than `room`, with an ellipsis if
/// something is left out.
pub(crate) fn clip(text: &str, room: f64, size: f64) -> String {
    let text = visible(text);
    if width(&text, size) <= room {
        return text;
    }
    let room = room - width("…", size);
    let mut used = 0.0;
    let fits = |letter: &char| {
        used += of_letter(*letter) * size;
        used <= room
    };
    let begun: String = text.chars().take_while(fits).collect();
    format!("{}…", begun.trim_end())
}

/// `text` without what XML cannot have, and without what a reader cannot see
/// or would be misled by: such letters are written as in a Rust string.
pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\u{fffe}' | '\u{ffff}' => visible.extend(letter.escape_unicode()),
            // They turn what follows around.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                visible.extend(letter.escape_unicode());
            }
            _ if letter.is_control() => visible.extend(letter.escape_debug()),
            _ => visible.push(letter),
        }
    }
    visible
}
