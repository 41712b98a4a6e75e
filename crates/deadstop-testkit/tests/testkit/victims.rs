//! The harness itself.

use std::io::{self, Write};
use std::mem::MaybeUninit;

use super::*;

fn sh(script: &str) -> VictimBuilder {
    Victim::command("sh").args(["-c", script])
}

/// A victim that has a victim: this program, run again for one of its tests.
fn this_test(name: &str) -> VictimBuilder {
    let this = std::env::current_exe().expect("it has a path");
    Victim::command(this).args(["--ignored", "--exact", "--nocapture", name])
}

/// Says it on a line of its own, whatever the test's runner has begun.
fn say(line: &str) {
    let line = format!("\n{line}\n");
    let said = io::stdout().write_all(line.as_bytes());
    said.expect("the reader is there");
}

fn start(builder: VictimBuilder) -> Victim {
    builder.start().expect("the victim starts")
}

/// Returns `true` if process `id` exists, and is not a zombie.
fn is_there(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn assert_goes(id: u32) {
    let patience = Instant::now() + TIMEOUT;
    while is_there(id) {
        assert!(Instant::now() < patience, "process {id} is still there");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The number in a line that begins with `word`.
fn number(victim: &mut Victim, word: &str) -> u32 {
    let line = victim.wait_for_line(word, TIMEOUT).expect("it says it");
    let number = line.rsplit(' ').next().map(str::parse);
    number.expect("a word").expect("a number")
}

#[test]
fn wait_accepts_the_longest_duration() {
    let mut victim = start(sh("echo ready; exit 6"));
    let line = victim.wait_for_line("ready", Duration::MAX);
    assert_eq!(line.expect("it is said"), "ready");
    let death = victim.wait(Duration::MAX).expect("it ends");
    death.assert_status(6);
    assert_eq!(death.code(), Some(6));
    assert_eq!(death.signal(), None);
}

#[test]
fn harness_types_are_send_and_sync() {
    fn goes<T: Send + Sync + std::fmt::Debug + 'static>() {}
    goes::<Victim>();
    goes::<VictimBuilder>();
    goes::<Death>();
    goes::<deadstop_testkit::StillAlive>();
    goes::<deadstop_testkit::NotSaid>();
}

#[test]
fn dropped_victim_is_killed_with_its_children() {
    let mut victim = start(sh("sleep 600 & echo child $!; wait"));
    let child = number(&mut victim, "child");
    let id = victim.id();
    assert!(is_there(id) && is_there(child));
    drop(victim);
    assert!(!is_there(id));
    assert_goes(child);
}

#[test]
fn children_of_ended_victim_are_killed() {
    let mut victim = start(sh("sleep 600 & echo child $!"));
    let child = number(&mut victim, "child");
    let death = victim.wait(TIMEOUT).expect("it ends");
    death.assert_status(0);
    assert_goes(child);
}

#[test]
fn victim_outlives_the_thread_that_started_it() {
    let started = std::thread::spawn(|| start(sh("sleep 0.3; echo done; exit 7")));
    let mut victim = started.join().expect("the thread ends");
    let death = victim.wait(TIMEOUT).expect("it ends");
    death.assert_status(7);
    assert!(says(&death, "done"), "{death}");
}

#[test]
fn victim_is_killed_when_the_test_process_dies() {
    let mut parent = start(this_test("victims::starts_a_victim_and_is_killed"));
    let child = number(&mut parent, "child");
    assert!(is_there(child));
    parent.signal(Signal::from(9)).expect("the parent is there");
    let death = parent.wait(TIMEOUT).expect("it ends");
    death.assert_signal(Signal::from(9));
    assert_goes(child);
}

#[test]
#[ignore = "the victim of victim_is_killed_when_the_test_process_dies"]
fn starts_a_victim_and_is_killed() {
    let mut victim = start(Victim::command("sleep").arg("600"));
    say(&format!("child {}", victim.id()));
    // Until it is killed, and no longer than a test may last.
    let _ = victim.wait(TIMEOUT);
}

#[test]
fn endless_output_is_read_and_bounded() {
    let mut victim = start(sh(
        "head -c 50000000 /dev/zero | tr '\\0' x; head -c 50000000 /dev/zero >&2; exit 3",
    ));
    let death = victim.wait(TIMEOUT).expect("it ends");
    death.assert_status(3);
    for text in [death.stdout(), death.stderr()] {
        assert!(text.len() < 1_000_000, "{}", text.len());
        assert!(text.contains("bytes are left out here"));
    }
}

#[test]
fn time_counts_from_the_first_signal() {
    const LIFE: Duration = Duration::from_secs(2);
    let mut victim = start(sh(
        "trap '' USR1; trap 'sleep 2; exit 5' TERM; echo ready; sleep 600 & wait",
    ));
    let ready = victim.wait_for_line("ready", TIMEOUT);
    ready.expect("it gets ready");
    let before = Instant::now();
    victim.signal(Signal::TERM).expect("it is there");
    std::thread::sleep(LIFE / 10);
    victim.signal(Signal::USR1).expect("it is there");
    let death = victim.wait(TIMEOUT).expect("it ends");
    let at_most = before.elapsed();
    death.assert_status(5).assert_not_before(LIFE);
    assert!(death.after() <= at_most, "{death}");
    assert_eq!(death.lateness(LIFE), death.after() - LIFE);
    assert_eq!(death.lateness(TIMEOUT), Duration::ZERO);
    // Another process may have its number from here on.
    assert!(victim.signal(Signal::TERM).is_err());
    // A second call returns the same.
    let again = victim.wait(Duration::ZERO).expect("it has ended");
    assert_eq!(again.after(), death.after());
}

#[test]
fn error_for_missing_line_contains_the_output() {
    let mut victim = start(sh("echo nearly; sleep 600"));
    victim.wait_for_line("nearly", TIMEOUT).expect("it is said");
    let waited = Duration::from_millis(200);
    let before = Instant::now();
    let error = victim.wait_for_line("ready", waited);
    let error = error.expect_err("no line says so").to_string();
    assert!(before.elapsed() >= waited);
    for part in ["has not written \"ready\"", "running", "stdout:\nnearly"] {
        assert!(error.contains(part), "{error}");
    }
    // A victim that ends without the line is not waited for.
    let mut victim = start(sh("echo sorry >&2; exit 4"));
    let error = victim.wait_for_line("ready", LONG).expect_err("it ends");
    let error = error.to_string();
    assert!(error.contains("stderr:\nsorry"), "{error}");
}

#[test]
fn failed_assertion_prints_status_time_and_output() {
    let mut victim = start(sh("echo out; echo err >&2; exit 4").plant("a", Fault::Spin));
    let death = victim.wait(TIMEOUT).expect("it ends");
    let failed = std::panic::catch_unwind(|| death.assert_status(124).code());
    let failed = failed.expect_err("the status is another");
    let text = failed.downcast_ref::<String>().expect("a text");
    for part in [
        "did not end with status 124",
        "DEADSTOP_FAULT=\"a=spin\" sh \"-c\"",
        "ended by exit status: 4",
        "after it was started",
        "stdout:\nout\n",
        "stderr:\nerr\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let fails =
        |assert: fn(&Death) -> &Death| std::panic::catch_unwind(|| assert(&death).code()).is_err();
    assert!(fails(|death| death.assert_names("a")));
    assert!(fails(|death| death.assert_not_before(LONG)));
    assert!(fails(|death| death.assert_signal(Signal::TERM)));
}

const ASK: &str = "echo \"<$DEADSTOP_FAULT>\"";

#[test]
fn victim_has_the_planted_faults() {
    let said = |victim: VictimBuilder| {
        let death = start(victim).wait(TIMEOUT).expect("it ends");
        death.stdout().trim_end().to_owned()
    };
    assert_eq!(said(sh(ASK)), "<>");
    assert_eq!(said(sh(ASK).env("DEADSTOP_FAULT", "own")), "<own>");
    let planted = sh(ASK).plant("a b", Fault::Spin).plant("/c", Fault::Panic);
    assert_eq!(said(planted), "<a b=spin;/c=panic>");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", ASK]);
    let planted = VictimBuilder::from(command).plant("a", Fault::Sleep);
    assert_eq!(said(planted), "<a=sleep>");
}

#[test]
fn victim_inherits_no_fault() {
    let mut parent = start(
        this_test("victims::starts_a_victim_that_says_its_faults")
            .env("DEADSTOP_FAULT", "inherited"),
    );
    let death = parent.wait(TIMEOUT).expect("it ends");
    assert!(says(&death, "the test has inherited"), "{death}");
    assert!(says(&death, "its victim has <>"), "{death}");
}

#[test]
#[ignore = "the victim of victim_inherits_no_fault"]
fn starts_a_victim_that_says_its_faults() {
    let own = std::env::var("DEADSTOP_FAULT").unwrap_or_default();
    let death = start(sh(ASK)).wait(TIMEOUT).expect("it ends");
    say(&format!(
        "the test has {own}\nits victim has {}",
        death.stdout().trim_end()
    ));
}

#[test]
fn name_that_the_variable_cannot_hold_is_an_error() {
    for name in ["a=b", "a;b", "", " a", "a ", " "] {
        let error = sh("").plant(name, Fault::Spin).start();
        let error = error.expect_err("it cannot be planted");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{name:?}");
    }
    let twice = sh("").plant("a", Fault::Spin).plant("a", Fault::Panic);
    assert!(twice.start().is_err());
    let missing = Victim::command("/no/such/program").start();
    assert!(missing.is_err());
}

/// Blocks SIGTERM in the calling thread and in the threads that it starts.
fn block_sigterm() {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set is initialized.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM) };
    // SAFETY: the first pointer is valid for reads, the second may be null.
    let blocked =
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) };
    assert_eq!(blocked, 0, "pthread_sigmask");
}

#[test]
fn victim_blocks_no_signal_that_the_test_blocks() {
    block_sigterm();
    // Not a shell: that would unblock it by itself.
    let mut victim = start(Victim::command("sleep").arg("600"));
    victim.signal(Signal::TERM).expect("it is there");
    let death = victim.wait(TIMEOUT).expect("it ends");
    death.assert_signal(Signal::TERM);
}
