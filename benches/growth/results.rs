//! The samples of a run: a value each.

use std::fmt::Write as _;

/// One sample.
pub(crate) struct Sample {
    pub(crate) part: &'static str,
    pub(crate) what: String,
    pub(crate) size: u64,
    pub(crate) unit: &'static str,
    pub(crate) value: f64,
}

#[derive(Default)]
pub(crate) struct Results(pub(crate) Vec<Sample>);

impl Results {
    pub(crate) fn add(
        &mut self,
        part: &'static str,
        what: impl Into<String>,
        size: u64,
        unit: &'static str,
        value: f64,
    ) {
        let what = what.into();
        eprintln!("{part}: {what}, {size}: {value:.1} {unit}");
        self.0.push(Sample {
            part,
            what,
            size,
            unit,
            value,
        });
    }

    /// The median of the samples of one thing and size.
    pub(crate) fn median(&self, part: &str, what: &str, size: u64) -> Option<f64> {
        let of = |it: &&Sample| it.part == part && it.what == what && it.size == size;
        let mut values: Vec<_> = self.0.iter().filter(of).map(|it| it.value).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// The sizes of a part, each once.
    pub(crate) fn sizes(&self, part: &str) -> Vec<u64> {
        let of_part = self.0.iter().filter(|it| it.part == part);
        let mut sizes: Vec<_> = of_part.map(|it| it.size).collect();
        sizes.sort_unstable();
        sizes.dedup();
        sizes
    }

    /// Returns the kinds of values of a part, with their units, in the order of measuring.
    pub(crate) fn kinds(&self, part: &str) -> Vec<(&str, &'static str)> {
        let mut kinds: Vec<(&str, &'static str)> = Vec::new();
        for sample in self.0.iter().filter(|it| it.part == part) {
            if kinds.iter().all(|(what, _)| *what != sample.what) {
                kinds.push((&sample.what, sample.unit));
            }
        }
        kinds
    }

    pub(crate) fn csv(&self) -> String {
        let mut csv = String::from("part,what,size,unit,value\n");
        for it in &self.0 {
            let Sample {
                part,
                what,
                size,
                unit,
                value,
            } = it;
            writeln!(csv, "{part},{what},{size},{unit},{value}").unwrap();
        }
        csv
    }
}
