//! Two copies of the library in one process hear one signal.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::build::build;
use crate::harness::{self, End, Victim};
use crate::trial;

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// A library that has a copy of ours in it.
pub(crate) fn plugin() -> &'static PathBuf {
    static PLUGIN: OnceLock<PathBuf> = OnceLock::new();
    PLUGIN.get_or_init(|| {
        // An example needs all that tests need, which is where this test is
        // from already.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
        let target = target.expect("it is in the target folder");
        let (profile, folder) = match cfg!(debug_assertions) {
            false => ("release", "release"),
            true => ("dev", "debug"),
        };
        build(target, |build| {
            build.args(["--example", "plugin", "--profile", profile]);
        });
        target.join(folder).join("examples").join("libplugin.so")
    })
}

pub(crate) fn trials() -> Vec<Trial> {
    let name = "two_copies::hear_one_signal";
    vec![trial(name.to_owned(), hear_one_signal)]
}

/// The tasks of each have run, whichever hears the signal first.
fn hear_one_signal() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        for fault in ["plugin_installs_first", "plugin_installs_second"] {
            let mut command = harness::command(fault, LONG, "watched");
            command.env("PLUGIN", plugin());
            let mut victim = Victim::start(command, fault, LONG);
            victim.trigger(signal);
            let death = victim.wait();
            assert_eq!(death.end, End::Status(0), "{death:?}");
            for line in ["ran close", "ran in the plugin"] {
                assert!(death.stdout.lines().any(|said| said == line), "{death:?}");
            }
        }
    }
}
