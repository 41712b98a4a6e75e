//! Installs, and finishes: the program whose bytes are counted.

#[path = "subject.rs"]
mod subject;

fn main() {
    subject::finish(subject::install());
}
