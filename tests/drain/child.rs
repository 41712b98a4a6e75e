use std::fs;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::{CleanExit, Phase, SecondSignal};

use crate::{finish, hang, shutdown, victim, wait};

const MS: Duration = Duration::from_millis(1);

/// A shell that runs `script`, which should print the ids of its processes as "pid N".
pub(crate) fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script]).stdin(Stdio::null());
    command
}

/// A script that ignores SIGTERM, and starts a grandchild that ignores it too.
pub(crate) const DEAF: &str = "trap '' TERM; sleep 60 & echo pid $!; echo pid $$; wait; wait";

/// The ids that a scenario's processes have printed.
pub(crate) fn pids(said: &str) -> Vec<i32> {
    let pids = said.lines().filter_map(|line| line.rsplit_once("pid "));
    pids.filter_map(|(_, pid)| pid.trim().parse().ok())
        .collect()
}

pub(crate) fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
    state.is_some_and(|state| state != b'Z' && state != b'X')
}

/// Waits for up to 10 s until none of `pids` is alive.
pub(crate) fn are_gone(pids: &[i32]) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    while Instant::now() < until {
        if !pids.iter().any(|pid| is_alive(*pid)) {
            return true;
        }
        thread::sleep(5 * MS);
    }
    false
}

#[expect(unsafe_code, reason = "ends what a control leaves behind")]
pub(crate) fn kill(pids: &[i32]) {
    for pid in pids {
        // SAFETY: kill(2) takes two integers; the scenario has printed these, and they
        // live until they are killed.
        unsafe { libc::kill(*pid, libc::SIGKILL) };
    }
}

/// Starts a scenario with two processes below it, and returns it with their ids.
pub(crate) fn with_two(test: &str, scenario: impl FnOnce()) -> (victim::Victim, Vec<i32>) {
    let mut victim = victim::start(test, scenario);
    let first = victim.hear("pid ");
    let second = victim.hear("pid ");
    victim.hear("ready");
    let pids = pids(&format!("{first}\n{second}"));
    assert_eq!(pids.len(), 2, "{first} {second}");
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    (victim, pids)
}

#[test]
fn child_gets_sigterm_in_its_phase_and_is_waited_for() {
    let name = "child::child_gets_sigterm_in_its_phase_and_is_waited_for";
    let ended = victim::signal(name, libc::SIGTERM, || {
        let shutdown = shutdown(30);
        // A foreground command: dash may lose a signal that arrives around `wait`.
        let script = "trap 'echo child done; exit 7' TERM; echo up; while :; do sleep 0.05; done";
        let child = shutdown.child_builder("worker").phase(Phase::DRAIN);
        let child = child.spawn(shell(script)).expect("it starts");
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        flush
            .on_shutdown(move |_| println!("status {:?}", child.try_wait().and_then(|s| s.code())))
            .expect("it is accepted");
        thread::sleep(300 * MS);
        wait(&shutdown);
    });
    ended.assert_status(0).assert_says("child done");
    ended.assert_says("status Some(7)");
}

/// A shell unblocks the signals that it traps. This one traps none, so it ends only if
/// it was started with SIGTERM unblocked, as its parent was.
#[test]
fn child_without_a_handler_is_ended_by_sigterm() {
    let name = "child::child_without_a_handler_is_ended_by_sigterm";
    let ended = victim::start(name, || {
        let shutdown = shutdown(30);
        let mut sleep = Command::new("sleep");
        sleep.arg("60").stdin(Stdio::null());
        let child = shutdown.child("sleep", sleep).expect("it starts");
        let begun = Instant::now();
        let _ = shutdown.finish();
        assert!(begun.elapsed() < Duration::from_secs(15));
        println!("status {:?}", child.try_wait().and_then(|s| s.signal()));
    });
    ended.wait().assert_status(0).assert_says("status Some(15)");
}

#[test]
fn deadline_kills_the_group_of_a_child_that_ignores_sigterm() {
    let name = "child::deadline_kills_the_group_of_a_child_that_ignores_sigterm";
    let (victim, pids) = with_two(name, || {
        let shutdown = shutdown(1);
        // The child's phase does not begin, because an earlier one hangs.
        let hangs = shutdown.task("hangs").phase(Phase::CLOSE);
        hangs
            .on_shutdown(|_| -> () { hang() })
            .expect("it is accepted");
        let last = shutdown.child_builder("deaf").spawn(shell(DEAF));
        drop(last.expect("it starts"));
        thread::sleep(300 * MS);
        println!("ready");
        shutdown.watchdog().arm_within(500 * MS);
        hang()
    });
    let ended = victim.wait();
    ended.assert_status(124);
    assert!(are_gone(&pids), "{pids:?} {ended:#?}");
}

