//! The constants of this machine, measured as the example `calibrate` does.

#[path = "../../examples/calibrate/holder.rs"]
pub(crate) mod holder;
#[path = "../../examples/calibrate/measure.rs"]
mod measure;

use crate::page::Page;

use self::measure::{Measured, Times, measure, usual_memory};

/// Measures the constants, and stores them in the page for victims.
pub(crate) fn calibrate(page: &Page, runs: usize, memory: Option<usize>) -> Measured {
    let memory = memory.unwrap_or_else(usual_memory);
    let say = |hold,
               Times {
                   least,
                   median,
                   most,
               }: Times| {
        println!("{hold}: {median:?}, from {least:?} to {most:?}");
    };
    let measured = measure(runs, memory, say).unwrap();
    for (word, (_, takes)) in page.teardown.iter().zip(measured) {
        word.set(takes.as_nanos() as u64);
    }
    measured
}
