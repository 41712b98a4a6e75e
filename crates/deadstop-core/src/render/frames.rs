//! The owner of a frame's code, and the text of its function and location.

use crate::buffer::TextSlice;
use crate::search::{contains, split_once};
use crate::stack::{Frame, Source, Stack};

/// The owner of the code that a frame runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Owner {
    Application,
    Deadstop,
    /// Executors, thread pools, channels and locks that an application builds on.
    Runtime,
    /// The C library and the loader.
    System,
    /// Rust's standard library, and the shims that the compiler makes.
    Std,
    /// The function's name is not known.
    Unknown,
}

impl Owner {
    /// Returns the owner's name, for a line that folds frames.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Application => "the application",
            Self::Deadstop => "deadstop",
            Self::Runtime => "the runtime",
            Self::System => "the C library",
            Self::Std => "std",
            Self::Unknown => "unknown functions",
        }
    }
}

/// Crates whose frames seldom say what an application does: one text, since the loader adds
/// the program's address to each reference in a table, by 24 bytes in the file.
const RUNTIMES: &str = "\
    actix_http actix_rt actix_server actix_service actix_web async_executor \
    async_global_executor async_io async_std async_task axum blocking crossbeam \
    crossbeam_channel crossbeam_deque crossbeam_epoch crossbeam_utils flume futures \
    futures_channel futures_core futures_executor futures_lite futures_task futures_util h2 \
    hyper hyper_util lock_api mio monoio nix parking parking_lot parking_lot_core \
    pin_project_lite poem polling pollster rayon rayon_core rustix scheduled_thread_pool \
    smol threadpool tokio tokio_stream tokio_uring tokio_util tonic tower tower_http \
    tower_service tracing tracing_appender warp";

/// The function of std that calls a thread's first function, and `main`.
const FIRST: &str = "__rust_begin_short_backtrace";

/// Files of the C library, the loader and the compiler's support libraries.
const SYSTEM_MODULES: &str = "\
    libc.so libc- libpthread libgcc_s libstdc++ libm.so libdl librt ld-linux ld-musl \
    libc.musl linux-vdso [vdso]";

/// Returns whose code `frame` runs.
#[inline(never)]
pub fn owner(frame: &Frame) -> Owner {
    let module = frame.module.as_str();
    if SYSTEM_MODULES
        .split(' ')
        .any(|known| module.starts_with(known))
    {
        return Owner::System;
    }
    match frame.function.as_str() {
        "" => Owner::Unknown,
        // With line tables only, an inlined function's name has no path.
        function if has_path(function) => owner_of_function(function),
        function => match frame.source {
            Source::Std => Owner::Std,
            Source::Dependency => {
                owner_of_crate(frame.site.as_str()).unwrap_or_else(|| owner_of_function(function))
            }
            Source::Application => Owner::Application,
            Source::Unknown => owner_of_function(function),
        },
    }
}

/// Returns the owner of a dependency's source file, `tokio-1.45.0/src/time.rs`, if it is known
/// by the crate.
fn owner_of_crate(site: &str) -> Option<Owner> {
    if is_of_crate(site, "deadstop") || is_of_crate(site, "deadstop_core") {
        return Some(Owner::Deadstop);
    }
    let is_runtime = RUNTIMES.split(' ').any(|name| is_of_crate(site, name));
    is_runtime.then_some(Owner::Runtime)
}

/// Returns `true` if a path begins with the folder of the crate `name`, with or without its
/// version.
fn is_of_crate(site: &str, name: &str) -> bool {
    let mut site = site.bytes();
    let is_same = |byte: u8| match site.next() {
        Some(b'-') => byte == b'_' || byte == b'-',
        other => other == Some(byte),
    };
    name.bytes().all(is_same)
        && match site.next() {
            Some(b'-') => site.next().is_some_and(|byte| byte.is_ascii_digit()),
            other => other == Some(b'/'),
        }
}

