//! Who is listed, in which order, and how busy.

use std::fs;
use std::hint;
use std::sync::{Condvar, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use super::alone::alone;
use super::{in_a_while, said, take};
use crate::kill_path::{self, Census, Proc};

/// Starts a thread of this name, and returns its id.
fn start(name: &str, life: fn()) -> i32 {
    let (to, tid) = mpsc::channel();
    let thread = thread::Builder::new().name(name.to_owned());
    let begun = thread.spawn(move || {
        to.send(kill_path::tid()).expect("it is waited for");
        life();
    });
    begun.expect("there is room for it");
    tid.recv().expect("it begins")
}

fn park() {
    static LOCK: Mutex<()> = Mutex::new(());
    static NEVER: Condvar = Condvar::new();
    let held = LOCK.lock().expect("nobody panics");
    drop(NEVER.wait_while(held, |()| true));
}

fn spin() {
    loop {
        hint::spin_loop();
    }
}

fn tids(census: &Census) -> Vec<i32> {
    census.threads().map(|thread| thread.tid).collect()
}

fn count() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("it is there");
    tasks.count()
}

/// Waits until a thread is parked: it uses no processor time from then on.
fn parked(tid: i32) -> i32 {
    let place = format!("/proc/self/task/{tid}/wchan");
    while !fs::read_to_string(&place).is_ok_and(|place| place.starts_with("futex")) {
        thread::yield_now();
    }
    tid
}

/// Takes censuses until `spinner` has been given a turn in between two looks:
/// on a machine that is busy with others, that is not each time.
fn take_until_busy(spinner: i32, tasks: &[i32]) -> Box<Census> {
    let proc = Proc::open();
    let mut censuses = (0..200).map(|_| take(&proc, tasks));
    let is_busy = |census: &Census| {
        let busy = census.of(spinner).and_then(|thread| thread.busy);
        busy.is_some_and(|busy| busy >= 50)
    };
    censuses
        .find(|census| is_busy(census))
        .expect("it is given a turn at last")
}

#[test]
fn those_that_matter_most_come_first() {
    alone("order::those_that_matter_most_come_first", || {
        let parked = (0..40).map(|_| parked(start("parked", park)));
        let mut parked: Vec<_> = parked.collect();
        let spinner = start("spins", spin);
        let tasks = [parked[30], parked[20], parked[30], 0];
        let census = take_until_busy(spinner, &tasks);

        let mut expected = vec![parked[30], parked[20], kill_path::pid(), spinner];
        parked.retain(|tid| !expected.contains(tid));
        parked.sort_unstable();
        expected.extend(parked);
        expected.truncate(32);
        assert_eq!(tids(&census), expected);
        assert_eq!(census.total as usize, count());
        assert_eq!(census.refused, 0);
    });
}

#[test]
fn who_spins_is_busy_and_who_sleeps_is_not() {
    alone("order::who_spins_is_busy_and_who_sleeps_is_not", || {
        let spinner = start("spins", spin);
        let sleeper = start("sleeps", || thread::sleep(Duration::from_secs(60)));
        let census = take_until_busy(spinner, &[]);
        let thread = |tid| census.of(tid).expect("it is listed");
        assert_eq!(thread(sleeper).busy, Some(0), "{}", said(&census, sleeper));
        assert!(thread(sleeper).cpu < thread(spinner).cpu);
        assert!(thread(spinner).busy <= Some(100));
    });
}

#[test]
fn the_librarys_own_are_counted_and_not_listed() {
    alone("order::the_librarys_own_are_counted_and_not_listed", || {
        let ours = start("deadstop-log", park);
        let task = start("deadstop-task", park);
        let other = start("dead", park);
        let census = take(&Proc::open(), &[task]);
        assert!(census.of(ours).is_none());
        assert!(census.of(kill_path::tid()).is_none());
        assert!(census.of(task).is_some());
        assert!(census.of(other).is_some());
        assert_eq!(census.total as usize, count());
        // Unless it runs a task, as any other thread may.
        let census = take(&Proc::open(), &[kill_path::tid(), ours]);
        assert_eq!(tids(&census)[..2], [kill_path::tid(), ours]);
    });
}

#[test]
fn a_program_may_be_called_as_the_library_is() {
    alone("order::a_program_may_be_called_as_the_library_is", || {
        // Its threads then are, unless they have a name of their own.
        fs::write("/proc/self/comm", "deadstop-demo").expect("it is ours");
        let worker = start("deadstop-demo", park);
        let ours = start("deadstop-log", park);
        let census = take(&Proc::open(), &[]);
        assert!(census.of(worker).is_some());
        assert!(census.of(ours).is_none());
    });
}

/// A quarter of the time there is lies between two looks, and a pause of less
/// than a millisecond says nothing.
#[test]
fn who_is_looked_at_for_too_short_a_time_is_not_said_to_be_busy() {
    let name = "order::who_is_looked_at_for_too_short_a_time_is_not_said_to_be_busy";
    alone(name, || {
        let spinner = start("spins", spin);
        let proc = Proc::open();
        let mut census = Box::new(Census::empty());
        for _ in 0..20 {
            let until = kill_path::now().saturating_add(Duration::from_millis(3));
            census.take(&proc, [spinner].into_iter(), until);
            let busy: Vec<_> = census.threads().map(|thread| thread.busy).collect();
            assert!(busy.iter().all(Option::is_none), "{busy:?}");
        }
    });
}

#[test]
fn nothing_is_begun_after_its_time() {
    alone("order::nothing_is_begun_after_its_time", || {
        let sleeper = start("sleeps", || thread::sleep(Duration::from_secs(60)));
        let proc = Proc::open();
        let mut census = Box::new(Census::empty());
        census.take(&proc, [sleeper].into_iter(), kill_path::now());
        assert_eq!(tids(&census), [sleeper, kill_path::pid()]);
        // How many there are is no more than a look at the folder.
        assert_eq!(census.total as usize, count());
        assert_eq!(
            said(&census, sleeper),
            format!("{sleeper} \"\" ? -, not known")
        );
        // And a second census is not the worse for it.
        census.take(&proc, [sleeper].into_iter(), in_a_while());
        let said = said(&census, sleeper);
        assert!(said.contains("\"sleeps\" S "), "{said}");
    });
}
