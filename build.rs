//! Says in one cfg, `deadstop_stacks`, whether stacks can be asked for.
//!
//! The source then says one word where it would say a list of systems. It is
//! private: nothing outside this package may rely on it.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    // Set by `.ci/fuzz`. Not `fuzzing`: a user who fuzzes a program sets that for all of
    // its dependencies.
    println!("cargo::rustc-check-cfg=cfg(deadstop_fuzzing)");

    println!("cargo::rustc-check-cfg=cfg(deadstop_stacks)");
    let is_asked = env::var_os("CARGO_FEATURE_STACKS").is_some();
    let processor = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let width = env::var("CARGO_CFG_TARGET_POINTER_WIDTH").unwrap_or_default();
    // The unwinder knows these two.
    let is_known = matches!(processor.as_str(), "x86_64" | "aarch64") && width == "64";
    if is_asked && system == "linux" && is_known {
        println!("cargo::rustc-cfg=deadstop_stacks");
    }
}
