//! Programs in C and C++ that unwind through the library's frames, as they do without it:
//! `pthread_exit`, a canceled thread, an exception without a handler.
//!
//! The library that is shipped has no `std`, so it is built and tried besides the one of
//! this test's own build.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::start::{Test, library};

pub(crate) const TESTS: &[Test] = &[
    ("pthread_exit_in_main_passes_through", || {
        passes("main_exits", "worker done\n");
    }),
    ("main_that_is_canceled_passes_through", || {
        passes("main_is_canceled", "worker done\n");
    }),
    ("pthread_exit_in_a_handler_passes_through", || {
        passes("handler_exits", "cleaned up\n");
    }),
    ("read_that_is_canceled_passes_through", || {
        passes("read_is_canceled", "worker done\n");
    }),
    ("uncaught_exception_aborts_as_without_the_library", || {
        let folder = tempfile::tempdir().expect("a folder");
        let Some(program) = compile(folder.path(), "c++", "uncaught.cc") else {
            assert!(std::env::var_os("DEADSTOP_NO_SKIPS").is_none(), "needs c++");
            return;
        };
        for_each_environment(|command_of| {
            let output = run(command_of(&program).current_dir(folder.path()));
            assert_eq!(output.status.signal(), Some(libc::SIGABRT), "{output:?}");
            assert_eq!(output.stdout, b"caught\n", "{output:?}");
        });
    }),
];

/// Expects status 0 and `text` on standard output, without the library and with it.
fn passes(argument: &str, text: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = compile(folder.path(), "cc", "unwinds.c").expect("a C compiler");
    for_each_environment(|command_of| {
        let output = run(command_of(&program).arg(argument));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(output.stdout, text.as_bytes(), "{output:?}");
    });
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("ld.so"),
        "not preloaded: {command:?} {output:?}"
    );
    output
}

/// Calls `check` with the control without the library, and then with each library and each
/// set of variables that changes which of its frames are on the stack.
fn for_each_environment(check: impl Fn(&dyn Fn(&Path) -> Command)) {
    check(&bounded);
    for library in libraries() {
        for variables in [
            &[][..],
            &[("DEADSTOP_GRACE", "60s")],
            &[("DEADSTOP_GRACE", "60s"), ("DEADSTOP_ON", "term,exit")],
        ] {
            check(&|program| {
                let mut command = bounded(program);
                command.env("LD_PRELOAD", &library);
                command.envs(variables.iter().copied());
                command
            });
        }
    }
}

fn bounded(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in ["LD_PRELOAD", "DEADSTOP_GRACE", "DEADSTOP_ON"] {
        command.env_remove(name);
    }
    // SAFETY: async-signal-safe; the program is ended if it hangs, and leaves no core.
    unsafe {
        std::os::unix::process::CommandExt::pre_exec(&mut command, || {
            libc::alarm(60);
            let none = libc::rlimit {
                rlim_cur: 0,
                rlim_max: 0,
            };
            libc::setrlimit(libc::RLIMIT_CORE, &raw const none);
            Ok(())
        });
    }
    command
}

/// The library of this build, and the one that is shipped.
fn libraries() -> Vec<PathBuf> {
    match cfg!(target_env = "gnu") {
        true => vec![library(), shipped()],
        false => vec![library()],
    }
}

/// Builds the library as the guide says.
fn shipped() -> PathBuf {
    let target = library().with_file_name("../..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["rustc", "--quiet", "--offline", "--profile", "preload"])
        .args(["-p", "deadstop-preload", "--lib", "--crate-type", "cdylib"])
        .arg("--target-dir")
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    // Instrumentation and other targets are for the program under test alone.
    for name in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "RUSTC_WRAPPER",
        "RUSTC_WORKSPACE_WRAPPER",
        "CARGO_TARGET_DIR",
    ] {
        command.env_remove(name);
    }
    let built = command.output().expect("cargo");
    assert!(built.status.success(), "{built:?}");
    target.join("preload/libdeadstop_preload.so")
}

/// Compiles a program; `None` if there is no such compiler.
fn compile(folder: &Path, compiler: &str, source: &str) -> Option<PathBuf> {
    let program = folder.join("program");
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/process/programs")
        .join(source);
    let output = Command::new(compiler)
        .arg("-o")
        .arg(&program)
        .arg(source)
        .arg("-pthread")
        .output()
        .ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(program)
}
