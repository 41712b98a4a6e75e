//! The kill list: its entries, and what becomes of real children.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use super::isolated::ended_by;
use crate::kill_path::{KillList, Watchdog};
use crate::sys::{SignalMask, inode_of, open_pidfd};

static WATCHDOG: Watchdog = Watchdog::new();

/// Only keeps a failing run from hanging.
const PATIENCE: Duration = Duration::from_secs(10);

/// Ends the process by the watchdog, after `prepare`.
fn end_at_deadline(prepare: impl FnOnce(&'static KillList)) {
    WATCHDOG.set_status(77);
    thread::spawn(|| {
        SignalMask::block_all();
        WATCHDOG.run()
    });
    WATCHDOG.wait_started(0);
    WATCHDOG.enable();
    prepare(WATCHDOG.kill_list());
    assert!(WATCHDOG.arm(Duration::from_millis(100)));
    thread::sleep(PATIENCE);
}

/// Starts `script` in a process group of its own, and waits until it has
/// printed a line.
fn start(script: &str) -> Child {
    let mut child = Command::new("sh")
        .args(["-c", script])
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh starts");
    let mut line = String::new();
    let output = child.stdout.take().expect("it is piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line)
        .expect("it prints");
    // By this, the test that started us finds the processes.
    println!("\nprocess {}", line.trim());
    child
}

/// The processes that `output` names, which must be there.
fn processes(output: &str) -> Vec<i32> {
    let lines = output.lines();
    let named = lines.filter_map(|line| line.strip_prefix("process "));
    let ids = named.flat_map(|ids| ids.split(' '));
    ids.map(|id| id.parse().expect("a number")).collect()
}

/// Returns `true` if the process is gone, or a zombie that waits to be reaped.
fn is_dead(pid: i32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.starts_with(" Z")),
        Err(_) => true,
    }
}

