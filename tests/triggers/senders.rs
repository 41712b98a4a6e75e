//! The senders of signals, and signals that cannot be triggers.

use super::*;

#[test]
fn cause_of_a_sigqueue_signal_says_that_the_pid_is_only_claimed() {
    let command = victim(
        "senders::cause_of_a_sigqueue_signal_says_that_the_pid_is_only_claimed",
        || {
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            let value = libc::sigval {
                sival_ptr: std::ptr::null_mut(),
            };
            let pid = i32::try_from(std::process::id()).expect("a pid");
            // SAFETY: sigqueue(3) takes two integers and a value, to this process.
            unsafe { libc::sigqueue(pid, libc::SIGTERM, value) };
            while !shutdown.is_requested() {
                thread::yield_now();
            }
            let cause = shutdown
                .cause()
                .expect("the shutdown has begun")
                .to_string();
            let expected = format!("SIGTERM from a sender that claims to be pid {pid}, ");
            assert!(cause.starts_with(&expected), "{cause}");
            std::process::exit(3);
        },
    );
    assert_status(&run(command), 3);
}

#[test]
fn signal_that_does_not_end_a_process_is_refused_as_a_trigger() {
    for signal in [
        Signal::CHLD,
        Signal::WINCH,
        Signal::URG,
        Signal::CONT,
        Signal::TSTP,
    ] {
        let refused = Shutdown::builder().signals([signal]).install();
        let error = refused.expect_err("the signal cannot be a trigger");
        assert!(error.to_string().contains(&signal.to_string()), "{error}");
        let refused = Watchdog::builder().arm_on([signal]).install();
        assert!(refused.is_err());
    }
}
