//! Tests of the short text that one thread writes while another reads it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::roster::{Text, words};

#[test]
fn text_that_is_too_long_is_cut_between_characters() {
    let text = Text::<{ words(16) }>::empty();
    let mut buffer = [0; 16];
    for (written, kept) in [
        ("1234567aéü34567b", "1234567aéü3456"),
        ("123456aéü3456b", "123456aéü3456b"),
        ("äöüäöüäöü", "äöüäöüäö"),
        ("1äöüäöüäö", "1äöüäöüä"),
        ("12345678", "12345678"),
        ("", ""),
    ] {
        text.write(written);
        assert_eq!(text.read(&mut buffer), Some(kept));
    }
}

#[test]
fn text_read_during_writes_is_never_torn() {
    static TEXT: Text<{ words(64) }> = Text::empty();
    static IS_READ: AtomicBool = AtomicBool::new(false);
    let texts = ["a".repeat(60), "b".repeat(60)];
    TEXT.write(&texts[0]);
    let writers = texts.clone().map(|text| {
        thread::spawn(move || {
            while !IS_READ.load(Ordering::Relaxed) {
                TEXT.write(&text);
            }
        })
    });
    let patience = Instant::now() + Duration::from_secs(20);
    // The number of reads of each text.
    let mut read = [0; 2];
    while read.iter().any(|times| *times < 1_000) && Instant::now() < patience {
        let mut buffer = [0; 64];
        if let Some(text) = TEXT.read(&mut buffer) {
            let which = texts.iter().position(|whole| whole == text);
            IS_READ.fetch_or(which.is_none(), Ordering::Relaxed);
            read[which.unwrap_or_else(|| panic!("torn: {text}"))] += 1;
        }
    }
    IS_READ.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().expect("it writes");
    }
    assert!(read.iter().all(|times| *times > 0), "{read:?}");
}
