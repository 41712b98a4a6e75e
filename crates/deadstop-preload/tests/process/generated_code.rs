//! A thread that runs code which the program has generated: the report names its function
//! by a `perf` map, or says why it does not.

use std::fs;
use std::os::unix::fs::symlink;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use libc::{SIGTERM, SIGURG, c_int};

use crate::functions::{action, set};
use crate::start::{End, Running, Start, Test};
use crate::triggers::{pause, ready};

pub(crate) const TESTS: &[Test] = &[
    ("generated_code_is_named_by_its_perf_map", || {
        let map = |code: usize| {
            // The second line has taken the place of the first.
            format!("{code:x} 40 JS:~old /srv/a.js:1:1\n{code:x} 40 JS:*flush /srv/app.js:12:15\n")
        };
        let (end, _) = ends("generates_code", |path, code| {
            fs::write(path, map(code)).expect("a map");
        });
        end.says("has not ended: main runs");
        end.says("since the trigger, in JS:*flush (/srv/app.js:12:15)\n");
        end.says("#0 JS:*flush (/srv/app.js:12:15)\n");
        // The frames of the program, whose functions the library does not name.
        end.says("deadstop:   at process-");
        assert!(!end.stderr.contains("no names"), "{}", end.stderr);
    }),
    ("report_says_how_generated_code_gets_names", || {
        let (end, path) = ends("generates_code", |_, _| ());
        end.says("it runs generated code (JIT, in [anon]), whose functions have no names: ");
        end.says(&format!("there is no {path}; node --perf-basic-prof"));
        end.says("at [anon]+0x");
        let (end, path) = ends("generates_code", |path, _| {
            fs::write(path, "10 8 elsewhere\nno line\n").expect("a map");
        });
        end.says(&format!("{path} does not have them"));
    }),
    ("perf_map_that_is_a_link_or_a_fifo_is_refused", || {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().join("map");
        let (end, path) = ends("generates_code", |path, code| {
            fs::write(&real, format!("{code:x} 40 planted\n")).expect("a map");
            symlink(&real, path).expect("a link");
        });
        end.says(&format!("{path} cannot be read, error {}", libc::ELOOP));
        let (end, path) = ends("generates_code", |path, _| {
            let made = std::process::Command::new("mkfifo").arg(path).status();
            assert!(made.expect("mkfifo").success());
        });
        end.says(&format!("{path} is no regular file"));
    }),
    ("perf_map_of_another_user_is_refused", || {
        // SAFETY: no precondition.
        if unsafe { libc::geteuid() } != 0 {
            return;
        }
        // The victim is another user, whom root's file would not keep from reading.
        let (end, path) = ends("generates_code_as_another_user", |path, code| {
            fs::write(path, format!("{code:x} 40 planted\n")).expect("a map");
            std::os::unix::fs::chown(path, Some(1), None).expect("chown");
        });
        end.says(&format!("{path} is of another user"));
        assert!(!end.stderr.contains("planted"), "{}", end.stderr);
    }),
    ("names_of_a_perf_map_move_no_cursor", || {
        let (end, _) = ends("generates_code", |path, code| {
            fs::write(path, format!("{code:x} 40 \x1b[2Jflush\n")).expect("a map");
        });
        end.says(", in \\u{1b}[2Jflush\n");
        assert!(!end.stderr.contains('\x1b'), "{}", end.stderr);
    }),
    ("thread_that_may_be_in_a_handler_is_not_interrupted", || {
        let (end, _) = ends("generates_code_in_its_handler", |path, code| {
            fs::write(path, format!("{code:x} 40 flush\n")).expect("a map");
        });
        end.says("has not ended: main runs");
        assert!(!end.stderr.contains("flush"), "{}", end.stderr);
    }),
    ("handler_of_the_program_for_the_stack_signal_stays", || {
        let (end, _) = ends("generates_code_and_handles_urgent_data", |path, code| {
            fs::write(path, format!("{code:x} 40 flush\n")).expect("a map");
        });
        end.says("has not ended: main runs");
        assert!(!end.stderr.contains("flush"), "{}", end.stderr);
        assert!(!end.stderr.contains("called"), "{}", end.stderr);
    }),
    ("program_without_generated_code_is_not_interrupted", || {
        let mut victim = Start::new("loops_outside_its_handler").start();
        assert_eq!(victim.line(), "ready");
        let end = victim.ends_at_deadline();
        end.says("has not ended: main runs");
        assert!(!end.stderr.contains("generated code"), "{}", end.stderr);
    }),
];

