//! Compiles the C program, and passes it its condition.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use crate::conditions::Condition;

/// Compiles the program. `None` without a compiler, or if it fails; it then prints its own error.
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
        // Some C libraries have timers in a library of their own.
        .arg("-lrt")
        .status();
    done.is_ok_and(|status| status.success()).then_some(program)
}

/// The number of threads of each kind.
pub(crate) fn arguments(condition: &Condition) -> [String; 3] {
    let parked = match condition.blocks_workers {
        // As many as a runtime has workers.
        true => thread::available_parallelism().unwrap().get(),
        false => 0,
    };
    [condition.spinners, condition.allocators, parked].map(|count| count.to_string())
}