/// The control: without registration, both processes survive.
#[test]
fn control_child_of_a_plain_command_outlives_the_deadline() {
    let name = "child::control_child_of_a_plain_command_outlives_the_deadline";
    let (victim, pids) = with_two(name, || {
        let shutdown = shutdown(1);
        let mut child = shell(DEAF).process_group(0).spawn().expect("it starts");
        thread::sleep(300 * MS);
        println!("ready");
        shutdown.watchdog().arm_within(500 * MS);
        let _ = child.wait();
        hang()
    });
    let ended = victim.wait();
    ended.assert_status(124);
    let alive = pids.iter().all(|pid| is_alive(*pid));
    kill(&pids);
    assert!(alive, "{pids:?}");
}

#[test]
fn child_that_ignores_sigterm_is_killed_within_its_budget_and_named() {
    let name = "child::child_that_ignores_sigterm_is_killed_within_its_budget_and_named";
    let (victim, pids) = with_two(name, || {
        let shutdown = shutdown(30);
        let child = shutdown
            .child_builder("deaf")
            .budget(Duration::from_secs(1));
        let _child = child.spawn(shell(DEAF)).expect("it starts");
        thread::sleep(300 * MS);
        wait(&shutdown);
    });
    victim.send(libc::SIGTERM);
    let ended = victim.wait();
    ended.assert_status(1).assert_says("\"deaf\"");
    ended.assert_says("of signal 15 and was killed");
    assert!(ended.after < Duration::from_secs(20), "{ended:#?}");
    assert!(are_gone(&pids), "{pids:?}");
}

#[test]
fn stopped_child_gets_its_sigterm() {
    let ended = victim::signal(
        "child::stopped_child_gets_its_sigterm",
        libc::SIGTERM,
        || {
            let shutdown = shutdown(30);
            let child = shutdown.child("stopped", shell("kill -STOP $$; sleep 60"));
            let _child = child.expect("it starts");
            thread::sleep(100 * MS);
            wait(&shutdown);
        },
    );
    ended.assert_status(0);
    assert!(ended.after < Duration::from_secs(20), "{ended:#?}");
}

#[test]
fn sigkill_of_this_process_ends_the_child() {
    let name = "child::sigkill_of_this_process_ends_the_child";
    let mut victim = victim::start(name, || {
        let shutdown = shutdown(30);
        // A thread spawns the child, and ends. The child must not end with the thread.
        let spawner = shutdown.clone();
        let spawner = thread::spawn(move || {
            let mut sleep = Command::new("sleep");
            sleep.arg("60");
            spawner.child("sleeper", sleep).expect("it starts").id()
        });
        let pid = spawner.join().expect("it ends");
        println!("pid {pid}");
        thread::sleep(200 * MS);
        println!("alive {}", is_alive(pid as i32));
        wait(&shutdown);
    });
    let pids = pids(&victim.hear("pid "));
    assert!(victim.hear("alive").contains("true"));
    victim.hear("ready");
    victim.send(libc::SIGKILL);
    victim.wait();
    assert!(are_gone(&pids), "{pids:?}");
}

#[test]
fn child_that_ended_before_is_reaped_and_its_task_cancelled() {
    let name = "child::child_that_ended_before_is_reaped_and_its_task_cancelled";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        for status in [0, 3] {
            let child = shutdown.child("short", shell(&format!("exit {status}")));
            let child = child.expect("it starts");
            println!("exit {:?}", child.wait().and_then(|status| status.code()));
            assert!(!is_alive(child.id() as i32));
            assert!(child.kill().is_err());
        }
        thread::sleep(50 * MS);
        let _ = shutdown.finish();
        let report = shutdown.report().expect("it is over");
        println!("{} tasks", report.tasks().count());
        std::process::exit(0);
    });
    ended
        .assert_says("exit Some(0)")
        .assert_says("exit Some(3)");
    ended.assert_says("0 tasks");
}

