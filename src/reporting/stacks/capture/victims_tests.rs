//! Thousands of captures of threads that a careless capture would crash or hang, and
//! the share of them that yields a stack.
//!
//! A capture may fail: the thread is in a window in which its registers are another
//! frame's. It must not harm the thread, and it must not fail often.

#![expect(unsafe_code, reason = "victims use stacks and frames of their own")]
#![expect(clippy::print_stdout, reason = "the share is part of the result")]

#[path = "../../../../tests/fixtures/stack_victims.rs"]
mod stack_victims;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use self::stack_victims::{Repeat, cxx_thrower, in_coroutine, on_signal_stack, throws};
use super::tests::{capture, stacks};
use crate::reporting::stacks::LookUp;
use deadstop_core::stack::{Captured, Stack};

/// Captures of each victim, as many as there is time for.
const CAPTURES: u32 = 3_000;
const PATIENCE: Duration = Duration::from_secs(10);

/// A stack with as many frames says more than where the thread is.
const USEFUL: usize = 3;

/// Captures the stack of a thread that does `work`, and asserts that it goes on working
/// and that at least `share` per cent of the stacks are useful.
fn is_captured(
    name: &str,
    share: u32,
    stack_size: usize,
    work: impl FnOnce(Repeat<'_>) + Send + 'static,
) {
    let (_one, stacks) = stacks();
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicU64::new(0));
    let (told, counted) = (Arc::clone(&stop), Arc::clone(&done));
    let (sender, receiver) = std::sync::mpsc::channel();
    let builder = std::thread::Builder::new().stack_size(stack_size);
    let life = move || {
        sender.send(deadstop_core::tid()).unwrap();
        let repeat = |one: &mut dyn FnMut()| {
            while !told.load(Ordering::Relaxed) {
                one();
                counted.fetch_add(1, Ordering::Relaxed);
            }
        };
        work(&repeat);
    };
    let thread = builder.spawn(life).unwrap();
    let tid = receiver.recv().unwrap();
    let (mut answered, mut useful) = (0, 0);
    let before = done.load(Ordering::Relaxed);
    let until = Instant::now() + PATIENCE;
    while answered < CAPTURES && Instant::now() < until {
        let stack = capture(&stacks, tid);
        // On a busy machine the thread may not run in time to answer, or may still be in
        // the handler of the last time, with the signal blocked.
        if matches!(stack.captured, Captured::NoAnswer | Captured::Blocked) {
            std::thread::sleep(Duration::from_micros(100));
            continue;
        }
        answered += 1;
        let is_captured = stack.captured == Captured::Yes;
        useful += u32::from(is_captured && stack.frames().count() >= USEFUL);
    }
    let after = done.load(Ordering::Relaxed);
    stop.store(true, Ordering::Relaxed);
    thread.join().unwrap();
    assert!(
        before < after || done.load(Ordering::Relaxed) > after,
        "{name} stood still"
    );
    println!("{name}: {useful} useful stacks of {answered}");
    assert!(answered > 0, "{name}");
    assert!(
        useful * 100 >= answered * share,
        "{name}: {useful} of {answered}"
    );
}

const USUAL: usize = 1 << 20;

#[test]
fn thread_that_panics_and_catches_yields_stacks_thousands_of_times() {
    is_captured("Rust throws", 80, USUAL, |repeat| {
        repeat(&mut || {
            let caught = std::panic::catch_unwind(|| throws(5));
            assert!(caught.is_err());
        });
    });
}

#[test]
fn thread_that_throws_in_cxx_yields_stacks_thousands_of_times() {
    let Some(throw_and_catch) = cxx_thrower() else {
        println!("skipped: no g++");
        return;
    };
    is_captured("C++ throws", 80, USUAL, move |repeat| {
        repeat(&mut || {
            // SAFETY: the function takes nothing and catches what it throws.
            unsafe { throw_and_catch() };
        });
    });
}

#[test]
#[cfg(target_env = "gnu")]
fn thread_that_registers_frames_yields_stacks_thousands_of_times() {
    is_captured("JIT frames", 80, USUAL, |repeat| {
        stack_victims::register_frames(repeat);
    });
}

#[test]
fn thread_on_a_small_signal_stack_is_not_harmed_thousands_of_times() {
    // The handler refuses where there is too little room: no stack is fine.
    is_captured("small signal stack", 0, USUAL, on_signal_stack);
}

#[test]
fn thread_with_the_least_stack_yields_stacks_thousands_of_times() {
    is_captured("16 KiB thread", 80, 16 * 1024, |repeat| {
        repeat(&mut || {
            std::hint::black_box(stack_victims::deep(5));
        });
    });
}

#[test]
#[cfg(target_env = "gnu")]
fn thread_in_a_coroutine_yields_stacks_thousands_of_times() {
    is_captured("coroutine", 30, USUAL, in_coroutine);
}