pub(crate) const VICTIMS: &[Test] = &[
    ("generates_code", || runs_generated_code()),
    ("generates_code_as_another_user", || {
        // SAFETY: an integer; the process has one thread.
        assert_eq!(unsafe { libc::setresuid(65534, 65534, 65534) }, 0);
        // SAFETY: integers. After the change of user /proc would be root's.
        unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0) };
        runs_generated_code();
    }),
    ("generates_code_in_its_handler", || {
        CODE.store(generate(), Ordering::Relaxed);
        set(SIGTERM, Some(action(runs as *const () as usize, 0)));
        say_ready();
        pause()
    }),
    ("generates_code_and_handles_urgent_data", || {
        set(SIGURG, Some(action(says_called as *const () as usize, 0)));
        runs_generated_code();
    }),
    ("loops_outside_its_handler", || {
        set(SIGTERM, Some(action(notes as *const () as usize, 0)));
        ready();
        until_noted();
        loop {
            std::hint::spin_loop();
        }
    }),
];

static CODE: AtomicUsize = AtomicUsize::new(0);
static IS_NOTED: AtomicBool = AtomicBool::new(false);

/// A function that keeps a frame pointer, and loops.
#[cfg(target_arch = "x86_64")]
const LOOP: &[u8] = &[
    0x55, // push rbp
    0x48, 0x89, 0xe5, // mov rbp, rsp
    0xeb, 0xfe, // jmp to itself
];
#[cfg(target_arch = "aarch64")]
const LOOP: &[u8] = &[
    0xfd, 0x7b, 0xbf, 0xa9, // stp x29, x30, [sp, -16]!
    0xfd, 0x03, 0x00, 0x91, // mov x29, sp
    0x00, 0x00, 0x00, 0x14, // b to itself
];

/// Starts a victim, lets `prepare` make its map, and expects the end at the deadline.
/// Returns the end and the path of the map.
fn ends(victim: &str, prepare: impl FnOnce(&str, usize)) -> (End, String) {
    let mut victim: Running = Start::new(victim).start();
    let path = format!("/tmp/perf-{}.map", victim.pid());
    let _ = fs::remove_file(&path);
    let code = victim.line();
    let code = code.strip_prefix("code ").expect("an address");
    prepare(&path, usize::from_str_radix(code, 16).expect("an address"));
    assert_eq!(victim.line(), "ready");
    let end = victim.ends_at_deadline();
    let _ = fs::remove_file(&path);
    (end, path)
}

fn runs_generated_code() {
    CODE.store(generate(), Ordering::Relaxed);
    set(SIGTERM, Some(action(notes as *const () as usize, 0)));
    say_ready();
    until_noted();
    runs(0);
}

fn say_ready() {
    println!("code {:x}", CODE.load(Ordering::Relaxed));
    ready();
}

/// Makes the function, and returns its address.
fn generate() -> usize {
    let protection = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping anywhere.
    let page = unsafe { libc::mmap(ptr::null_mut(), 4096, protection, flags, -1, 0) };
    assert_ne!(page, libc::MAP_FAILED);
    // SAFETY: the mapping above has room.
    unsafe { ptr::copy_nonoverlapping(LOOP.as_ptr(), page.cast(), LOOP.len()) };
    page.expose_provenance()
}

extern "C" fn runs(_: c_int) {
    let code = ptr::with_exposed_provenance::<()>(CODE.load(Ordering::Relaxed));
    // SAFETY: the code that `generate` has made.
    let code = unsafe { std::mem::transmute::<*const (), extern "C" fn()>(code) };
    code();
}

extern "C" fn notes(_: c_int) {
    IS_NOTED.store(true, Ordering::Relaxed);
}

extern "C" fn says_called(_: c_int) {
    // SAFETY: the pointer is valid for reads of the length given.
    unsafe { libc::write(2, b"called\n".as_ptr().cast(), 7) };
}

fn until_noted() {
    while !IS_NOTED.load(Ordering::Relaxed) {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}
