//! Heartbeats that stall, and heartbeats that must not be reported as stalled.

use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::health::{Heartbeat, OnStall, Section};

use crate::{shutdown, spin, victim};

const EVERY: Duration = Duration::from_millis(400);

fn heartbeat(on_stall: OnStall) -> Heartbeat {
    shutdown()
        .heartbeat("consumer loop")
        .every(EVERY)
        .on_stall(on_stall)
        .start()
        .expect("there is no other heartbeat")
}

#[test]
fn stalled_heartbeat_ends_the_process_and_is_the_cause() {
    let test = "heartbeat::stalled_heartbeat_ends_the_process_and_is_the_cause";
    let ended = victim::run(test, || {
        let _beat = heartbeat(OnStall::Shutdown);
        spin(Duration::from_secs(50));
    });
    ended
        .assert_status(124)
        .assert_says("stall of heartbeat \"consumer loop\"");
    assert!(ended.after >= EVERY + Duration::from_secs(1), "{ended:#?}");
}

#[test]
fn stall_report_has_the_thread_its_stack_and_what_it_waits_for() {
    let test = "heartbeat::stall_report_has_the_thread_its_stack_and_what_it_waits_for";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let lock: &'static Mutex<()> = Box::leak(Box::new(Mutex::new(())));
        let beat = shutdown.heartbeat("consumer loop").every(EVERY);
        let beat = beat
            .on_stall(OnStall::Report)
            .start()
            .expect("no other heartbeat has this name");
        let (held, is_held) = std::sync::mpsc::channel();
        let holder = thread::Builder::new().name("holder".into());
        let holder = holder.spawn(move || {
            let _held = lock.lock();
            held.send(()).expect("the other thread waits");
            loop {
                thread::park();
            }
        });
        holder.expect("a thread");
        is_held.recv().expect("the holder locks the mutex");
        let consumer = thread::Builder::new().name("consumer".into());
        let consumer = consumer.spawn(move || {
            beat.tick();
            // The other thread holds the lock for ever.
            let _held = lock.lock();
        });
        consumer.expect("a thread");
        thread::sleep(Duration::from_secs(5));
        shutdown.finish_and_exit();
    });
    let line = |text: &str| {
        let mut lines = ended.stderr.lines();
        let line = lines.find(|line| line.contains(text));
        line.unwrap_or_else(|| panic!("no {text:?} in {ended:#?}"))
    };
    line("deadstop: stall, no deadline: heartbeat \"consumer loop\" has not ticked for ");
    let what = line("heartbeat \"consumer loop\", no tick for ");
    assert!(what.contains(" of 0.4 s: thread "), "{what}");
    assert!(what.contains(" \"consumer\" "), "{what}");
    assert!(what.contains("waits (lock, channel"), "{what}");
    if cfg!(feature = "stacks") {
        // The report may be written before the function names are read.
        let (_, details) = ended
            .stderr
            .split_once("deadstop: details:")
            .expect("the report has details");
        let mut lines = details
            .lines()
            .skip_while(|line| !line.contains("\"consumer\""));
        let frame = lines.nth(1).unwrap_or_default();
        let is_frame = frame.starts_with("deadstop:   #0 ") || frame.starts_with("deadstop:   at ");
        assert!(is_frame, "{ended:#?}");
    }
    ended.assert_status(0);
}

#[test]
fn pool_stalls_if_its_jobs_hang_and_not_if_it_is_idle_or_works() {
    let test = "heartbeat::pool_stalls_if_its_jobs_hang_and_not_if_it_is_idle_or_works";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let pool = |name: &str| {
            let pool = shutdown.pool(name).threads(2).start();
            let pool = pool.expect("the shutdown has not begun");
            let beat = shutdown.heartbeat(format!("pool {name}")).every(EVERY);
            beat.watch_pool(&pool).expect("a slot is free");
            pool
        };
        let (_idle, works, hangs) = (pool("idle"), pool("works"), pool("hangs"));
        let hang = || loop {
            thread::park();
        };
        hangs
            .execute_named("mail 17", hang)
            .expect("the queue is not full");
        for _ in 0..30 {
            let job = || thread::sleep(Duration::from_millis(50));
            works
                .submit(job)
                .expect("the queue is not full")
                .join()
                .expect("the job or thread returns");
        }
        thread::sleep(EVERY * 5);
        std::process::exit(0);
    });
    ended
        .assert_says("heartbeat \"pool hangs\", no tick for ")
        .assert_silent_about("\"pool works\"")
        .assert_silent_about("\"pool idle\"");
}

