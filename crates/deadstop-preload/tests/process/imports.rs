//! What the library asks of the C library.

use std::fs;
use std::process::Command;

use crate::start::{Test, library};

pub(crate) const TESTS: &[Test] = &[(
    "library_asks_for_no_function_that_allocates_or_locks",
    imports,
)];

/// The release build has no `std`; this reads the one that `.ci/preload` makes, if it is
/// there.
fn imports() {
    let release = library().with_file_name("../../preload/libdeadstop_preload.so");
    let Ok(release) = fs::canonicalize(release) else {
        return;
    };
    let listed = Command::new("nm")
        .args(["-D", "--undefined-only"])
        .arg(release)
        .output()
        .expect("nm");
    let listed = String::from_utf8(listed.stdout).expect("text");
    let names = listed
        .lines()
        .filter_map(|line| line.split_whitespace().last());
    for name in names {
        let name = name.split('@').next().unwrap_or(name);
        for forbidden in [
            "malloc",
            "calloc",
            "realloc",
            "free",
            "pthread_mutex",
            "pthread_create",
            "printf",
            "_Unwind",
        ] {
            assert!(!name.starts_with(forbidden), "{name}");
        }
    }
}
