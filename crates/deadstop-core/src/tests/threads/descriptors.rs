//! The two descriptors that a table keeps, and what can happen to them.

use std::env;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::chroot;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{collect, said};
use crate::sys::ThreadSource;
use crate::tests::isolated::{is_root, isolated, with_few_descriptors};

/// A thread that sleeps; its id.
fn sleeper() -> i32 {
    let (to, tid) = mpsc::channel();
    thread::spawn(move || {
        to.send(crate::tid()).expect("it is waited for");
        thread::sleep(Duration::from_secs(60));
    });
    tid.recv().expect("it begins")
}

/// Returns the number of open descriptors, including the one that counts them.
fn descriptors() -> usize {
    let entries = fs::read_dir("/proc/self/fd").expect("it is there");
    entries.count()
}

#[test]
fn thread_dump_leaves_no_descriptor_open() {
    isolated(
        "threads::descriptors::thread_dump_leaves_no_descriptor_open",
        || {
            let task = sleeper();
            let proc = ThreadSource::open();
            let before = descriptors();
            collect(&proc, &[task]);
            assert_eq!(descriptors(), before);
            proc.close_as_a_daemon_does();
            assert_eq!(descriptors(), before - 2);
            // The directory is opened anew for each, and the spare for the next.
            collect(&proc, &[task]);
            assert_eq!(descriptors(), before - 1);
            collect(&proc, &[task]);
            assert_eq!(descriptors(), before - 1);
        },
    );
}

#[test]
fn kept_descriptors_are_close_on_exec() {
    let proc = ThreadSource::open();
    for number in proc.numbers() {
        let number = number.expect("it is there");
        let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}"));
        let info = info.expect("it is open");
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = i32::from_str_radix(flags.expect("it has some").trim(), 8);
        assert_ne!(flags.expect("a number") & libc::O_CLOEXEC, 0, "{info}");
    }
    proc.close_as_a_daemon_does();
}

#[test]
fn process_at_its_descriptor_limit_still_reads_proc() {
    let name = "threads::descriptors::process_at_its_descriptor_limit_still_reads_proc";
    with_few_descriptors(32, name, || {
        let task = sleeper();
        let proc = ThreadSource::open();
        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        // A source that was opened too late has no descriptor to read with.
        let late = collect(&ThreadSource::open(), &[task]);
        assert_eq!(late.proc_error, libc::EMFILE);
        let format = said(&late, task);
        assert!(
            format.starts_with(&format!("{task} \"\" ? -, not known, 0.0 s of CPU")),
            "{format}"
        );

        // A source that was opened in time reads, each time.
        for _ in 0..2 {
            let table = collect(&proc, &[task]);
            assert_eq!(table.proc_error, 0);
            let format = said(&table, task);
            assert!(format.contains(", sleeps, "), "{format}");
        }
    });
}

#[test]
fn kept_descriptor_reused_by_program_is_not_used() {
    let name = "threads::descriptors::kept_descriptor_reused_by_program_is_not_used";
    isolated(name, || {
        let task = sleeper();
        let proc = ThreadSource::open();
        let [tasks, spare] = proc.numbers().map(|number| number.expect("there is room"));
        proc.close_as_a_daemon_does();
        // The lowest that are free are given out first. The same file twice: it
        // is not by its kind that ours is known.
        let files: Vec<_> = (0..64)
            .map(|_| File::open("/proc/self").expect("there is room"))
            .collect();
        for number in [tasks, spare] {
            assert!(files.iter().any(|file| file.as_raw_fd() == number));
        }
        let table = collect(&proc, &[task]);
        assert_eq!(table.proc_error, 0);
        let format = said(&table, task);
        assert!(format.contains(", sleeps, "), "{format}");
        for file in files {
            let folder = file.metadata().expect("it is still open");
            assert!(folder.is_dir());
        }
    });
}

#[test]
fn process_that_changed_its_root_still_reads_proc() {
    if !is_root() {
        return;
    }
    isolated(
        "threads::descriptors::process_that_changed_its_root_still_reads_proc",
        || {
            let task = sleeper();
            let proc = ThreadSource::open();
            // Any will do that has no `/proc` in it.
            chroot(env::temp_dir()).expect("root may change it");
            let table = collect(&proc, &[task]);
            assert_eq!(table.proc_error, 0);
            let format = said(&table, task);
            assert!(format.contains(", sleeps, "), "{format}");

            // A source that kept no descriptor has the clocks.
            let table = collect(&ThreadSource::open(), &[task]);
            assert_eq!(table.proc_error, libc::ENOENT);
            let listed: Vec<_> = table.iter().map(|thread| thread.tid).collect();
            assert_eq!(listed, [task, crate::pid()]);
            assert_eq!(table.total, 2);
            let format = said(&table, task);
            assert!(
                format.contains("\"\" ? -, not known, 0.0 s of CPU, 0 % busy"),
                "{format}"
            );
        },
    );
}
