//! The file of `--report`: a regular one. A FIFO or a device may block its writer without
//! end, and a symbolic link may lead anywhere.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Returns the reason why the report cannot be written, if any. Changes nothing.
pub(crate) fn check(path: &Path) -> Result<(), String> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err("it is a symbolic link".into()),
        Ok(found) if !found.is_file() => Err("it is not a regular file".into()),
        Ok(_) => open(path, false)
            .map(drop)
            .map_err(|error| error.to_string()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => check_directory(path),
        Err(error) => Err(error.to_string()),
    };
    found.map_err(|problem| format!("{}: {problem}", path.display()))
}

fn check_directory(path: &Path) -> Result<(), String> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    match fs::metadata(parent) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(format!("{} is not a directory", parent.display())),
        Err(error) => Err(format!("{}: {error}", parent.display())),
    }
}

/// Adds `text` to the file.
pub(crate) fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = open(path, true)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    file.write_all(text)
}

fn open(path: &Path, creates: bool) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(creates)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY)
        .open(path)
}
