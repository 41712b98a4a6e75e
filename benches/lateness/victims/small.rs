//! Builds the small program.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// Builds the program as cargo builds a release, stripped. `None` if that fails; cargo then prints
/// its own error.
pub(super) fn build() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("lateness-small");
    let root = env!("CARGO_MANIFEST_DIR");
    let manifest = format!(
        "[package]\nname = \"small\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [[bin]]\nname = \"small\"\npath = \"main.rs\"\n\n\
         [dependencies]\n\
         deadstop = {{ path = \"{root}\", default-features = false }}\nlibc = \"0.2\"\n\n\
         [profile.release]\nstrip = true\n\n[workspace]\n"
    );
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::write(folder.join("main.rs"), include_str!("small_program.rs")).unwrap();
    fs::copy(
        Path::new(root).join("Cargo.lock"),
        folder.join("Cargo.lock"),
    )
    .unwrap();
    let done = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .current_dir(&folder)
        .args(["build", "--quiet", "--release", "--target-dir", "target"])
        .status();
    let program = folder.join("target/release/small");
    done.is_ok_and(|status| status.success()).then_some(program)
}
