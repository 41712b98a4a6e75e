//! Those that hang.

use super::*;

macro_rules! hangs {
    ($($name:ident => $fault:expr,)*) => {$(
        mod $name {
            use super::*;

            #[test]
            fn strikes_where_the_environment_plants_it() {
                let death = stopped(app(GRACE).plant(TASK, $fault));
                assert_hung(&death, TASK);
                assert!(!says(&death, "flushed"), "{death}");
            }

            #[test]
            fn strikes_where_the_program_plants_it() {
                let death = stopped(app(GRACE).arg(format!("{TASK}={}", $fault)));
                assert_hung(&death, TASK);
                assert!(!says(&death, "flushed"), "{death}");
            }

            #[test]
            fn is_stuck_in_a_program_without_a_deadline() {
                let mut victim = stopping(endless_app().plant(TASK, $fault));
                let alive = victim.wait(3 * GRACE).expect_err("it is stuck");
                assert!(alive.waited() >= 3 * GRACE, "{alive}");
                assert!(!alive.stdout().contains("flushed"), "{alive}");
            }
        }
    )*};
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
