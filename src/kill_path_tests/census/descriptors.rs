//! The two descriptors that a census keeps, and what can happen to them.

use std::env;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::fs::chroot;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::alone::{alone, is_root, with_few_descriptors};
use super::{said, take};
use crate::kill_path::{self, Proc};

/// A thread that sleeps; its id.
fn sleeper() -> i32 {
    let (to, tid) = mpsc::channel();
    thread::spawn(move || {
        to.send(kill_path::tid()).expect("it is waited for");
        thread::sleep(Duration::from_secs(60));
    });
    tid.recv().expect("it begins")
}

/// How many there are, and the one that counts them.
fn descriptors() -> usize {
    let entries = fs::read_dir("/proc/self/fd").expect("it is there");
    entries.count()
}

#[test]
fn a_census_leaves_no_descriptor_open() {
    alone("descriptors::a_census_leaves_no_descriptor_open", || {
        let task = sleeper();
        let proc = Proc::open();
        let before = descriptors();
        take(&proc, &[task]);
        assert_eq!(descriptors(), before);
        proc.close_as_a_daemon_does();
        assert_eq!(descriptors(), before - 2);
        // The directory is opened anew for each, and the spare for the next.
        take(&proc, &[task]);
        assert_eq!(descriptors(), before - 1);
        take(&proc, &[task]);
        assert_eq!(descriptors(), before - 1);
    });
}

#[test]
fn what_is_kept_is_not_for_other_programs() {
    let proc = Proc::open();
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
fn a_process_that_has_used_up_its_descriptors() {
    let name = "descriptors::a_process_that_has_used_up_its_descriptors";
    with_few_descriptors(32, name, || {
        let task = sleeper();
        let proc = Proc::open();
        let mut files = Vec::new();
        while let Ok(file) = File::open("/dev/null") {
            files.push(file);
        }
        // One that was opened too late has nothing to read with.
        let late = take(&Proc::open(), &[task]);
        assert_eq!(late.refused, libc::EMFILE);
        let words = said(&late, task);
        assert!(
            words.starts_with(&format!("{task} \"\" ? -, not known, 0.0 s of CPU")),
            "{words}"
        );

        // One that was not has, each time.
        for _ in 0..2 {
            let census = take(&proc, &[task]);
            assert_eq!(census.refused, 0);
            let words = said(&census, task);
            assert!(words.contains(", sleeps, "), "{words}");
        }
    });
}

#[test]
fn a_number_that_is_somebody_elses_by_now_is_left_alone() {
    let name = "descriptors::a_number_that_is_somebody_elses_by_now_is_left_alone";
    alone(name, || {
        let task = sleeper();
        let proc = Proc::open();
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
        let census = take(&proc, &[task]);
        assert_eq!(census.refused, 0);
        let words = said(&census, task);
        assert!(words.contains(", sleeps, "), "{words}");
        for file in files {
            let folder = file.metadata().expect("it is still open");
            assert!(folder.is_dir());
        }
    });
}

#[test]
fn a_process_with_another_root() {
    if !is_root() {
        return;
    }
    alone("descriptors::a_process_with_another_root", || {
        let task = sleeper();
        let proc = Proc::open();
        // Any will do that has no `/proc` in it.
        chroot(env::temp_dir()).expect("root may change it");
        let census = take(&proc, &[task]);
        assert_eq!(census.refused, 0);
        let words = said(&census, task);
        assert!(words.contains(", sleeps, "), "{words}");

        // One that kept nothing has the clocks.
        let census = take(&Proc::open(), &[task]);
        assert_eq!(census.refused, libc::ENOENT);
        let listed: Vec<_> = census.threads().map(|thread| thread.tid).collect();
        assert_eq!(listed, [task, kill_path::pid()]);
        assert_eq!(census.total, 2);
        let words = said(&census, task);
        assert!(
            words.contains("\"\" ? -, not known, 0.0 s of CPU, 0 % busy"),
            "{words}"
        );
    });
}
