//! The watchdog without a coordinator.

use super::*;

#[test]
fn deadline_prints_one_line() {
    let output = run(victim("watchdog_alone::deadline_prints_one_line", || {
        ok(Watchdog::builder().grace(Duration::from_secs(2)).install()).arm();
        park();
    }));
    assert_status(&output, 124);
    let said = stderr(&output);
    let line = said
        .lines()
        .find(|line| line.starts_with("deadstop: deadline reached 2."));
    let line = line.unwrap_or_else(|| panic!("{said}"));
    assert!(line.ends_with(" s after arm(); exit status 124"), "{said}");
}

#[test]
fn deadline_prints_what_each_thread_does() {
    let test = "watchdog_alone::deadline_prints_what_each_thread_does";
    let output = run(victim(test, || {
        let watchdog = Watchdog::builder().grace(Duration::from_secs(2));
        let watchdog = ok(watchdog.install());
        let (reader, _writer) = ok(std::os::unix::net::UnixStream::pair());
        let builder = thread::Builder::new().name("consumer".to_owned());
        ok(builder.spawn(move || std::io::read_to_string(reader)));
        watchdog.arm();
        park();
    }));
    assert_status(&output, 124);
    let said = stderr(&output);
    assert!(said.starts_with("deadstop: deadline in 0."), "{said}");
    let consumer = said.lines().find(|line| line.contains("\"consumer\""));
    let reads = consumer.is_some_and(|line| line.contains("reads from descriptor"));
    assert!(reads, "{said}");
}

#[test]
fn deadline_prints_nothing_if_the_report_is_off() {
    let output = run(victim(
        "watchdog_alone::deadline_prints_nothing_if_the_report_is_off",
        || {
            ok(Watchdog::builder().grace(SHORT).report(false).install()).arm();
            park();
        },
    ));
    assert_status(&output, 124);
    assert!(!stderr(&output).contains("deadstop:"), "{output:?}");
}

#[test]
fn signal_arms_the_watchdog_and_calls_the_programs_own_handler() {
    extern "C" fn own(_: libc::c_int) {
        write_in_handler(b"own handler\n");
    }
    let test = "watchdog_alone::signal_arms_the_watchdog_and_calls_the_programs_own_handler";
    let victim = victim(test, || {
        // SAFETY: the handler stays valid, and its calls are async-signal-safe.
        unsafe { libc::signal(libc::SIGTERM, own as *const () as libc::sighandler_t) };
        let builder = Watchdog::builder().grace(SHORT);
        let watchdog = ok(builder.arm_on([Signal::TERM, Signal::INT]).install());
        assert!(watchdog.deadline().is_none());
        say("ready");
        park();
    });
    let output = send_after_line(victim, "ready", libc::SIGTERM);
    assert_status(&output, 124);
    assert!(stdout(&output).contains("own handler"), "{output:?}");
    let said = stderr(&output);
    assert!(said.contains(" after SIGTERM; exit status 124"), "{said}");
}
