//! The C program: how it is compiled, and how it gets its condition.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::conditions::Condition;

/// Compiles the program. None, where there is no compiler or it fails, which it
/// then says itself.
pub(crate) fn compile() -> Option<PathBuf> {
    let source = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/benches/lateness/victims/bare.c"
    );
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bare");
    let done = Command::new("cc")
        .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-pthread", "-o"])
        .arg(&program)
        .arg(source)
        // For systems where the C library keeps timers apart.
        .arg("-lrt")
        .status();
    done.is_ok_and(|status| status.success()).then_some(program)
}

/// How many threads of each kind.
pub(crate) fn arguments(condition: &Condition) -> [String; 3] {
    let parked = match condition.blocks_workers {
        // As many as a runtime has workers.
        true => thread::available_parallelism().unwrap().get(),
        false => 0,
    };
    [condition.spinners, condition.allocators, parked].map(|count| count.to_string())
}
