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
    said.expect("somebody reads");
}

fn start(builder: VictimBuilder) -> Victim {
    builder.start().expect("the victim starts")
}

/// Whether a process of this number is there, and not a zombie.
fn is_there(id: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

fn assert_goes(id: u32) {
    let patience = Instant::now() + PATIENCE;
    while is_there(id) {
        assert!(Instant::now() < patience, "process {id} is still there");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The number in a line that begins with `word`.
fn number(victim: &mut Victim, word: &str) -> u32 {
    let line = victim.wait_for_line(word, PATIENCE).expect("it says it");
    let number = line.rsplit(' ').next().map(str::parse);
    number.expect("a word").expect("a number")
}

#[test]
fn a_victim_is_waited_for_without_a_bound_if_need_be() {
    let mut victim = start(sh("echo ready; exit 6"));
    let line = victim.wait_for_line("ready", Duration::MAX);
    assert_eq!(line.expect("it is said"), "ready");
    let death = victim.wait(Duration::MAX).expect("it ends");
    death.assert_status(6);
    assert_eq!(death.code(), Some(6));
    assert_eq!(death.signal(), None);
}

#[test]
fn what_a_test_holds_goes_to_any_thread() {
    fn goes<T: Send + Sync + std::fmt::Debug + 'static>() {}
    goes::<Victim>();
    goes::<VictimBuilder>();
    goes::<Death>();
    goes::<deadstop::fault::StillAlive>();
    goes::<deadstop::fault::NotSaid>();
}

#[test]
fn a_victim_that_is_dropped_is_gone_with_its_children() {
    let mut victim = start(sh("sleep 600 & echo child $!; wait"));
    let child = number(&mut victim, "child");
    let id = victim.id();
    assert!(is_there(id) && is_there(child));
    drop(victim);
    assert!(!is_there(id));
    assert_goes(child);
}

#[test]
fn a_victim_that_ends_takes_its_children_along() {
    let mut victim = start(sh("sleep 600 & echo child $!"));
    let child = number(&mut victim, "child");
    let death = victim.wait(PATIENCE).expect("it ends");
    death.assert_status(0);
    assert_goes(child);
}

#[test]
fn a_victim_outlives_the_thread_that_started_it() {
    let started = std::thread::spawn(|| start(sh("sleep 0.3; echo done; exit 7")));
    let mut victim = started.join().expect("the thread ends");
    let death = victim.wait(PATIENCE).expect("it ends");
    death.assert_status(7);
    assert!(says(&death, "done"), "{death}");
}

#[test]
fn a_victim_dies_with_the_process_that_started_it() {
    let mut parent = start(this_test("victims::starts_a_victim_and_is_killed"));
    let child = number(&mut parent, "child");
    assert!(is_there(child));
    parent
        .signal(Signal::Other(9))
        .expect("the parent is there");
    let death = parent.wait(PATIENCE).expect("it ends");
    death.assert_signal(Signal::Other(9));
    assert_goes(child);
}

#[test]
#[ignore = "the other half of a_victim_dies_with_the_process_that_started_it"]
fn starts_a_victim_and_is_killed() {
    let mut victim = start(Victim::command("sleep").arg("600"));
    say(&format!("child {}", victim.id()));
    // For as long as nobody kills it, and no longer than a test may last.
    let _ = victim.wait(PATIENCE);
}

#[test]
fn output_without_end_blocks_nobody_and_is_bounded() {
    let mut victim = start(sh(
        "head -c 50000000 /dev/zero | tr '\\0' x; head -c 50000000 /dev/zero >&2; exit 3",
    ));
    let death = victim.wait(PATIENCE).expect("it ends");
    death.assert_status(3);
    for text in [death.stdout(), death.stderr()] {
        assert!(text.len() < 1_000_000, "{}", text.len());
        assert!(text.contains("bytes are left out here"));
    }
}

#[test]
fn the_time_is_counted_from_the_first_signal() {
    const LIFE: Duration = Duration::from_secs(2);
    let mut victim = start(sh(
        "trap '' USR1; trap 'sleep 2; exit 5' TERM; echo ready; sleep 600 & wait",
    ));
    let ready = victim.wait_for_line("ready", PATIENCE);
    ready.expect("it gets ready");
    let before = Instant::now();
    victim.signal(Signal::Terminate).expect("it is there");
    std::thread::sleep(LIFE / 10);
    victim.signal(Signal::User1).expect("it is there");
    let death = victim.wait(PATIENCE).expect("it ends");
    let at_most = before.elapsed();
    death.assert_status(5).assert_not_before(LIFE);
    assert!(death.after() <= at_most, "{death}");
    assert_eq!(death.lateness(LIFE), death.after() - LIFE);
    assert_eq!(death.lateness(PATIENCE), Duration::ZERO);
    // Its number may be somebody else's from here on.
    assert!(victim.signal(Signal::Terminate).is_err());
    // Who asks again is told the same.
    let again = victim.wait(Duration::ZERO).expect("it has ended");
    assert_eq!(again.after(), death.after());
}

#[test]
fn a_line_that_does_not_come_is_an_error_that_says_what_did() {
    let mut victim = start(sh("echo nearly; sleep 600"));
    victim
        .wait_for_line("nearly", PATIENCE)
        .expect("it is said");
    let waited = Duration::from_millis(200);
    let before = Instant::now();
    let error = victim.wait_for_line("ready", waited);
    let error = error.expect_err("nobody says so").to_string();
    assert!(before.elapsed() >= waited);
    for part in ["has not said \"ready\"", "still there", "stdout:\nnearly"] {
        assert!(error.contains(part), "{error}");
    }
    // Who ends without it is not waited for.
    let mut victim = start(sh("echo sorry >&2; exit 4"));
    let error = victim.wait_for_line("ready", LONG).expect_err("it ends");
    let error = error.to_string();
    assert!(error.contains("stderr:\nsorry"), "{error}");
}

#[test]
fn an_assertion_that_fails_says_all_there_is() {
    let mut victim = start(sh("echo out; echo err >&2; exit 4").plant("a", Fault::Spin));
    let death = victim.wait(PATIENCE).expect("it ends");
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
    assert!(fails(|death| death.assert_signal(Signal::Terminate)));
}

const ASK: &str = "echo \"<$DEADSTOP_FAULT>\"";

#[test]
fn a_victim_has_the_faults_that_it_is_given() {
    let said = |victim: VictimBuilder| {
        let death = start(victim).wait(PATIENCE).expect("it ends");
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
fn a_victim_inherits_no_fault() {
    let mut parent = start(
        this_test("victims::starts_a_victim_that_says_its_faults")
            .env("DEADSTOP_FAULT", "inherited"),
    );
    let death = parent.wait(PATIENCE).expect("it ends");
    assert!(says(&death, "the test has inherited"), "{death}");
    assert!(says(&death, "its victim has <>"), "{death}");
}

#[test]
#[ignore = "the other half of a_victim_inherits_no_fault"]
fn starts_a_victim_that_says_its_faults() {
    let own = std::env::var("DEADSTOP_FAULT").unwrap_or_default();
    let death = start(sh(ASK)).wait(PATIENCE).expect("it ends");
    say(&format!(
        "the test has {own}\nits victim has {}",
        death.stdout().trim_end()
    ));
}

#[test]
fn a_fault_that_cannot_be_written_down_is_an_error() {
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

/// Blocks it in the calling thread, and in those that it starts.
fn block_sigterm() {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set is initialised.
    unsafe { libc::sigaddset(set.as_mut_ptr(), libc::SIGTERM) };
    // SAFETY: the first pointer is valid for reads, the second may be null.
    let blocked =
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) };
    assert_eq!(blocked, 0, "pthread_sigmask");
}

#[test]
fn a_victim_hears_signals_whatever_the_test_blocks() {
    block_sigterm();
    // Not a shell: that would unblock it by itself.
    let mut victim = start(Victim::command("sleep").arg("600"));
    victim.signal(Signal::Terminate).expect("it is there");
    let death = victim.wait(PATIENCE).expect("it ends");
    death.assert_signal(Signal::Terminate);
}
