//! Tests that need no victim: types, and texts of errors.

use std::error::Error;
use std::fmt::Debug;
use std::io;

use deadstop::protection::{BackupTimer, Protection};
use deadstop::{InstallError, Watchdog, WatchdogBuilder};

#[test]
fn handles_go_to_any_thread() {
    fn is_a_handle<T: Clone + Debug + Send + Sync + 'static>() {}
    is_a_handle::<Watchdog>();
    is_a_handle::<WatchdogBuilder>();
    is_a_handle::<Protection>();
    is_a_handle::<BackupTimer>();
}

#[test]
fn errors_go_into_any_box() {
    fn boxed(error: InstallError) -> Box<dyn Error + Send + Sync> {
        error.into()
    }
    let boxed = boxed(InstallError::AlreadyInstalled);
    assert!(boxed.downcast_ref::<InstallError>().is_some());
}

#[test]
fn error_leaves_the_systems_reason_to_its_source() {
    let reason = || io::Error::from_raw_os_error(libc::EAGAIN);
    let errors = [
        InstallError::Fork(reason()),
        InstallError::BackupTimer(reason()),
        InstallError::Thread {
            name: "deadstop-watch",
            source: reason(),
        },
    ];
    for error in errors {
        let source = error.source().expect("the system said why").to_string();
        assert!(!error.to_string().contains(&source), "{error}");
    }
}

#[test]
fn error_of_the_callers_has_no_source() {
    assert!(InstallError::AlreadyInstalled.source().is_none());
    assert!(InstallError::ExitStatus.source().is_none());
}

#[test]
fn error_names_the_thread_that_could_not_be_started() {
    let error = InstallError::Thread {
        name: "deadstop-signal",
        source: io::Error::from_raw_os_error(libc::EAGAIN),
    };
    assert!(error.to_string().contains("deadstop-signal"), "{error}");
}
