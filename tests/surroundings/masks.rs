//! Signal masks of programs that the application starts.

use std::os::unix::process::CommandExt;
use std::process::Command;

use deadstop::report::Progress;
use deadstop::{Cause, Shutdown};

use super::self_victim::{park, run, say, victim};
use super::{LONG, block, ok, said};

fn blocked_of_a_child(command: &mut Command) -> String {
    let output = command.output().expect("grep starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    said.trim().trim_start_matches("SigBlk:\t").to_owned()
}

fn grep() -> Command {
    // No shell: dash clears its mask.
    let mut command = Command::new("grep");
    command.args(["SigBlk", "/proc/self/status"]);
    command
}

struct StartsAProgram;

impl log::Log for StartsAProgram {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &log::Record<'_>) {
        if record.args().to_string().contains("shutdown begins") {
            say(&format!("logger: {}", blocked_of_a_child(&mut grep())));
        }
    }
    fn flush(&self) {}
}

extern "C" fn at_exit() {
    say(&format!(
        "exit handler: {}",
        blocked_of_a_child(&mut grep())
    ));
}

#[test]
fn programs_started_by_a_logger_and_an_exit_handler_have_no_signal_blocked() {
    let test = "masks::programs_started_by_a_logger_and_an_exit_handler_have_no_signal_blocked";
    let output = run(victim(test, || {
        static LOG: StartsAProgram = StartsAProgram;
        ok(log::set_logger(&LOG));
        log::set_max_level(log::LevelFilter::Info);
        // SAFETY: the function stays valid and does not unwind.
        unsafe { libc::atexit(at_exit) };
        let builder = Shutdown::builder().grace(LONG).progress(Progress::Log);
        let shutdown = ok(builder.when_done(deadstop::WhenDone::Exit).install());
        ok(shutdown.task("a task").on_shutdown(|_| {
            say(&format!("task: {}", blocked_of_a_child(&mut grep())));
        }));
        shutdown.request(Cause::requested("a test"));
        // The coordinator's thread exits.
        park();
    }));
    let said = said(&output);
    for who in ["logger", "task", "exit handler"] {
        let line = format!("{who}: 0000000000000000");
        assert!(said.contains(&line), "{who}: {output:?}");
    }
}

#[test]
fn unmasked_child_keeps_blocked_what_was_blocked_before_install() {
    let test = "masks::unmasked_child_keeps_blocked_what_was_blocked_before_install";
    let mut command = victim(test, || {
        let builder = Shutdown::builder().grace(LONG).block_signals(true);
        let _shutdown = ok(builder.install());
        say(&format!("plain: {}", blocked_of_a_child(&mut grep())));
        let mut unmasked = grep();
        deadstop::signals::unblock_signals(&mut unmasked);
        say(&format!("unmasked: {}", blocked_of_a_child(&mut unmasked)));
        std::process::exit(0);
    });
    let block_hup = || {
        block(libc::SIGHUP);
        Ok(())
    };
    // SAFETY: the closure makes async-signal-safe calls in the child.
    unsafe { command.pre_exec(block_hup) };
    let output = run(command);
    let said = said(&output);
    // SIGHUP is bit 0, SIGINT 1, SIGTERM 14.
    assert!(said.contains("plain: 0000000000004003"), "{output:?}");
    assert!(said.contains("unmasked: 0000000000000001"), "{output:?}");
}
