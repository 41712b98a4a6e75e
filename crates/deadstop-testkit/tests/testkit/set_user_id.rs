//! `DEADSTOP_FAULT` in a program that has more rights than its caller.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::*;

/// Some other user.
const OTHER: u32 = 54_326;

/// A copy of the app that belongs to another user, in a folder that is removed.
struct Copy(PathBuf);

impl Copy {
    /// `None` if this process may not give files away.
    fn new(name: &str, mode: u32) -> Option<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).expect("the folder is writable");
        let copy = Self(folder);
        fs::copy(env!("CARGO_BIN_EXE_testkit_app"), copy.app()).expect("there is room");
        if chown(copy.app(), Some(OTHER), None).is_err() {
            let no_skips = std::env::var_os("DEADSTOP_NO_SKIPS").is_some();
            assert!(!no_skips, "needs root");
            return None;
        }
        // The new owner has cleared the bits.
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(copy.app(), mode).expect("it is there");
        Some(copy)
    }

    fn app(&self) -> PathBuf {
        self.0.join("app")
    }

    fn stopped(&self) -> Death {
        let app = Victim::command(self.app()).arg(LONG.as_millis().to_string());
        stopped(app.plant(TASK, Fault::Panic))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn program_with_the_set_user_id_bit_does_not_read_the_variable() {
    let Some(copy) = Copy::new("set-user-id", 0o4755) else {
        return;
    };
    let death = copy.stopped();
    death.assert_status(0);
    assert!(says(&death, "flushed"), "{death}");
}

/// The control: without the bit it does.
#[test]
fn program_of_another_user_reads_the_variable() {
    let Some(copy) = Copy::new("other-user", 0o755) else {
        return;
    };
    let death = copy.stopped();
    death.assert_status(1);
    assert!(!says(&death, "flushed"), "{death}");
}
