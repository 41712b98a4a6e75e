//! Two copies of the library in one process receive one signal.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use libtest_mimic::Trial;

use crate::build::build;
use crate::harness::{self, End, Victim};
use crate::trial;

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// Returns a shared library that contains a second copy of deadstop.
pub(crate) fn plugin() -> &'static PathBuf {
    static PLUGIN: OnceLock<PathBuf> = OnceLock::new();
    PLUGIN.get_or_init(|| {
        // The example's dependencies are those of this test: they are built.
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
    let name = "two_copies::receive_one_signal";
    vec![trial(name.to_owned(), receive_one_signal)]
}

/// The tasks of both copies run, whichever handler is called first.
fn receive_one_signal() {
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