/// The number of a leader is not given to another process while its group lives, and the
/// deadline still reaches the group.
#[test]
fn group_that_outlives_its_leader_is_killed_at_the_deadline() {
    let name = "child::group_that_outlives_its_leader_is_killed_at_the_deadline";
    let mut victim = victim::start(name, || {
        let shutdown = shutdown(30);
        let child = shutdown.child("leader", shell("sleep 60 & echo pid $!; exit 5"));
        let child = child.expect("it starts");
        println!("leader {:?}", child.wait().and_then(|status| status.code()));
        println!("ready");
        shutdown.watchdog().arm_within(300 * MS);
        hang()
    });
    let pids = pids(&victim.hear("pid "));
    assert!(victim.hear("leader").contains("Some(5)"));
    victim.hear("ready");
    assert!(is_alive(pids[0]));
    let ended = victim.wait();
    ended.assert_status(124);
    assert!(are_gone(&pids), "{pids:?}");
}

/// Ends without exit handlers while a listed group outlives its leader.
fn ends_without_handlers(test: &str, clean_exit: CleanExit) -> victim::Ended {
    let mut victim = victim::start(test, || {
        let builder = deadstop::Shutdown::builder().clean_exit(clean_exit);
        let shutdown = builder.install().expect("install succeeds");
        let child = shutdown.child("leader", shell("sleep 60 & echo pid $!; exit 0"));
        let child = child.expect("it starts");
        println!("leader {:?}", child.wait().and_then(|status| status.code()));
        println!("ready");
        raise_sigterm();
        shutdown.wait_and_exit();
    });
    let pids = pids(&victim.hear("pid "));
    victim.hear("ready");
    let ended = victim.wait();
    assert!(are_gone(&pids), "{pids:?} {ended:#?}");
    ended
}

#[test]
fn immediate_end_kills_the_group_that_outlives_its_leader() {
    let name = "child::immediate_end_kills_the_group_that_outlives_its_leader";
    ends_without_handlers(name, CleanExit::Immediate).assert_status(0);
}

#[test]
fn end_by_the_signal_kills_the_group_that_outlives_its_leader() {
    let name = "child::end_by_the_signal_kills_the_group_that_outlives_its_leader";
    let ended = ends_without_handlers(name, CleanExit::Reraise);
    assert_eq!(ended.signal, Some(libc::SIGTERM), "{ended:#?}");
}

/// Starts a scenario with a listed group of two that ignore SIGTERM, and whose shutdown
/// has begun once it is ready.
fn with_group_that_ignores_sigterm(
    test: &str,
    change: fn(deadstop::ShutdownBuilder) -> deadstop::ShutdownBuilder,
) -> (victim::Victim, Vec<i32>) {
    with_two(test, || {
        let builder = deadstop::Shutdown::builder().grace(Duration::from_secs(30));
        let shutdown = change(builder).install().expect("install succeeds");
        let hangs = shutdown.task("hangs").phase(Phase::UNBIND);
        hangs
            .on_shutdown(|_| -> () {
                // After this line, a signal counts as the second one.
                thread::sleep(300 * MS);
                println!("ready");
                hang()
            })
            .expect("it is accepted");
        let child = shutdown.child_builder("deaf").phase(Phase::CLOSE);
        let _child = child.spawn(shell(DEAF)).expect("it starts");
        thread::sleep(300 * MS);
        raise_sigterm();
        hang()
    })
}

#[test]
fn second_signal_kills_the_group() {
    let name = "child::second_signal_kills_the_group";
    let (victim, pids) =
        with_group_that_ignores_sigterm(name, |builder| builder.second_signal(SecondSignal::End));
    victim.send(libc::SIGTERM);
    let ended = victim.wait();
    assert_eq!(ended.signal, Some(libc::SIGTERM), "{ended:#?}");
    assert!(are_gone(&pids), "{pids:?} {ended:#?}");
}

/// If a core dump may finish, the timer sends the highest free signal, and its handler ends the
/// process. The test sends that signal in the timer's place.
#[test]
fn handler_of_the_backup_timer_kills_the_group() {
    let name = "child::handler_of_the_backup_timer_kills_the_group";
    let (victim, pids) =
        with_group_that_ignores_sigterm(name, |builder| builder.finish_core_dumps(true));
    victim.send(libc::SIGRTMAX());
    let ended = victim.wait();
    ended.assert_status(137);
    assert!(are_gone(&pids), "{pids:?} {ended:#?}");
}

