//! The list of threads: which ones, their order, their processor shares.

use std::fs;
use std::hint;
use std::sync::{Condvar, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use super::{collect, in_a_while, said};
use crate::render::suspects::may_be_suspicious;
use crate::sizes::MAX_THREADS;
use crate::sys::ThreadSource;
use crate::tests::isolated::isolated;
use crate::threads::ThreadTable;
use crate::threads::own::{self, OwnThread};

/// Starts a thread of this name, and returns its id.
fn start(name: &str, life: fn()) -> i32 {
    let (to, tid) = mpsc::channel();
    let thread = thread::Builder::new().name(name.to_owned());
    let begun = thread.spawn(move || {
        to.send(crate::tid()).expect("it is waited for");
        life();
    });
    begun.expect("there is room for it");
    tid.recv().expect("it begins")
}

fn park() {
    static LOCK: Mutex<()> = Mutex::new(());
    static NEVER: Condvar = Condvar::new();
    let held = LOCK.lock().expect("no thread panics with the lock");
    drop(NEVER.wait_while(held, |()| true));
}

fn spin() {
    loop {
        hint::spin_loop();
    }
}

fn tids(table: &ThreadTable) -> Vec<i32> {
    table.iter().map(|thread| thread.tid).collect()
}

fn count() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("it is there");
    tasks.count()
}

/// Waits until a thread is parked: it uses no processor time from then on.
fn parked(tid: i32) -> i32 {
    let path = format!("/proc/self/task/{tid}/wchan");
    while !fs::read_to_string(&path).is_ok_and(|name| name.starts_with("futex")) {
        thread::yield_now();
    }
    tid
}

/// Takes tables until `spinner` has been given a turn in between two samples:
/// on a machine that is busy with others, that is not each time.
fn take_until_busy(spinner: i32, tasks: &[i32]) -> Box<ThreadTable> {
    let proc = ThreadSource::open();
    let mut tables = (0..200).map(|_| collect(&proc, tasks));
    let is_busy = |table: &ThreadTable| {
        let busy = table.find(spinner).and_then(|thread| thread.busy);
        busy.is_some_and(|busy| busy >= 50)
    };
    tables
        .find(|table| is_busy(table))
        .expect("it is given a turn at last")
}

#[test]
fn task_threads_main_and_busy_threads_are_listed_first() {
    isolated(
        "threads::order::task_threads_main_and_busy_threads_are_listed_first",
        || {
            let parked = (0..MAX_THREADS + 8).map(|_| parked(start("parked", park)));
            let mut parked: Vec<_> = parked.collect();
            let spinner = start("spins", spin);
            let tasks = [parked[30], parked[20], parked[30], 0];
            let table = take_until_busy(spinner, &tasks);

            let mut expected = vec![parked[30], parked[20], crate::pid(), spinner];
            parked.retain(|tid| !expected.contains(tid));
            parked.sort_unstable();
            expected.extend(parked);
            expected.truncate(MAX_THREADS);
            assert_eq!(tids(&table), expected);
            assert_eq!(table.total as usize, count());
            assert_eq!(table.proc_error, 0);
        },
    );
}

#[test]
fn spinning_thread_is_busy_and_sleeping_thread_is_not() {
    isolated(
        "threads::order::spinning_thread_is_busy_and_sleeping_thread_is_not",
        || {
            let spinner = start("spins", spin);
            let sleeper = start("sleeps", || thread::sleep(Duration::from_secs(60)));
            let table = take_until_busy(spinner, &[]);
            let thread = |tid| table.find(tid).expect("it is listed");
            assert_eq!(thread(sleeper).busy, Some(0), "{}", said(&table, sleeper));
            assert!(thread(sleeper).cpu < thread(spinner).cpu);
            assert!(thread(spinner).busy <= Some(100));
        },
    );
}

/// Starts a thread of the library's, and returns its id.
fn start_and_mark(name: &str) -> i32 {
    let tid = start(name, || {
        let _own = OwnThread::mark();
        park();
    });
    while !own::is_marked(tid) {
        thread::yield_now();
    }
    tid
}

