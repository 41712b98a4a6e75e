//! Panics as triggers.

use super::*;

#[test]
fn panic_refused_by_the_predicate_begins_no_shutdown() {
    let command = victim(
        "panics::panic_refused_by_the_predicate_begins_no_shutdown",
        || {
            let by_name: Panics = Panics::When(|_| thread::current().name() == Some("consumer"));
            let shutdown = ok(Shutdown::builder().grace(LONG).panics(by_name).install());
            let start = |name: &str| {
                let builder = thread::Builder::new().name(name.to_owned());
                ok(builder.spawn(|| panic!("as asked"))).join()
            };
            assert!(start("request").is_err());
            assert!(!shutdown.is_requested());
            assert!(start("consumer").is_err());
            assert!(shutdown.is_requested());
            std::process::exit(3);
        },
    );
    // The status 101 of a panic replaces only the status 0.
    assert_status(&run(command), 3);
}

#[test]
fn panic_of_the_logger_begins_no_shutdown() {
    struct Panicking;
    impl log::Log for Panicking {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }
        fn log(&self, record: &log::Record<'_>) {
            let is_ours = thread::current().name() == Some("deadstop-log");
            assert!(!is_ours, "panic of the logger: {}", record.args());
        }
        fn flush(&self) {}
    }
    let command = victim("panics::panic_of_the_logger_begins_no_shutdown", || {
        ok(log::set_logger(&Panicking));
        log::set_max_level(log::LevelFilter::Trace);
        let builder = Shutdown::builder().grace(LONG).panics(Panics::Shutdown);
        let shutdown = ok(builder.install());
        assert!(shutdown.status_report());
        thread::sleep(Duration::from_millis(1500));
        assert!(!shutdown.is_requested());
        std::process::exit(3);
    });
    let output = run(command);
    assert_status(&output, 3);
    assert!(
        stderr(&output).contains("panic of the logger"),
        "the logger did not panic: {output:?}"
    );
}
