//! Builds the victim with the profile of this program.

use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The victim's program, and the plugin that some faults load.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) victim: PathBuf,
    pub(crate) plugin: PathBuf,
}

/// Builds both into the folder of this program. Cargo passes the paths of a package's programs
/// to tests, and not to examples.
pub(crate) fn victim() -> Built {
    let own = env::current_exe().expect("a program knows its path");
    let profile = own.ancestors().nth(2).expect("PROFILE/examples/campaign");
    let target = profile.parent().expect("a target folder");
    let name = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        Some(name) => name,
        None => panic!("{} is no profile", profile.display()),
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--bin", "victim", "--example", "plugin"])
        .args(["--profile", name, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status();
    let built = built.expect("cargo runs");
    assert!(built.success(), "the victim is not built: {built}");
    Built {
        victim: profile.join("victim"),
        plugin: profile.join("examples").join("libplugin.so"),
    }
}
