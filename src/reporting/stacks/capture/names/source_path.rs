//! The origin of a source file, and its path without the folders of the machine that built it.

use deadstop_core::stack::Source;

/// Parts of a path that are kept where it is in no folder that is known.
const KEPT: usize = 3;

/// The folder in which cargo has sources that are not the program's.
const REGISTRY: &str = "/registry/src/";
const CHECKOUTS: &str = "/git/checkouts/";
const DEPENDENCIES_OF_STD: &str = "/rust/deps/";

/// The end of this file's own path. What is before it is the folder of deadstop's sources, if
/// that is not the program's own.
const THIS: &str = "src/reporting/stacks/capture/names/source_path.rs";

/// Returns whose `file` is, and its path: of a crate from a registry or a repository
/// `crate-1.2.3/src/file.rs`, of the standard library `std/src/file.rs`, of the program
/// the path from the folder in which it was built.
pub(super) fn source_path(file: &str, build_folder: Option<&str>) -> (Source, String) {
    if let Some((_, path)) = file.split_once(REGISTRY) {
        // The name of the registry comes first.
        let path = path.split_once('/').map_or(path, |(_, path)| path);
        return (Source::Dependency, path.to_owned());
    }
    if let Some((_, path)) = file.split_once(CHECKOUTS) {
        return (Source::Dependency, in_checkout(path));
    }
    if is_standard(file) {
        let path = file.split_once("/library/").map_or(file, |(_, path)| path);
        return (Source::Std, last_parts(path));
    }
    if let Some((_, path)) = file.split_once(DEPENDENCIES_OF_STD) {
        return (Source::Std, path.to_owned());
    }
    if let Some(path) = in_deadstop(file, file!()) {
        return (Source::Dependency, path);
    }
    if let Some(path) = build_folder.and_then(|folder| in_build_script(file, folder)) {
        return (Source::Dependency, path);
    }
    if !file.starts_with('/') {
        let path = file.trim_start_matches("./");
        return (Source::Application, path.to_owned());
    }
    let folder = build_folder.map(|folder| folder.trim_end_matches('/'));
    let within = folder
        .filter(|folder| !folder.is_empty())
        .and_then(|folder| file.strip_prefix(folder)?.strip_prefix('/'));
    match within {
        Some(path) => (Source::Application, path.to_owned()),
        None => (Source::Unknown, last_parts(file)),
    }
}

/// Returns `true` if a source file is the standard library's, as its release or the
/// toolchain's own copy names it.
pub(super) fn is_standard(file: &str) -> bool {
    file.starts_with("/rustc/") || file.contains("/rustlib/src/rust/library/")
}

/// Returns the path of a source of deadstop's, where a program has it as a dependency in a
/// folder. `this` is this file.
fn in_deadstop(file: &str, this: &str) -> Option<String> {
    let folder = this.strip_suffix(THIS)?;
    if !folder.starts_with('/') {
        return None;
    }
    let path = file.strip_prefix(folder)?;
    let (name, path) = match path.strip_prefix("crates/") {
        Some(path) => path.split_once('/')?,
        None => ("deadstop", path),
    };
    path.starts_with("src/").then(|| format!("{name}/{path}"))
}

/// Returns the path of a source that the build script of a crate copied to its own folder and
/// compiled there, as those of libraries in C do. Code that a build script generates for its
/// crate is in that folder too, but the compiler runs elsewhere.
fn in_build_script(file: &str, build_folder: &str) -> Option<String> {
    of_build_script(build_folder)?;
    let (name, path) = of_build_script(file)?;
    Some(format!("{name}/{path}"))
}

/// Returns the name and the path of `target/release/build/NAME-HASH/out/PATH`.
fn of_build_script(path: &str) -> Option<(&str, &str)> {
    const BUILD: &str = "/build/";
    const HASH: usize = 16;
    path.match_indices(BUILD).find_map(|(at, _)| {
        let (package, path) = path[at + BUILD.len()..].split_once('/')?;
        let (name, hash) = package.rsplit_once('-')?;
        let is_hash = hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let path = path.strip_prefix("out").filter(|_| is_hash)?;
        match path.strip_prefix('/') {
            Some(path) => Some((name, path)),
            None => path.is_empty().then_some((name, "")),
        }
    })
}

