//! Reads metrics in Prometheus' text format from standard input, by a parser that deadstop
//! does not have. Fails unless each line that is no comment is a sample of a known type.

use std::collections::HashMap;
use std::io::Read;
use std::process::ExitCode;

use prometheus_parse::{Scrape, Value};

fn main() -> std::io::Result<ExitCode> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let lines = text.lines().filter(|line| !line.starts_with('#')).count();
    let scrape = Scrape::parse(text.lines().map(|line| Ok(line.to_owned())))?;
    let mut families: HashMap<&str, usize> = HashMap::new();
    let mut typed = 0;
    for sample in &scrape.samples {
        *families.entry(&sample.metric).or_default() += 1;
        typed += usize::from(!matches!(sample.value, Value::Untyped(_)));
    }
    println!(
        "{lines} lines, {} samples, {typed} with a type",
        scrape.samples.len()
    );
    let has = |name: &str| families.contains_key(name);
    let is_right = lines == scrape.samples.len()
        && lines == typed
        && has("deadstop_state")
        && has("deadstop_health_connections_total");
    Ok(if is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
