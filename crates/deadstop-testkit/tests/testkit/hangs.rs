//! Faults that hang.

use super::*;

macro_rules! hangs {
    ($($name:ident => $fault:expr,)*) => {
        const HANGS: &[Fault] = &[$($fault),*];

        $(#[test]
        fn $name() {
            assert_strikes_by_environment_and_by_program($fault);
        })*
    };
}

hangs! {
    allocator_lock => Fault::AllocatorLock,
    blocked_pipe_write => Fault::BlockedPipeWrite,
    blocked_read => Fault::BlockedRead,
    child_process => Fault::ChildProcess,
    self_deadlock => Fault::SelfDeadlock,
    sleep => Fault::Sleep,
    spin => Fault::Spin,
    stderr_lock => Fault::StderrLock,
    stdout_lock => Fault::StdoutLock,
}

/// Plants the fault by the environment and by the program, at the same time.
fn assert_strikes_by_environment_and_by_program(fault: Fault) {
    let by_environment = stopping(app(GRACE).plant(TASK, fault));
    let by_program = stopping(app(GRACE).arg(format!("{TASK}={fault}")));
    for mut victim in [by_environment, by_program] {
        let death = victim.wait(TIMEOUT).expect("the app ends");
        assert_hung(&death, TASK);
        assert!(!says(&death, "flushed"), "{death}");
    }
}

/// The control of all hangs.
#[test]
fn control_each_fault_hangs_without_a_deadline() {
    let stuck = |fault: &Fault| stopping(endless_app().plant(TASK, *fault));
    let mut victims: Vec<_> = HANGS.iter().map(stuck).collect();
    let until = Instant::now() + 3 * GRACE;
    for victim in &mut victims {
        let left = until.saturating_duration_since(Instant::now());
        let alive = victim.wait(left).expect_err("it is stuck");
        assert!(!alive.stdout().contains("flushed"), "{alive}");
    }
    assert!(Instant::now() >= until);
}
