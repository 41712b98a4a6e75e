//! What has to be built for a test besides what cargo builds for it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A target folder that only tests use.
pub(crate) fn target(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// Builds what `configure` adds, with no more than this was built with, into
/// the folder `target`.
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
