//! Contrast of all text.

use crate::theme::{DARK, LIGHT, Theme};

#[test]
fn letters_stand_out_by_day_and_by_night() {
    for theme in [LIGHT, DARK] {
        for letters in theme.of_letters() {
            for behind in theme.behind_letters() {
                let contrast = contrast(letters, behind);
                assert!(contrast >= 4.5, "{letters} on {behind}: {contrast:.2}");
            }
        }
    }
}

#[test]
fn both_themes_have_the_same_rules() {
    let selectors = |theme: Theme| {
        let rules = theme.rules();
        let selectors = rules
            .lines()
            .map(|rule| rule.split('{').next().map(str::to_owned));
        selectors.collect::<Vec<_>>()
    };
    assert_eq!(selectors(LIGHT), selectors(DARK));
    assert_ne!(LIGHT.rules(), DARK.rules());
}

/// Contrast ratio as WCAG 2 defines it.
fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn luminance(color: &str) -> f64 {
    let channel = |place: usize| {
        let channel = u8::from_str_radix(&color[place..place + 2], 16).expect("two digits");
        match f64::from(channel) / 255.0 {
            dark @ ..=0.04045 => dark / 12.92,
            light => ((light + 0.055) / 1.055).powf(2.4),
        }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}
