//! Small programs, as a user's would be: each depends on one library, and is
//! built as cargo builds a release, but stripped.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::fail;

/// A program before it is built.
struct Subject {
    name: &'static str,
    source: &'static str,
    /// The crate whose dependencies are counted.
    library: Option<&'static str>,
    /// As in a manifest.
    dependencies: &'static [&'static str],
}

/// `PATH` stands for the path of this package.
const SUBJECTS: [Subject; 10] = [
    Subject {
        name: "nothing",
        source: include_str!("subjects/nothing.rs"),
        library: None,
        dependencies: &[],
    },
    Subject {
        name: "a std thread",
        source: include_str!("subjects/thread.rs"),
        library: None,
        dependencies: &[],
    },
    Subject {
        name: "deadstop, watchdog",
        source: include_str!("subjects/deadstop_watchdog.rs"),
        library: Some("deadstop"),
        dependencies: &[r#"deadstop = { path = "PATH" }"#],
    },
    Subject {
        name: "deadstop, watchdog, no default features",
        source: include_str!("subjects/deadstop_watchdog.rs"),
        library: Some("deadstop"),
        dependencies: &[r#"deadstop = { path = "PATH", default-features = false }"#],
    },
    Subject {
        name: "deadstop, shutdown",
        source: include_str!("subjects/deadstop_shutdown.rs"),
        library: Some("deadstop"),
        dependencies: &[r#"deadstop = { path = "PATH" }"#],
    },
    Subject {
        name: "deadstop, shutdown, without stacks",
        source: include_str!("subjects/deadstop_shutdown.rs"),
        library: Some("deadstop"),
        dependencies: &[
            r#"deadstop = { path = "PATH", default-features = false, features = ["platform", "shutdown"] }"#,
        ],
    },
    Subject {
        name: "signal-hook",
        source: include_str!("subjects/signal_hook.rs"),
        library: Some("signal-hook"),
        dependencies: &[r#"signal-hook = "0.4""#],
    },
    Subject {
        name: "signal-mod",
        source: include_str!("subjects/signal_mod.rs"),
        library: Some("signal-mod"),
        dependencies: &[
            r#"signal-mod = { version = "2", default-features = false, features = ["agnostic", "std"] }"#,
        ],
    },
    Subject {
        name: "tokio",
        source: include_str!("subjects/tokio.rs"),
        library: Some("tokio"),
        dependencies: &[
            r#"tokio = { version = "1", features = ["net", "rt-multi-thread", "time"] }"#,
        ],
    },
    Subject {
        name: "tokio-graceful-shutdown",
        source: include_str!("subjects/tokio_graceful_shutdown.rs"),
        library: Some("tokio-graceful-shutdown"),
        dependencies: &[
            r#"tokio = { version = "1", features = ["net", "rt-multi-thread", "time"] }"#,
            r#"tokio-graceful-shutdown = "0.20""#,
            r#"tokio-util = { version = "0.7", default-features = false }"#,
        ],
    },
];

/// A program that was built.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// The one that can be [looked at](crate::look).
    pub(crate) looked_at: PathBuf,
    /// The size of the program that is not looked at.
    pub(crate) bytes: u64,
    /// The crates that the library brings along, without itself.
    pub(crate) dependencies: Option<usize>,
}

pub(crate) fn build() -> Vec<Program> {
    SUBJECTS.iter().map(Subject::build).collect()
}

impl Subject {
    fn build(&self) -> Program {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cost");
        let name = self.name.replace(", ", "-").replace([' ', '\''], "-");
        // Not the name of what it depends on.
        let package = format!("program-{name}");
        let folder = root.join(&package);
        self.write(&package, &folder);
        let built = root.join("target");
        let mut build = cargo(&folder);
        said_by(
            build
                .args(["build", "--release", "--target-dir"])
                .arg(&built),
        );
        let built = built.join("release");
        Program {
            name: self.name,
            looked_at: built.join(format!("{package}-looked-at")),
            bytes: fs::metadata(built.join(&package)).unwrap().len(),
            dependencies: self.library.map(|library| dependencies(&folder, library)),
        }
    }

    fn write(&self, package: &str, folder: &Path) {
        let dependencies = self
            .dependencies
            .join("\n")
            .replace("PATH", env!("CARGO_MANIFEST_DIR"));
        let manifest = format!(
            "[package]\nname = \"{package}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
             [[bin]]\nname = \"{package}\"\npath = \"plain.rs\"\n\n\
             [[bin]]\nname = \"{package}-looked-at\"\npath = \"looked_at.rs\"\n\n\
             [dependencies]\n{dependencies}\n\n\
             [profile.release]\nstrip = true\n\n\
             [workspace]\n"
        );
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("Cargo.toml"), manifest).unwrap();
        fs::write(folder.join("subject.rs"), self.source).unwrap();
        fs::write(folder.join("plain.rs"), include_str!("plain.rs")).unwrap();
        fs::write(folder.join("looked_at.rs"), include_str!("looked_at.rs")).unwrap();
        // The versions that the calls are measured with.
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
        fs::copy(lock, folder.join("Cargo.lock")).unwrap();
    }
}

fn dependencies(folder: &Path, library: &str) -> usize {
    let mut tree = cargo(folder);
    tree.args(["tree", "--package", library]);
    let tree = said_by(tree.args(["--edges", "normal", "--prefix", "none"]));
    // `(*)` stands where one has been before.
    let crates = tree.lines().map(|line| line.trim_end_matches(" (*)"));
    let crates: BTreeSet<_> = crates.filter(|line| !line.is_empty()).collect();
    crates.len() - 1
}

fn cargo(folder: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo.current_dir(folder);
    cargo
}

fn said_by(command: &mut Command) -> String {
    let output = command.output().unwrap();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        fail(&format!("{command:?}: {}\n{said}", output.status));
    }
    String::from_utf8(output.stdout).unwrap()
}
