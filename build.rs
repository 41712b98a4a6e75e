//! Names the target's backend in one cfg, `deadstop_backend`.
//!
//! The source then says one word where it would say a list of systems. The
//! cfg is private: nothing outside this package may rely on it.

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
}
