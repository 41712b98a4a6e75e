//! The cost of a gate and a pool, compared with other libraries: ratios of one run.
//!
//! ```text
//! cargo run --release -- [ROUNDS] > raw.csv      the table goes to standard error
//! ```
//!
//! Subjects take turns in each round, so that a load on the machine meets all of them. A
//! ratio is of the best rounds of each: the machine is never faster than it is.

mod gates;
mod memory;
mod pools;

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::Parser;

/// Compares the cost of a gate and a pool with other libraries
#[derive(Parser)]
#[command(bin_name = "cargo run --release --")]
struct Arguments {
    #[arg(default_value_t = 10)]
    rounds: u32,
}

/// Nanoseconds per operation, or bytes, by operation and library.
#[derive(Default)]
struct Results(BTreeMap<(String, &'static str), Vec<f64>>);

impl Results {
    fn add(&mut self, what: &str, subject: &'static str, nanos: f64) {
        println!("{what},{subject},{nanos:.2}");
        let key = (what.to_owned(), subject);
        self.0.entry(key).or_default().push(nanos);
    }

    fn best(&self, what: &str, subject: &'static str) -> f64 {
        let values = &self.0[&(what.to_owned(), subject)];
        values.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn table(&self) {
        eprintln!("{:26} {:18} {:>10} {:>10}  ratio", "what", "subject", "best ns", "median ns");
        for ((what, subject), values) in &self.0 {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let (best, median) = (sorted[0], sorted[sorted.len() / 2]);
            let ratio = best / self.best(what, "deadstop");
            eprintln!("{what:26} {subject:18} {best:10.1} {median:10.1}  {ratio:.2}");
        }
    }
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let Arguments { rounds } = Arguments::parse();
    let shutdown = deadstop::Shutdown::builder().signals([]).install()?;
    let mut results = Results::default();
    println!("what,subject,ns");
    let gate = shutdown.gate("requests").open()?;
    for _ in 0..rounds {
        gates::round(gate, &mut results);
        pools::round(&shutdown, &mut results)?;
    }
    memory::round(&shutdown, &mut results)?;
    results.table();
    Ok(shutdown.finish())
}
