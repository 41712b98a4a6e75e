//! Names the target's backend in one cfg, `deadstop_backend`, and says in
//! another, `deadstop_stacks`, whether stacks can be asked for.
//!
//! The source then says one word where it would say a list of systems. Both
//! are private: nothing outside this package may rely on them.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(deadstop_backend, values(\"linux\"))");
    let system = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    // Any other target gets a `compile_error!` in `lib.rs`, which says more
    // than a failing build script can.
    if system == "linux" {
        println!("cargo::rustc-cfg=deadstop_backend=\"linux\"");
    }

    // Set by `.ci/fuzz`. Not `fuzzing`, which whoever fuzzes a program that uses
    // this library sets for all that is in it.
    println!("cargo::rustc-check-cfg=cfg(deadstop_fuzzing)");

    println!("cargo::rustc-check-cfg=cfg(deadstop_stacks)");
    let is_asked = env::var_os("CARGO_FEATURE_STACKS").is_some();
    let library = env::var("CARGO_CFG_TARGET_ENV").unwrap_or_default();
    let processor = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    // 32-bit Arm unwinds by tables of its own, with other functions.
    if is_asked && system == "linux" && library == "gnu" && processor != "arm" {
        println!("cargo::rustc-cfg=deadstop_stacks");
    }
}
