//! What has to be built for a test besides what cargo builds for it.

use std::path::PathBuf;
use std::process::Command;

/// Builds, in a target folder of its own called `name`, with the tests'
/// dependencies, and returns the folder of what was built.
pub(crate) fn build(name: &str, configure: impl FnOnce(&mut Command)) -> PathBuf {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let mut build = Command::new(env!("CARGO"));
    build
        .args(["build", "--offline", "--quiet"])
        .args(["--config", "profile.dev.debug=0"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    configure(&mut build);
    let built = build.status().expect("cargo runs");
    assert!(built.success(), "{built}");
    target
}