/// Compiles a library, removes its split debug information, and returns the stack that a function
/// has which its function `calls_back` calls. `None` without a compiler.
fn stack_under_library(
    name: &str,
    options: &[&str],
    sources: &[(&str, &str)],
) -> Option<Box<Stack>> {
    let folder = std::env::temp_dir().join(format!("deadstop-{name}-{}", std::process::id()));
    for (path, source) in sources {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    let library = folder.join("library.so");
    let mut compiler = std::process::Command::new("rustc");
    compiler.args(["--edition=2024", "--crate-type=cdylib"]);
    compiler.args(options).current_dir(&folder);
    let compiler = compiler
        .arg("-o")
        .args([&library, &folder.join("lines.rs")]);
    if !compiler.status().is_ok_and(|status| status.success()) {
        println!("skipped: no rustc");
        return None;
    }
    for file in std::fs::read_dir(&folder).unwrap().flatten() {
        let is_split = file.path().extension().is_some_and(|it| it == "dwo");
        if is_split {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    let name = std::ffi::CString::new(library.as_os_str().as_encoded_bytes()).unwrap();
    // SAFETY: the path ends with zero; the library has no initializers of its own.
    let handle = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
    assert!(!handle.is_null());
    // SAFETY: the handle is of a library that stays, and the name ends with zero.
    let function = unsafe { libc::dlsym(handle, c"calls_back".as_ptr()) };
    type CallsBack = extern "C" fn(extern "C" fn(*mut u8), *mut u8);
    // SAFETY: the sources have a function of this type under the name.
    let calls_back: CallsBack = unsafe { std::mem::transmute(function) };

    extern "C" fn captures(stack: *mut u8) {
        // SAFETY: it is the box below, which nothing else uses meanwhile.
        let stack = unsafe { &mut *stack.cast::<Option<Box<Stack>>>() };
        let (_one, stacks) = stacks();
        let mut captured = capture(&stacks, deadstop_core::tid());
        let until = deadstop_core::now().saturating_add(PATIENCE);
        stacks.look_up(&mut captured, LookUp::Names, || until);
        stacks.look_up(&mut captured, LookUp::Lines, || until);
        *stack = Some(captured);
    }

    let mut stack: Option<Box<Stack>> = None;
    calls_back(captures, (&raw mut stack).cast());
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(stack.is_some(), "it was called");
    stack
}

/// Release builds are such files: the symbol table has the functions, the debug information only
/// the lines.
#[test]
fn frame_of_a_library_with_line_tables_only_has_its_function_and_its_line() {
    const SOURCE: &str = "#[unsafe(no_mangle)]\n\
        pub extern \"C\" fn calls_back(call: extern \"C\" fn(*mut u8), with: *mut u8) {\n\
            call(with);\n\
            std::hint::black_box(());\n\
        }\n";
    let Some(stack) = stack_under_library("lines", &[LINES_ONLY], &[("lines.rs", SOURCE)]) else {
        return;
    };
    let frame = stack
        .frames()
        .find(|frame| frame.function.as_str() == "calls_back");
    let frame = frame.expect("its function has a name");
    assert!(
        frame.site.as_str().ends_with("lines.rs:3"),
        "{}",
        frame.site.as_str()
    );
}

const LINES_ONLY: &str = "-Cdebuginfo=line-tables-only";

/// A function into which one of a dependency is inlined, as `block_on` of a runtime often is.
const INLINES: &str = "mod dependency;\n\
    #[unsafe(no_mangle)]\n\
    pub extern \"C\" fn calls_back(call: extern \"C\" fn(*mut u8), with: *mut u8) {\n\
        dependency::waits(call, with);\n\
        std::hint::black_box(());\n\
    }\n";
const DEPENDENCY: &str = "#[inline(always)]\n\
    pub(crate) fn waits(call: extern \"C\" fn(*mut u8), with: *mut u8) {\n\
        call(with);\n\
    }\n";

/// Does the same for a library into which a function of the crate `dependency` was inlined.
fn stack_under_inlined(dependency: &str, option: &[&str]) -> Option<Box<Stack>> {
    let path = format!("registry/src/index/{dependency}/src/lib.rs");
    let source = format!("#[path = \"{path}\"]\n{INLINES}");
    let sources = [("lines.rs", &*source), (&path, DEPENDENCY)];
    stack_under_library(dependency, option, &sources)
}

#[test]
fn function_into_which_a_dependency_was_inlined_has_a_frame_of_its_own() {
    // A runtime, and a crate whose functions reports name.
    for dependency in ["smol-2.0.0", "r2d2-0.8.10"] {
        let Some(stack) = stack_under_inlined(dependency, &[LINES_ONLY]) else {
            return;
        };
        let frames: Vec<_> = stack.frames().collect();
        let at = frames
            .iter()
            .position(|frame| frame.function.as_str() == "waits");
        let at = at.expect("the dependency has a frame");
        let site = frames[at].site.as_str();
        assert_eq!(site, format!("{dependency}/src/lib.rs:3"));
        let caller = frames[at + 1];
        assert_eq!(caller.function.as_str(), "calls_back");
        assert!(caller.site.as_str().ends_with("lines.rs:5"));
        assert_eq!(caller.address, frames[at].address);
        assert!(frames.len() > at + 2);
    }
}

/// The packages of some programs lack it. The line is of the function that was inlined, and the
/// name of the function around it.
#[test]
fn line_of_an_inlined_function_is_left_out_without_split_debug_information() {
    let options = ["-Cdebuginfo=2", "-Csplit-debuginfo=unpacked"];
    let Some(stack) = stack_under_inlined("http-1.0.0", &options) else {
        return;
    };
    let frame = stack
        .frames()
        .find(|frame| frame.function.as_str() == "calls_back");
    let frame = frame.expect("the symbol table has its name");
    assert_eq!(frame.site.as_str(), "");
}
