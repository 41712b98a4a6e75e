//! A measured program: prints that it has started, installs after a line from the
//! benchmark, prints how many nanoseconds that took, and waits for another line.

#[path = "subject.rs"]
mod subject;

use std::io;
use std::time::Instant;

fn main() {
    println!("there");
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    let begun = Instant::now();
    let installed = subject::install();
    println!("{}", begun.elapsed().as_nanos());
    io::stdin().read_line(&mut line).unwrap();
    subject::finish(installed);
}
