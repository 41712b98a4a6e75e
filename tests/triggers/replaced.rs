//! Libraries that set their own signal handler or panic hook.

use super::*;

#[test]
fn protection_lists_a_signal_that_ctrlc_took_after_install() {
    let command = victim(
        "replaced::protection_lists_a_signal_that_ctrlc_took_after_install",
        || {
            let shutdown = ok(Shutdown::builder().grace(LONG).install());
            assert!(
                shutdown
                    .watchdog()
                    .protection()
                    .replaced_signals()
                    .is_empty()
            );
            ok(ctrlc::set_handler(|| ()));
            let protection = shutdown.watchdog().protection();
            assert_eq!(protection.replaced_signals(), [Signal::INT]);
            let warnings = protection.warnings();
            assert!(warnings[0].contains("SIGINT"), "{warnings:?}");
            std::process::exit(3);
        },
    );
    assert_status(&run(command), 3);
}

#[test]
fn ctrlc_set_before_install_is_called_too() {
    let victim = victim("replaced::ctrlc_set_before_install_is_called_too", || {
        ok(ctrlc::set_handler(|| say("callback")));
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        assert!(
            shutdown
                .watchdog()
                .protection()
                .replaced_signals()
                .is_empty()
        );
        say("ready");
        let _ = shutdown.wait();
        thread::sleep(Duration::from_millis(300));
        std::process::exit(4);
    });
    let output = send_after_line(victim, "ready", libc::SIGINT);
    assert_status(&output, 4);
    assert!(stdout(&output).contains("callback"), "{output:?}");
}

#[test]
fn signal_taken_by_a_library_begins_the_shutdown_if_notified() {
    let victim = victim(
        "replaced::signal_taken_by_a_library_begins_the_shutdown_if_notified",
        || {
            let shutdown = ok(Shutdown::builder().grace(SHORT).install());
            register_hanging_task(&shutdown);
            let handed = shutdown.clone();
            ok(ctrlc::set_handler(move || {
                assert!(!handed.notify_signal(Signal::USR1, None));
                assert!(handed.notify_signal(Signal::INT, Some(Sender::new(7, 8))));
                let cause = handed.cause().expect("the shutdown has begun").to_string();
                say(&cause);
            }));
            say("ready");
            park();
        },
    );
    let output = send_after_line(victim, "ready", libc::SIGINT);
    assert_status(&output, 124);
    assert!(
        stdout(&output).contains("SIGINT from pid 7, uid 8"),
        "{output:?}"
    );
}

/// The control: without the call of `notify_signal`, no shutdown begins.
#[test]
fn signal_taken_by_a_library_begins_no_shutdown_if_not_notified() {
    let mut child = victim(
        "replaced::signal_taken_by_a_library_begins_no_shutdown_if_not_notified",
        || {
            let shutdown = ok(Shutdown::builder().grace(SHORT).install());
            register_hanging_task(&shutdown);
            ok(ctrlc::set_handler(|| ()));
            say("ready");
            park();
        },
    )
    .spawn()
    .expect("the victim starts");
    wait_for(&mut child, "ready");
    send(&child, libc::SIGINT);
    assert!(is_alive(&mut child, 3 * SHORT));
    send(&child, libc::SIGKILL);
    finish(child);
}

#[test]
fn protection_reports_a_panic_hook_set_after_install() {
    let command = victim(
        "replaced::protection_reports_a_panic_hook_set_after_install",
        || {
            let builder = Shutdown::builder().grace(LONG).panics(Panics::Shutdown);
            let shutdown = ok(builder.install());
            assert!(!shutdown.watchdog().protection().panic_hook_replaced());
            // The first call must not replace the hook itself.
            assert!(!shutdown.watchdog().protection().panic_hook_replaced());
            let next = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| next(info)));
            assert!(shutdown.watchdog().protection().panic_hook_replaced());
            std::process::exit(3);
        },
    );
    assert_status(&run(command), 3);
}

#[test]
fn process_ends_at_the_deadline_if_a_panic_hook_arms_and_hangs() {
    let command = victim(
        "replaced::process_ends_at_the_deadline_if_a_panic_hook_arms_and_hangs",
        || panic_under_hook_that_hangs(true),
    );
    assert_status(&run(command), 124);
}

/// The control: the hook does not arm the watchdog, and deadstop's hook never runs.
#[test]
fn process_does_not_end_if_a_panic_hook_hangs_without_arming() {
    let mut child = victim(
        "replaced::process_does_not_end_if_a_panic_hook_hangs_without_arming",
        || panic_under_hook_that_hangs(false),
    )
    .spawn()
    .expect("the victim starts");
    wait_for(&mut child, "hook");
    assert!(is_alive(&mut child, 3 * SHORT));
    send(&child, libc::SIGKILL);
    finish(child);
}

fn panic_under_hook_that_hangs(arms: bool) {
    let builder = Shutdown::builder().grace(SHORT).panics(Panics::Shutdown);
    let _shutdown = ok(builder.install());
    std::panic::set_hook(Box::new(move |info| {
        if arms {
            assert!(deadstop::arm_from_panic_hook(info).is_some());
        }
        say("hook");
        park();
    }));
    let worker = thread::spawn(|| panic!("of a worker"));
    let _ = worker.join();
    park();
}
