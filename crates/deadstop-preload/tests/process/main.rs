//! Processes with the library preloaded: this program starts itself again as each of them.

#![expect(
    unsafe_code,
    reason = "victims call the functions of libc that the library replaces"
)]
#![expect(
    clippy::multiple_unsafe_ops_per_block,
    clippy::print_stdout,
    clippy::undocumented_unsafe_blocks,
    clippy::zombie_processes,
    reason = "victims are C programs in spirit, and talk to the test on standard output"
)]

mod children;
mod end;
mod exec;
mod full_pipe;
mod functions;
mod generated_code;
mod standard_error;
mod start;
mod system_calls;
mod triggers;
mod unwind;

use libtest_mimic::{Arguments, Trial};

fn main() {
    if let Some(name) = std::env::var_os(start::VICTIM) {
        let name = name.to_string_lossy().into_owned();
        let victims = functions::VICTIMS
            .iter()
            .chain(triggers::VICTIMS)
            .chain(end::VICTIMS)
            .chain(standard_error::VICTIMS)
            .chain(children::VICTIMS)
            .chain(exec::VICTIMS)
            .chain(generated_code::VICTIMS)
            .chain(system_calls::VICTIMS);
        for (victim, run) in victims {
            if *victim == name {
                return run();
            }
        }
        panic!("there is no victim {name:?}");
    }
    let mut arguments = Arguments::from_args();
    // They wait more than they work.
    arguments.test_threads = arguments.test_threads.or(Some(4));
    let tests = functions::TESTS
        .iter()
        .chain(triggers::TESTS)
        .chain(end::TESTS)
        .chain(standard_error::TESTS)
        .chain(children::TESTS)
        .chain(exec::TESTS)
        .chain(generated_code::TESTS)
        .chain(unwind::TESTS)
        .chain(system_calls::TESTS);
    let trials = tests.map(|(name, run)| {
        Trial::test(*name, move || {
            run();
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
