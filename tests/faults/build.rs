//! Builds that tests need in addition to what cargo builds.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Returns a target folder that only tests use.
pub(crate) fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Runs `cargo build` with the arguments that `configure` adds, offline, into the
/// folder `target`.
pub(crate) fn build(target: &Path, configure: impl FnOnce(&mut Command)) {
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--offline", "--quiet", "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    configure(&mut build);
    let built = build.status().expect("cargo runs");
    assert!(built.success(), "{built}");
}
