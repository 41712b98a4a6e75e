//! A program under test whose allocator is the system's.

#![expect(clippy::print_stderr, reason = "the test reads both")]

use deadstop::Shutdown;

fn main() {
    deadstop_testkit::enable();
    if let Err(error) = Shutdown::builder().install() {
        eprintln!("not installed: {error}");
        std::process::exit(2);
    }
}