/// While a heartbeat is paused, the watcher checks once per second. After the pause it must
/// check at the heartbeat's interval again.
#[test]
fn stall_after_a_pause_or_a_long_section_is_noticed_within_500_ms() {
    let test = "heartbeat::stall_after_a_pause_or_a_long_section_is_noticed_within_500_ms";
    let ended = victim::run(test, || {
        let beat = shutdown().heartbeat("consumer loop");
        let beat = beat.every(Duration::from_millis(40));
        let beat = beat
            .on_stall(OnStall::Report)
            .start()
            .expect("no other heartbeat has this name");
        let noticed = |section: Section<'_>| {
            thread::sleep(Duration::from_millis(150));
            drop(section);
            let ended = Instant::now();
            while !beat.is_stalled() {
                thread::sleep(Duration::from_millis(1));
            }
            ended.elapsed()
        };
        // The best of four, because a machine may be slow for a moment.
        let paused = (0..4).map(|_| noticed(beat.pause())).min();
        let long = (0..4).map(|_| noticed(beat.expect(Duration::from_secs(60))));
        let is_soon = |took: Option<Duration>| took < Some(Duration::from_millis(500));
        println!("{} {}", is_soon(paused), is_soon(long.min()));
    });
    ended.assert_status(0).assert_says("true true");
}

/// The control of `stalled_heartbeat_ends_the_process_and_is_the_cause`: the same loop, whose
/// stall is only reported.
#[test]
fn stall_with_on_stall_report_does_not_end_the_process() {
    let test = "heartbeat::stall_with_on_stall_report_does_not_end_the_process";
    let ended = victim::run(test, || {
        let beat = heartbeat(OnStall::Report);
        spin(Duration::from_secs(4));
        println!("stalled: {}", beat.is_stalled());
        // The program goes on, and its shutdown ends at once.
        deadstop::Shutdown::installed()
            .expect("the shutdown is installed")
            .finish_and_exit();
    });
    ended.assert_status(0).assert_says("stalled: true");
}

#[test]
fn heartbeat_is_not_stalled_in_announced_sections_and_stalls_after_them() {
    let test = "heartbeat::heartbeat_is_not_stalled_in_announced_sections_and_stalls_after_them";
    let ended = victim::run(test, || {
        let beat = heartbeat(OnStall::Report);
        {
            let _slow = beat.expect(Duration::from_secs(60));
            let _wait = beat.pause();
            thread::sleep(EVERY * 4);
            println!("paused: {}", beat.is_stalled());
        }
        thread::sleep(EVERY * 6);
        println!("after: {}", beat.is_stalled());
    });
    ended
        .assert_says("paused: false")
        .assert_says("after: true");
}

#[test]
fn time_while_the_process_is_stopped_does_not_stall_a_heartbeat() {
    let test = "heartbeat::time_while_the_process_is_stopped_does_not_stall_a_heartbeat";
    let mut victim = victim::start(test, || {
        let beat = heartbeat(OnStall::Shutdown);
        // An announced section of 5 s without ticks. It lasts longer only if the time while the
        // process is stopped counts.
        let _slow = beat.expect(Duration::from_secs(5));
        println!("begun");
        // Short sleeps, because one long sleep would end as soon as the process continues.
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(100));
        }
        println!("stalled: {}", beat.is_stalled());
        println!("requested: {}", requested());
        deadstop::Shutdown::installed()
            .expect("the shutdown is installed")
            .finish_and_exit();
    });
    victim.hear("begun");
    victim.send(libc::SIGSTOP);
    thread::sleep(Duration::from_secs(7));
    victim.send(libc::SIGCONT);
    let ended = victim.wait();
    ended
        .assert_status(0)
        .assert_says("requested: false")
        .assert_silent_about("stalled: true");
}

/// The heartbeat that the signal handler uses.
static BEAT: OnceLock<Heartbeat> = OnceLock::new();

/// A tick is async-signal-safe. The loop is stuck, and a signal handler ticks instead of it.
#[test]
fn tick_in_a_signal_handler_prevents_a_stall() {
    let test = "heartbeat::tick_in_a_signal_handler_prevents_a_stall";
    let ended = victim::run(test, || {
        let beat = heartbeat(OnStall::Report);
        let beat = BEAT.get_or_init(|| beat);
        tick_at_alarms(EVERY / 8);
        spin(EVERY * 5);
        println!("ticked: {}", !beat.is_stalled());
        tick_at_alarms(Duration::ZERO);
        spin(EVERY * 5);
        println!("silent: {}", beat.is_stalled());
    });
    ended
        .assert_says("ticked: true")
        .assert_says("silent: true");
}

/// Installs a SIGALRM handler that ticks, and a timer with this period. Zero stops the timer.
#[expect(unsafe_code, reason = "handles a signal in the scenario")]
fn tick_at_alarms(period: Duration) {
    extern "C" fn tick(_: libc::c_int) {
        if let Some(beat) = BEAT.get() {
            beat.tick();
        }
    }
    let handler = tick as extern "C" fn(libc::c_int);
    let time = libc::timeval {
        tv_sec: 0,
        tv_usec: period.as_micros() as libc::suseconds_t,
    };
    let timer = libc::itimerval {
        it_interval: time,
        it_value: time,
    };
    // SAFETY: the handler loads and stores atomics, and is a function of the right type.
    unsafe { libc::signal(libc::SIGALRM, handler as libc::sighandler_t) };
    // SAFETY: the pointer is valid for reads; the null pointer asks for no result.
    let result =
        unsafe { libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut()) };
    assert_eq!(result, 0, "the timer can be set");
}