/// The program calls `exit(0)` although a task has failed. The shutdown's status replaces 0, and
/// the exit handlers that were registered before `install` do not run. The group must still be
/// killed.
#[test]
fn exit_that_becomes_a_failure_kills_the_group_that_outlives_its_leader() {
    let name = "child::exit_that_becomes_a_failure_kills_the_group_that_outlives_its_leader";
    let mut victim = victim::start(name, || {
        let shutdown = shutdown(30);
        let deaf = "trap '' TERM; sleep 60 & echo pid $!; exit 0";
        let child = shutdown.child("leader", shell(deaf)).expect("it starts");
        println!("leader {:?}", child.wait().and_then(|status| status.code()));
        let fails = shutdown.task("fails").on_shutdown(|_| Err("as asked"));
        fails.expect("it is accepted");
        println!("ready");
        assert!(shutdown.request(deadstop::Cause::requested("a test")));
        std::process::exit(0);
    });
    let pids = pids(&victim.hear("pid "));
    victim.hear("ready");
    let ended = victim.wait();
    ended.assert_status(1);
    assert!(are_gone(&pids), "{pids:?} {ended:#?}");
}

#[expect(unsafe_code, reason = "sends a signal to this process")]
fn raise_sigterm() {
    // SAFETY: `raise` takes an integer.
    assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0);
}

#[test]
fn more_children_than_the_watchdog_lists_all_end() {
    let name = "child::more_children_than_the_watchdog_lists_all_end";
    let mut victim = victim::start(name, || {
        let shutdown = shutdown(30);
        let mut unlisted = 0;
        for _ in 0..260 {
            let mut sleep = Command::new("sleep");
            sleep.arg("60");
            let child = shutdown.child("sleeper", sleep).expect("it starts");
            println!("pid {}", child.id());
            unlisted += usize::from(!child.is_listed());
        }
        println!("unlisted {unlisted}");
        println!("ready");
        shutdown.watchdog().arm_within(300 * MS);
        hang()
    });
    victim.hear("unlisted 4");
    let ended = victim.wait();
    ended.assert_status(124);
    let pids = pids(&ended.stdout);
    assert_eq!(pids.len(), 260);
    assert!(are_gone(&pids));
}

#[test]
fn program_that_does_not_exist_is_an_error_and_no_task() {
    let name = "child::program_that_does_not_exist_is_an_error_and_no_task";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let child = shutdown.child("none", Command::new("/no/such/program"));
        println!("{}", child.expect_err("it does not exist"));
        finish(&shutdown);
    });
    ended
        .assert_status(0)
        .assert_says("the child could not be started");
}

#[test]
fn signal_that_does_not_exist_is_an_error_and_starts_no_child() {
    let name = "child::signal_that_does_not_exist_is_an_error_and_starts_no_child";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        for number in [-1, 0, 65, 999] {
            let mut echo = Command::new("echo");
            echo.arg("it runs");
            let child = shutdown.child_builder("none").signal(number.into());
            println!("{}", child.spawn(echo).expect_err("there is none"));
        }
        finish(&shutdown);
    });
    ended
        .assert_status(0)
        .assert_says("the child's signal has the number 0; allowed are")
        .assert_says("number 999;")
        .assert_silent_about("it runs");
}

/// A child inherits the signal mask of the thread that spawns it. That thread blocks all signals,
/// so the mask must be cleared in the child.
#[test]
fn child_begins_with_no_signal_blocked() {
    let ended = victim::run("child::child_begins_with_no_signal_blocked", || {
        let shutdown = shutdown(30);
        let mut grep = Command::new("grep");
        grep.args(["SigBlk", "/proc/self/status"]);
        let child = shutdown.child("grep", grep).expect("it starts");
        child.wait();
        finish(&shutdown);
    });
    ended
        .assert_status(0)
        .assert_says("SigBlk:\t0000000000000000");
}

