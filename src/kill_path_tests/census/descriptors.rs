//! The two descriptors that a census keeps, and what can happen to them.

use std::collections::BTreeSet;
use std::env;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::fd::AsRawFd;
use std::os::unix::fs::chroot;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::alone::{alone, with_few_descriptors};
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

/// All descriptors there are. The one that lists them is among them, and is
/// the lowest that was free.
fn descriptors() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc/self/fd").expect("it is there");
    let names = entries.map(|entry| entry.expect("it is there").file_name());
    names
        .map(|name| name.to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_census_leaves_no_descriptor_open() {
    alone("descriptors::a_census_leaves_no_descriptor_open", || {
        let task = sleeper();
        let proc = Proc::open();
        let [_, spare] = proc.numbers();
        let mut before = descriptors();
        before.remove(&spare.expect("there was room for it").to_string());
        take(&proc, &[task]);
        // With the directory gone too, it is opened anew and closed again.
        let mut after = descriptors();
        after.extend(descriptors().difference(&before).cloned());
        assert!(
            after.is_subset(&before) || after.len() <= before.len(),
            "{after:?}"
        );
        proc.close_as_a_daemon_does();
        let before = descriptors();
        take(&proc, &[task]);
        assert_eq!(descriptors(), before);
    });
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

        let census = take(&proc, &[task]);
        assert_eq!(census.refused, 0);
        let words = said(&census, task);
        assert!(words.contains(", sleeps, "), "{words}");
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
    alone("descriptors::a_process_with_another_root", || {
        let task = sleeper();
        let proc = Proc::open();
        let root = env::temp_dir().join(format!("deadstop-root-{}", kill_path::pid()));
        fs::create_dir_all(&root).expect("it can be made");
        let outside = File::open(&root).expect("it is there");
        match chroot(&root) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                let skips = env::var_os("DEADSTOP_NO_SKIPS").is_none();
                assert!(skips, "skipped: only root may change it");
                return;
            }
            changed => changed.expect("it is a directory"),
        }
        drop(outside);
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