/// The child has the heartbeat's handle, but no watcher thread. Its calls must do nothing, and
/// the parent's watcher must still find a stall.
#[test]
fn heartbeat_does_nothing_in_a_child_of_fork_and_goes_on_in_the_parent() {
    let test = "heartbeat::heartbeat_does_nothing_in_a_child_of_fork_and_goes_on_in_the_parent";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let beat = shutdown.heartbeat("consumer loop").every(EVERY);
        let beat = beat
            .on_stall(OnStall::Shutdown)
            .start()
            .expect("no other heartbeat has this name");
        let section = beat.expect(EVERY * 1000);
        let child = fork();
        if child == 0 {
            beat.tick();
            drop(section);
            drop(beat.pause());
            let refused = shutdown.heartbeat("of the child").start();
            println!("child: {:?}", refused.err());
            drop(beat);
            // The child has no thread that would end it because of a stall.
            thread::sleep(EVERY * 4);
            println!("child: done");
            exit_child(7);
        }
        println!("child ended with {}", wait_for_child(child));
        drop(section);
        println!("parent: {} {}", beat.is_stalled(), requested());
        // The parent's heartbeat is still watched, and stalls.
        thread::sleep(Duration::from_secs(50));
    });
    ended
        .assert_says("child: Some(Forked)")
        .assert_says("child: done")
        .assert_says("child ended with 7")
        .assert_says("parent: false false")
        .assert_says("stall of heartbeat \"consumer loop\"")
        .assert_status(124);
}

#[expect(unsafe_code, reason = "forks the scenario")]
fn fork() -> i32 {
    // SAFETY: the child makes calls that must work there; the test is about them.
    unsafe { libc::fork() }
}

/// `std::process::exit` may wait for a lock that a starting thread of the parent had at the fork.
#[expect(unsafe_code, reason = "ends the child of the scenario")]
fn exit_child(status: i32) -> ! {
    // SAFETY: an integer.
    unsafe { libc::_exit(status) }
}

#[expect(unsafe_code, reason = "waits for the child of the scenario")]
fn wait_for_child(child: i32) -> i32 {
    let mut status = 0;
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::waitpid(child, &raw mut status, 0) };
    libc::WEXITSTATUS(status)
}

fn requested() -> bool {
    deadstop::Shutdown::installed().is_some_and(|shutdown| shutdown.is_requested())
}

/// A thousand heartbeats, each with a new name, of which at most two exist at the same time.
#[test]
fn dropped_heartbeats_free_their_slots_for_new_names() {
    let test = "heartbeat::dropped_heartbeats_free_their_slots_for_new_names";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let mut last = None;
        for number in 0..1000 {
            let name = format!("connection {number}");
            let beat = shutdown.heartbeat(&name).every(EVERY).start();
            let beat = beat.expect("the slot of a dropped heartbeat is free");
            assert_eq!(beat.name(), name);
            last = Some(beat);
        }
        drop(last);
        std::process::exit(7);
    });
    ended.assert_status(7);
}

/// The program closes all descriptors, and opens files with the same numbers. The watcher must
/// not spin, must not write to these files, and must still find a stall.
#[cfg(target_os = "linux")]
#[test]
fn watcher_is_idle_and_finds_stalls_after_descriptors_were_replaced() {
    let test = "heartbeat::watcher_is_idle_and_finds_stalls_after_descriptors_were_replaced";
    let ended = victim::run(test, || {
        let beat = heartbeat(OnStall::Report);
        let _paused = beat.pause();
        let path = std::env::temp_dir().join(format!("deadstop-{}", std::process::id()));
        let file = std::fs::File::create_new(&path).expect("a file");
        victim::replace_descriptors(&file);
        let before = victim::processor_time("deadstop-health");
        thread::sleep(Duration::from_secs(1));
        let used = victim::processor_time("deadstop-health") - before;
        assert!(used < Duration::from_millis(300), "{used:?}");
        let other = deadstop::Shutdown::installed().expect("the shutdown is installed");
        let other = other
            .heartbeat("other")
            .every(EVERY)
            .on_stall(OnStall::Report);
        let other = other.start().expect("a second heartbeat starts");
        thread::sleep(EVERY * 6);
        println!("stalled: {}", other.is_stalled());
        println!(
            "written {:?}",
            std::fs::metadata(&path).map(|it| it.len()).ok()
        );
        let _ = std::fs::remove_file(&path);
    });
    ended.assert_says("stalled: true");
    ended.assert_says("written Some(0)");
}