/// The leader of the group ends at SIGTERM, and the process that it started ignores it.
#[test]
fn phase_ends_the_group_that_outlives_its_leader() {
    let name = "child::phase_ends_the_group_that_outlives_its_leader";
    let mut victim = victim::start(name, || {
        let shutdown = shutdown(30);
        let script = "sh -c 'trap \"\" TERM; echo pid $$; while :; do sleep 0.1; done' & wait";
        let child = shutdown
            .child_builder("leader")
            .budget(Duration::from_secs(1));
        let child = child.spawn(shell(script)).expect("it starts");
        wait_for_line();
        println!("ready");
        let _ = shutdown.finish();
        println!(
            "leader {:?}",
            child.try_wait().and_then(|status| status.signal())
        );
        shutdown.wait_and_exit();
    });
    let pids = pids(&victim.hear("pid "));
    victim.hear("ready");
    let ended = victim.wait();
    let alive = is_alive(pids[0]);
    kill(&pids);
    assert!(!alive, "{pids:?} {ended:#?}");
    // The child had to be killed.
    ended.assert_status(1).assert_says("leader Some(15)");
    ended.assert_says("others of its process group have not");
}

/// A process that the leader started outlives it, but ends by itself. The phase must wait for
/// it.
#[test]
fn phase_waits_for_the_group_that_outlives_its_leader() {
    let name = "child::phase_waits_for_the_group_that_outlives_its_leader";
    let mut victim = victim::start(name, || {
        let shutdown = shutdown(30);
        let last = "trap \"sleep 0.5; echo last; exit\" TERM; echo pid $$";
        let script = format!("sh -c '{last}; while :; do sleep 0.1; done' & wait");
        let _child = shutdown.child("leader", shell(&script)).expect("it starts");
        wait_for_line();
        println!("ready");
        let _ = shutdown.finish();
        println!("finished");
    });
    victim.hear("ready");
    victim.wait().assert_status(0).assert_says("last\nfinished");
}

/// Gives the processes of a script the time to set their traps.
fn wait_for_line() {
    thread::sleep(500 * MS);
}

/// `main` returns without a shutdown, or after one in which the child's task was cancelled.
#[test]
fn exit_kills_the_group_that_outlives_its_leader() {
    for finishes in ["yes", "no"] {
        let name = "child::exit_kills_the_group_that_outlives_its_leader";
        let variables = [("FINISHES", finishes)];
        let mut victim = victim::start_with(name, &variables, || {
            let shutdown = shutdown(30);
            let deaf = "trap '' TERM; sleep 60 & echo pid $!; exit 0";
            let child = shutdown.child("leader", shell(deaf)).expect("it starts");
            println!("leader {:?}", child.wait().and_then(|status| status.code()));
            if std::env::var("FINISHES").is_ok_and(|it| it == "yes") {
                let _ = shutdown.finish();
            }
        });
        let pids = pids(&victim.hear("pid "));
        let ended = victim.wait();
        let are_gone = are_gone(&pids);
        kill(&pids);
        assert!(are_gone, "{finishes}: {pids:?} {ended:#?}");
        ended.assert_status(0);
    }
}

/// The program closes all descriptors, and opens files with the same numbers. The keeper must not
/// spin, and must still be able to spawn a child.
#[cfg(target_os = "linux")]
#[test]
fn keeper_whose_descriptors_were_replaced_is_not_busy_and_spawns_the_next_child() {
    let name =
        "child::keeper_whose_descriptors_were_replaced_is_not_busy_and_spawns_the_next_child";
    let ended = victim::start(name, || {
        let shutdown = shutdown(30);
        let first = shutdown.child("first", shell("sleep 2"));
        let first = first.expect("it starts");
        let path = std::env::temp_dir().join(format!("deadstop-{}", std::process::id()));
        let file = fs::File::create_new(&path).expect("a file");
        victim::replace_descriptors(&file);
        let before = victim::processor_time("deadstop-child");
        thread::sleep(1000 * MS);
        let used = victim::processor_time("deadstop-child") - before;
        assert!(used < 300 * MS, "{used:?}");
        let second = shutdown.child("second", shell("exit 3"));
        let second = second.expect("it starts");
        let code = |child: &deadstop::drain::Child| {
            let status = child.wait_timeout(Duration::from_secs(30));
            status.flatten().and_then(|status| status.code())
        };
        println!("first {:?}, second {:?}", code(&first), code(&second));
        println!("written {:?}", fs::metadata(&path).map(|it| it.len()).ok());
        let _ = fs::remove_file(&path);
        finish(&shutdown);
    });
    let ended = ended.wait();
    ended.assert_says("first Some(0), second Some(3)");
    ended.assert_says("written Some(0)").assert_status(0);
}