#[track_caller]
fn assert_all_die(pids: &[i32]) {
    let patience = Instant::now() + PATIENCE;
    while !pids.iter().all(|pid| is_dead(*pid)) {
        assert!(Instant::now() < patience, "alive: {pids:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Ends the processes of a control, which live on without the list.
#[track_caller]
fn assert_alive_and_kill(pids: &[i32]) {
    for pid in pids {
        assert!(!is_dead(*pid), "{pid}");
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
        assert!(killed.expect("kill runs").success());
    }
}

const IGNORES_SIGTERM: &str = "trap '' TERM; echo $$; while :; do sleep 1; done";

#[test]
fn child_that_ignores_sigterm_is_killed_at_the_deadline() {
    let test = "kill_list::child_that_ignores_sigterm_is_killed_at_the_deadline";
    let (status, output) = ended_by(test, || {
        end_at_deadline(|list| {
            let child = start(IGNORES_SIGTERM);
            let pid = child.id().cast_signed();
            let pidfd = open_pidfd(pid).expect("the kernel has pidfds");
            let slot = list.add(pid, Some(pidfd), true);
            assert!(slot.is_some());
        });
    });
    assert_eq!(status.code(), Some(77), "{output}");
    let pids = processes(&output);
    assert_eq!(pids.len(), 1);
    assert_all_die(&pids);
}

#[test]
fn child_that_is_not_listed_outlives_the_deadline() {
    let test = "kill_list::child_that_is_not_listed_outlives_the_deadline";
    let (status, output) = ended_by(test, || {
        end_at_deadline(|_| {
            start(IGNORES_SIGTERM);
        });
    });
    assert_eq!(status.code(), Some(77), "{output}");
    assert_alive_and_kill(&processes(&output));
}

#[test]
fn stopped_child_is_killed_by_its_number() {
    let test = "kill_list::stopped_child_is_killed_by_its_number";
    let (status, output) = ended_by(test, || {
        end_at_deadline(|list| {
            // Without the list it would live on: the kernel continues an
            // orphaned group that is stopped, after a SIGHUP.
            let child = start("trap '' HUP; echo $$; kill -STOP $$; sleep 60");
            let pid = child.id().cast_signed();
            // As on a kernel without pidfds.
            assert!(list.add(pid, None, false).is_some());
        });
    });
    assert_eq!(status.code(), Some(77), "{output}");
    assert_all_die(&processes(&output));
}

#[test]
fn grandchild_in_the_group_is_killed_with_the_child() {
    let test = "kill_list::grandchild_in_the_group_is_killed_with_the_child";
    let (status, output) = ended_by(test, || {
        end_at_deadline(|list| {
            for has_pidfd in [true, false] {
                let child = start("sleep 60 & echo $$ $!; wait");
                let pid = child.id().cast_signed();
                let pidfd = has_pidfd.then(|| open_pidfd(pid).expect("the kernel has pidfds"));
                assert!(list.add(pid, pidfd, true).is_some());
            }
        });
    });
    assert_eq!(status.code(), Some(77), "{output}");
    let pids = processes(&output);
    assert_eq!(pids.len(), 4);
    assert_all_die(&pids);
}

/// The child has been reaped against the rule, and its number is free for
/// another process: only the pidfd says so.
#[test]
fn number_of_a_reaped_child_is_not_killed() {
    let test = "kill_list::number_of_a_reaped_child_is_not_killed";
    let (status, output) = ended_by(test, || {
        end_at_deadline(|list| {
            let mut reaped = start("echo $$");
            let pidfd = open_pidfd(reaped.id().cast_signed()).expect("it is a zombie");
            reaped.wait().expect("it has ended");
            // In place of a reused number, which cannot be forced without
            // root: the number of a living process, beside the pidfd of the one
            // that was reaped.
            let stranger = start("echo $$; sleep 60");
            let entry = list.add(stranger.id().cast_signed(), Some(pidfd), true);
            assert!(entry.is_some());
        });
    });
    assert_eq!(status.code(), Some(77), "{output}");
    let pids = processes(&output);
    assert_alive_and_kill(&pids[1..]);
}

/// Closes a pidfd, and opens one of a process of the program's own, which gets the number.
#[expect(
    unsafe_code,
    reason = "a program closes descriptors that it does not know"
)]
fn reuse_for_a_stranger(pidfd: i32) -> Child {
    let stranger = start("echo $$; sleep 60");
    // SAFETY: an integer; nothing else knows the descriptor but the list.
    assert_eq!(unsafe { libc::close(pidfd) }, 0);
    let reused = open_pidfd(stranger.id().cast_signed());
    assert_eq!(reused, Ok(pidfd));
    stranger
}

#[test]
fn process_whose_pidfd_got_the_number_of_a_closed_one_is_not_killed() {
    let test = "kill_list::process_whose_pidfd_got_the_number_of_a_closed_one_is_not_killed";
    let (status, output) = ended_by(test, || {
        end_at_deadline(|list| {
            for kills_group in [true, false] {
                let child = start("echo $$; sleep 60");
                let pid = child.id().cast_signed();
                let pidfd = open_pidfd(pid).expect("the kernel has pidfds");
                assert!(list.add(pid, Some(pidfd), kills_group).is_some());
                reuse_for_a_stranger(pidfd);
            }
        });
    });
    assert_eq!(status.code(), Some(77), "{output}");
    let pids = processes(&output);
    let [child, stranger, no_child, other] = pids[..] else {
        panic!("{output}");
    };
    assert_all_die(&[child]);
    // Without a group, the number might be another process's.
    assert_alive_and_kill(&[no_child]);
    // Before Linux 6.9 all pidfds have one inode.
    let pidfd_of = |pid: u32| open_pidfd(pid.cast_signed()).map(inode_of);
    if pidfd_of(std::process::id()) == pidfd_of(1) {
        println!("skipped: this kernel does not tell pidfds apart");
        return;
    }
    assert_alive_and_kill(&[stranger, other]);
}

#[test]
fn all_256_children_are_killed() {
    let test = "kill_list::all_256_children_are_killed";
    let (status, output) = ended_by(test, || {
        end_at_deadline(|list| {
            for _ in 0..256 {
                let child = Command::new("sleep")
                    .arg("60")
                    .process_group(0)
                    .spawn()
                    .expect("sleep starts");
                println!("\nprocess {}", child.id());
                let pid = child.id().cast_signed();
                let slot = list.add(pid, open_pidfd(pid).ok(), true);
                assert!(slot.is_some());
            }
            assert!(list.add(4_000_000, None, false).is_none(), "it is full");
        });
    });
    assert_eq!(status.code(), Some(77), "{output}");
    let pids = processes(&output);
    assert_eq!(pids.len(), 256);
    assert_all_die(&pids);
}

/// Prints what an entry costs, in system calls of the same kind: a measurement,
/// and no verdict.
#[test]
fn killing_256_entries_costs_few_system_calls_each() {
    let list = leaked();
    let mut child = Command::new("sleep").arg("60").spawn().expect("it starts");
    let pid = child.id().cast_signed();
    let pidfd = open_pidfd(pid).expect("the kernel has pidfds");
    let slots: Vec<_> = (0..256)
        .map(|_| list.add(pid, Some(pidfd), false))
        .collect();
    let begun = Instant::now();
    list.kill_all();
    let took = begun.elapsed();
    let begun = Instant::now();
    for _ in 0..256 {
        crate::sys::KillTarget {
            pid,
            pidfd: None,
            inode: 0,
            kills_group: false,
        }
        .kill();
    }
    let bare = begun.elapsed();
    println!(
        "256 entries: {took:?}, {:.1} times as long as kill(2)",
        took.as_secs_f64() / bare.as_secs_f64()
    );
    for slot in slots {
        slot.expect("there was room").remove();
    }
    assert!(!child.wait().expect("it was killed").success());
}

fn leaked() -> &'static KillList {
    Box::leak(Box::new(KillList::empty()))
}

#[test]
fn removed_entry_makes_room_for_another() {
    let list = leaked();
    let slots: Vec<_> = (0..256)
        .map(|n| list.add(4_000_000 + n, None, false))
        .collect();
    assert!(slots.iter().all(Option::is_some));
    assert!(list.add(4_000_000, None, false).is_none());
    slots
        .into_iter()
        .flatten()
        .next()
        .expect("there is one")
        .remove();
    assert!(list.add(4_000_000, None, false).is_some());
}

#[test]
fn entry_after_the_kill_is_refused() {
    let list = leaked();
    list.kill_all();
    assert!(list.add(4_000_000, None, false).is_none());
    list.reset_after_fork();
    assert!(list.add(4_000_000, None, false).is_some());
}

/// Zero would be our own group, -1 every process, and 1 is init.
#[test]
fn number_of_no_child_is_refused() {
    for pid in [i32::MIN, -1, 0, 1] {
        assert!(leaked().add(pid, None, true).is_none(), "{pid}");
    }
}

#[test]
fn entry_of_before_a_fork_does_not_remove_one_of_after() {
    let list = leaked();
    let before = list.add(4_000_000, None, false).expect("it is empty");
    list.reset_after_fork();
    let mut after: Vec<_> = (0..256)
        .map(|n| list.add(4_000_001 + n, None, false))
        .collect();
    before.remove();
    assert!(list.add(4_000_000, None, false).is_none(), "all are listed");
    after.pop().flatten().expect("it is listed").remove();
}