/// Returns the name and the path of `NAME-HASH/REVISION/PATH`.
fn in_checkout(path: &str) -> String {
    let mut parts = path.splitn(3, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(name), Some(_), Some(path)) => {
            let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
            format!("{name}/{path}")
        }
        _ => path.to_owned(),
    }
}

/// The end of an absolute path.
fn last_parts(path: &str) -> String {
    if !path.starts_with('/') {
        return path.to_owned();
    }
    let mut ends = path.rmatch_indices('/').map(|(at, _)| at);
    match ends.nth(KEPT - 1) {
        Some(at) if at > 0 => format!("…{}", &path[at..]),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(file: &str, source: Source, path: &str) {
        let found = source_path(file, Some("/home/me/service"));
        assert_eq!(found, (source, path.to_owned()), "{file}");
    }

    #[test]
    fn file_of_the_program_is_relative_to_the_folder_of_the_build() {
        is(
            "/home/me/service/src/main.rs",
            Source::Application,
            "src/main.rs",
        );
        is("src/main.rs", Source::Application, "src/main.rs");
        is("./native/codec.c", Source::Application, "native/codec.c");
        let elsewhere = "/home/me/services/src/main.rs";
        is(elsewhere, Source::Unknown, "…/services/src/main.rs");
        is("/a.c", Source::Unknown, "/a.c");
    }

    #[test]
    fn file_of_a_dependency_begins_with_the_crate() {
        is(
            "/home/me/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/redis-0.27.5/src/cmd.rs",
            Source::Dependency,
            "redis-0.27.5/src/cmd.rs",
        );
        is(
            "/home/me/.cargo/git/checkouts/tonic-2c4b1d2a9f8e7d6c/abcdef0/tonic/src/lib.rs",
            Source::Dependency,
            "tonic/tonic/src/lib.rs",
        );
    }

    #[test]
    fn file_that_a_build_script_compiled_is_of_its_crate() {
        const OUT: &str = "/home/me/service/target/release/build/jemalloc-sys-0a1b2c3d4e5f6071/out";
        let file = format!("{OUT}/build/src/pages.c");
        let of = |folder: &str| source_path(&file, Some(folder));
        let dependency = (
            Source::Dependency,
            "jemalloc-sys/build/src/pages.c".to_owned(),
        );
        assert_eq!(of(&format!("{OUT}/build")), dependency);
        assert_eq!(of(OUT), dependency);
        // Code that was generated for the crate.
        let path = file.trim_start_matches("/home/me/service/").to_owned();
        assert_eq!(of("/home/me/service"), (Source::Application, path));
        // A folder of the program that has the same name.
        let file = "/home/me/build/service-main/out/main.c";
        let found = source_path(file, Some("/home/me/build/service-main/out"));
        assert_eq!(found, (Source::Application, "main.c".to_owned()));
    }

    #[test]
    fn file_of_the_standard_library_begins_with_its_crate() {
        is(
            "/rustc/0123/library/core/src/cell.rs",
            Source::Std,
            "core/src/cell.rs",
        );
        is(
            "/opt/lib/rustlib/src/rust/library/std/src/io.rs",
            Source::Std,
            "std/src/io.rs",
        );
        is(
            "/rust/deps/hashbrown-0.15.2/src/map.rs",
            Source::Std,
            "hashbrown-0.15.2/src/map.rs",
        );
    }

    #[test]
    fn file_of_deadstop_in_a_folder_begins_with_its_crate() {
        let this = format!("/home/me/deadstop/{THIS}");
        let is = |file: &str, path: Option<&str>| {
            assert_eq!(in_deadstop(file, &this).as_deref(), path, "{file}");
        };
        let library = "/home/me/deadstop/src/wait.rs";
        is(library, Some("deadstop/src/wait.rs"));
        let core = "/home/me/deadstop/crates/deadstop-core/src/lib.rs";
        is(core, Some("deadstop-core/src/lib.rs"));
        // Programs of the repository, and of others.
        is("/home/me/deadstop/examples/health.rs", None);
        is("/home/me/service/src/wait.rs", None);
        // In the repository itself.
        assert_eq!(in_deadstop("src/wait.rs", THIS), None);
    }

    #[test]
    fn build_folder_at_the_root_is_ignored() {
        for folder in [None, Some(""), Some("/")] {
            let (source, path) = source_path("/home/me/service/src/main.rs", folder);
            assert_eq!(
                (source, path.as_str()),
                (Source::Unknown, "…/service/src/main.rs")
            );
        }
    }
}