fn owner_of_function(function: &str) -> Owner {
    let root = root(function);
    match root {
        "std" | "core" | "alloc" => Owner::Std,
        "deadstop" | "deadstop_core" => Owner::Deadstop,
        _ if RUNTIMES.split(' ').any(|known| known == root) => Owner::Runtime,
        _ if function.starts_with("__rust") || function.starts_with("_R") => Owner::Std,
        _ if matches!(function, "main" | "_start" | "rust_begin_unwind") => Owner::Std,
        _ if is_of_c_library(function) => Owner::System,
        _ => Owner::Application,
    }
}

/// Functions of the C library in which threads wait, begin and end, and those of its allocator:
/// a static program contains them.
const C_FUNCTIONS: &str = "\
    abort accept accept4 calloc clock_nanosleep clone close connect epoll_pwait epoll_wait exit \
    fcntl fcntl64 fdatasync flock free fsync getaddrinfo ioctl madvise malloc mmap munmap \
    nanosleep open open64 openat openat64 pause poll ppoll pread64 pselect pwrite64 raise read \
    readv realloc recv recvfrom recvmsg select send sendmsg sendto sigsuspend sigtimedwait \
    sigwait sigwaitinfo sleep start start_thread syscall usleep wait4 waitid waitpid write writev";

/// Returns `true` for a function of a C library that is part of the program. Names with two
/// underscores are reserved for it, and for the compiler.
fn is_of_c_library(function: &str) -> bool {
    ["__", "_IO_", "_dl_", "_int_", "pthread_", "sem_"]
        .iter()
        .any(|prefix| function.starts_with(prefix))
        || C_FUNCTIONS.split(' ').any(|known| known == function)
}

/// Returns `true` if a name has a path before its parameters.
fn has_path(function: &str) -> bool {
    let name = function.split('<').next().unwrap_or_default();
    name.is_empty() || contains(name, "::")
}

/// The crate in whose code the function is: of `<a::B as c::D>::e`, the type's,
/// or the trait's if the type is a parameter.
fn root(function: &str) -> &str {
    let path = function.trim_start_matches(['<', '&', '*', '(', '[', '_']);
    let path = ["dyn ", "mut ", "const "]
        .iter()
        .fold(path, |path, word| path.strip_prefix(word).unwrap_or(path));
    let head = head(path);
    let is_parameter = head.len() <= 2 && head.bytes().all(|byte| byte.is_ascii_uppercase());
    match split_once(path, " as ") {
        Some((_, of)) if is_parameter => self::head(of),
        _ => head,
    }
}

fn head(path: &str) -> &str {
    let end = path.find([':', '<', '>', ' ', '(', ',', ';', '[']);
    path.get(..end.unwrap_or(path.len())).unwrap_or(path)
}

/// Returns the innermost frame of the application's code.
pub fn innermost(stack: &Stack) -> Option<&Frame> {
    stack
        .frames()
        .find(|frame| owner(frame) == Owner::Application)
}

/// Returns the innermost frame of the application's own code that called `innermost`, if
/// that is a dependency's or may be: a crate, or a library in C.
pub fn caller<'a>(stack: &'a Stack, innermost: &Frame) -> Option<&'a Frame> {
    if is_certainly_own(innermost) {
        return None;
    }
    let outer = stack
        .frames()
        .skip_while(|frame| !core::ptr::eq(*frame, innermost));
    let mut outer = outer.skip(1);
    outer.find(|frame| owner(frame) == Owner::Application && is_certainly_own(frame))
}

/// Returns `true` if a frame is of the program's own code, by its source, or by the name of
/// its crate if the source is not known.
fn is_certainly_own(frame: &Frame) -> bool {
    match frame.source {
        Source::Application => true,
        Source::Dependency | Source::Std => false,
        // In a folder that is not known: another crate of the same author.
        Source::Unknown if contains(frame.site.as_str(), ".rs:") => true,
        Source::Unknown => {
            let (module, root) = (frame.module.as_str(), root(frame.function.as_str()));
            let replaced = |byte: u8| if byte == b'-' { b'_' } else { byte };
            !module.is_empty() && module.bytes().map(replaced).eq(root.bytes())
        }
    }
}