#[test]
fn threads_of_the_library_are_counted_but_not_listed() {
    isolated(
        "threads::order::threads_of_the_library_are_counted_but_not_listed",
        || {
            let ours = start_and_mark("deadstop-log");
            let task = start_and_mark("deadstop-task");
            let other = start("dead", park);
            let table = collect(&ThreadSource::open(), &[task]);
            assert!(table.find(ours).is_none());
            assert!(table.find(crate::tid()).is_none());
            assert!(table.find(task).is_some());
            assert!(table.find(other).is_some());
            assert_eq!(table.total as usize, count());
            // Unless it runs a task, as any other thread may.
            let table = collect(&ThreadSource::open(), &[crate::tid(), ours]);
            assert_eq!(tids(&table)[..2], [crate::tid(), ours]);
        },
    );
}

/// A thread without a name inherits the name of the thread that starts it.
#[test]
fn thread_that_inherited_a_name_of_the_library_is_listed() {
    isolated(
        "threads::order::thread_that_inherited_a_name_of_the_library_is_listed",
        || {
            let ours = start_and_mark("deadstop-task");
            let inherited = start("deadstop-task", park);
            let table = collect(&ThreadSource::open(), &[]);
            assert!(table.find(ours).is_none());
            let thread = table.find(inherited).expect("it is listed");
            assert!(may_be_suspicious(thread));
        },
    );
}

#[test]
fn thread_of_the_library_without_an_entry_is_known_by_its_name() {
    isolated(
        "threads::order::thread_of_the_library_without_an_entry_is_known_by_its_name",
        || {
            // The program's threads get this name, unless they have one of their own.
            fs::write("/proc/self/comm", "deadstop-demo").expect("it is ours");
            let marks: Vec<_> = (0..=OwnThread::ENTRIES)
                .map(|_| OwnThread::mark())
                .collect();
            let ours = start("deadstop-log", park);
            let worker = start("deadstop-demo", park);
            let table = collect(&ThreadSource::open(), &[]);
            assert!(table.find(ours).is_none());
            assert!(table.find(worker).is_some());
            drop(marks);
            let table = collect(&ThreadSource::open(), &[]);
            assert!(table.find(ours).is_some());
        },
    );
}

#[test]
fn child_of_fork_forgets_the_threads_of_its_parent() {
    isolated(
        "threads::order::child_of_fork_forgets_the_threads_of_its_parent",
        || {
            let mark = OwnThread::mark();
            own::reset_after_fork();
            let other = start_and_mark("deadstop-log");
            // The entry belongs to another thread by now.
            drop(mark);
            let table = collect(&ThreadSource::open(), &[]);
            assert!(table.find(other).is_none());
        },
    );
}

/// A quarter of the time there is lies between two samples, and a pause of less
/// than a millisecond says nothing.
#[test]
fn short_pause_yields_no_percentage() {
    let name = "threads::order::short_pause_yields_no_percentage";
    isolated(name, || {
        let spinner = start("spins", spin);
        let proc = ThreadSource::open();
        let mut table = Box::new(ThreadTable::empty());
        for _ in 0..20 {
            let until = crate::now().saturating_add(Duration::from_millis(3));
            table.collect(&proc, [spinner].into_iter(), until);
            let busy: Vec<_> = table.iter().map(|thread| thread.busy).collect();
            assert!(busy.iter().all(Option::is_none), "{busy:?}");
        }
    });
}

#[test]
fn dump_after_its_time_lists_tasks_and_main_without_details() {
    isolated(
        "threads::order::dump_after_its_time_lists_tasks_and_main_without_details",
        || {
            let sleeper = start("sleeps", || thread::sleep(Duration::from_secs(60)));
            let proc = ThreadSource::open();
            let mut table = Box::new(ThreadTable::empty());
            table.collect(&proc, [sleeper].into_iter(), crate::now());
            assert_eq!(tids(&table), [sleeper, crate::pid()]);
            // The folder gives the number of threads.
            assert_eq!(table.total as usize, count());
            assert_eq!(
                said(&table, sleeper),
                format!("{sleeper} \"\" ? -, not known")
            );
            // And a second table is not the worse for it.
            table.collect(&proc, [sleeper].into_iter(), in_a_while());
            let said = said(&table, sleeper);
            assert!(said.contains("\"sleeps\" S "), "{said}");
        },
    );
}
