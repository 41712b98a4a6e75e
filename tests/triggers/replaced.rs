//! A library that sets its own handler or hook after `install`.

use super::*;

#[test]
fn ctrlc_set_after_install_is_noticed_by_protection() {
    let command = victim(
        "replaced::ctrlc_set_after_install_is_noticed_by_protection",
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
    let output = signaled(victim, "ready", libc::SIGINT);
    assert_status(&output, 4);
    assert!(stdout(&output).contains("callback"), "{output:?}");
}

#[test]
fn signal_taken_by_a_library_can_be_handed_over() {
    let victim = victim(
        "replaced::signal_taken_by_a_library_can_be_handed_over",
        || {
            let shutdown = ok(Shutdown::builder().grace(SHORT).install());
            hung(&shutdown);
            let handed = shutdown.clone();
            ok(ctrlc::set_handler(move || {
                assert!(!handed.notify_signal(Signal::USR1, None));
                assert!(handed.notify_signal(Signal::INT, Some(Sender::new(7, 8))));
                let cause = handed.cause().expect("it has begun").to_string();
                say(&cause);
            }));
            say("ready");
            park();
        },
    );
    let output = signaled(victim, "ready", libc::SIGINT);
    assert_status(&output, 124);
    assert!(
        stdout(&output).contains("SIGINT from pid 7, uid 8"),
        "{output:?}"
    );
}

/// The control: without the call, nothing begins.
#[test]
fn signal_taken_by_a_library_begins_nothing_by_itself() {
    let mut child = victim(
        "replaced::signal_taken_by_a_library_begins_nothing_by_itself",
        || {
            let shutdown = ok(Shutdown::builder().grace(SHORT).install());
            hung(&shutdown);
            ok(ctrlc::set_handler(|| ()));
            say("ready");
            park();
        },
    )
    .spawn()
    .expect("it starts");
    wait_for(&mut child, "ready");
    send(&child, libc::SIGINT);
    assert!(is_alive(&mut child, 3 * SHORT));
    send(&child, libc::SIGKILL);
    finish(child);
}

#[test]
fn panic_hook_set_after_install_is_noticed_by_protection() {
    let command = victim(
        "replaced::panic_hook_set_after_install_is_noticed_by_protection",
        || {
            let builder = Shutdown::builder().grace(LONG).panics(Panics::Shutdown);
            let shutdown = ok(builder.install());
            assert!(!shutdown.watchdog().protection().panic_hook_replaced());
            // Looking at it leaves it in place.
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
fn panic_hook_that_hangs_after_arming_is_ended_at_the_deadline() {
    let command = victim(
        "replaced::panic_hook_that_hangs_after_arming_is_ended_at_the_deadline",
        || panic_under_hook_that_hangs(true),
    );
    assert_status(&run(command), 124);
}

/// The control: deadstop's hook is never reached.
#[test]
fn panic_hook_that_hangs_without_arming_keeps_the_process() {
    let mut child = victim(
        "replaced::panic_hook_that_hangs_without_arming_keeps_the_process",
        || panic_under_hook_that_hangs(false),
    )
    .spawn()
    .expect("it starts");
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