/// Returns `true` for an idle thread of Node.js: of libuv's pool, of V8's, or the inspector's.
/// They are C and C++, and so the application's by their names.
pub(crate) fn waits_for_work(stack: &Stack) -> bool {
    let mut frames = stack.frames().filter(|it| owner(it) == Owner::Application);
    let is_wait = |name: &str| matches!(name, "uv_cond_wait" | "uv_sem_wait");
    frames
        .next()
        .is_some_and(|frame| is_wait(frame.function.as_str()))
        && frames.next().is_some_and(is_of_idle_worker)
        && frames.all(is_of_idle_worker)
}

/// Returns `true` for a function in which such a thread is while it waits.
fn is_of_idle_worker(frame: &Frame) -> bool {
    let function = frame.function.as_str();
    let is_of_node = |word: &str| function.starts_with("node::") && contains(function, word);
    // libuv's is a static function in `threadpool.c`.
    function == "worker"
        || ["PlatformWorkerThread", "BlockingPop", "StartIoThreadMain"]
            .into_iter()
            .any(is_of_node)
}

/// Returns `true` for a thread that is in a runtime's `block_on` between two polls, and in no
/// worker of a runtime: that would be kept from its other futures.
pub(crate) fn awaits(stack: &Stack) -> bool {
    let mut outer = stack.frames();
    let mut blocks_on = false;
    for frame in outer.by_ref() {
        match owner(frame) {
            Owner::Application => break,
            Owner::Runtime => blocks_on |= contains(frame.function.as_str(), "block_on"),
            _ => {}
        }
    }
    // All frames outside of a thread's first function are std's.
    let mut is_whole = stack.left_out == 0;
    let in_a_worker = outer.any(|frame| {
        is_whole |= contains(frame.function.as_str(), FIRST);
        owner(frame) == Owner::Runtime
    });
    blocks_on && is_whole && !in_a_worker
}

/// Returns who waits in this stack: the owner of the innermost frame that is
/// neither the C library's nor std's.
pub fn waiter(stack: &Stack) -> Option<Owner> {
    stack
        .frames()
        .map(owner)
        .find(|owner| !matches!(owner, Owner::System | Owner::Std))
}

/// Adds `FUNCTION (SITE)`, or what is known of it.
pub(crate) fn frame(line: &mut TextSlice, frame: &Frame) {
    match (frame.function.as_str(), frame.site.as_str()) {
        ("", _) => location(line, frame),
        (function, "") => {
            self::function(line, function);
            location(line.text(" ("), frame).text(")")
        }
        (function, site) => {
            self::function(line, function);
            line.text(" (").escaped(site).text(")")
        }
    };
}

/// Adds `MODULE+0xOFFSET`.
pub(crate) fn location<'a>(line: &'a mut TextSlice, frame: &Frame) -> &'a mut TextSlice {
    match frame.module.as_str() {
        "" => line.text("0x").hex(frame.address as u64),
        module => line.word(module).text("+0x").hex(frame.offset),
    }
}

/// Adds a function's name: `{closure}` for `{{closure}}`, and without the hash
/// that the compiler adds.
fn function(line: &mut TextSlice, name: &str) {
    let mut rest = without_hash(name);
    while let Some((before, after)) = split_once(rest, "{{") {
        let (inside, behind) = split_once(after, "}}").unwrap_or((after, ""));
        line.escaped(before);
        if inside != "vtable.shim" {
            line.text("{").escaped(inside).text("}");
        }
        rest = behind;
    }
    // The v0 mangling writes a closure as `{closure#0}`.
    while let Some((before, after)) = split_once(rest, "{closure#") {
        line.escaped(before).text("{closure");
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    line.escaped(rest);
}

fn without_hash(name: &str) -> &str {
    const DIGITS: usize = 16;
    match name.split_at_checked(name.len().saturating_sub(DIGITS)) {
        Some((before, hash)) if hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            before.strip_suffix("::h").unwrap_or(name)
        }
        _ => name,
    }
}
