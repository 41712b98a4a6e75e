//! A file system whose server stops answering.
//!
//! The kernel's treatment of a process whose thread waits for the server depends on the state of
//! the request. Measured on Linux 6.18, with a server in user space (FUSE):
//!
//! | the write | the process |
//! | --- | --- |
//! | waits for the server to take it | goes at once: the wait is killable |
//! | was taken, and is not answered | stays until it is, in uninterruptible sleep |
//! | any or none, and closing the file has to be answered (FLUSH) | stays until it is |
//!
//! The victim here is the first case: a stopped server, of a file system without `flush`, whose
//! files need no request on closing. In the other cases no process can be gone by its deadline,
//! with a report or without one.

use std::env;
use std::ffi::CString;
use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use crate::victims::setup::drop_privileges;

const FILES: [&str; 2] = ["message", "json"];

pub(super) struct Disk {
    folder: PathBuf,
    server: Pid,
}

/// Mounts one, or panics: it needs root and `/dev/fuse`. For a process of its own.
pub(crate) fn try_out() {
    Disk::mount();
}

impl Disk {
    /// Mounts one that only this process and its children see. For a process with one thread.
    pub(super) fn mount() -> Self {
        let device = File::options().read(true).write(true).open("/dev/fuse");
        let device = device.unwrap();
        // A private mount namespace: the mount goes with the process.
        // SAFETY: takes an integer.
        check(unsafe { libc::unshare(libc::CLONE_NEWNS) });
        mount("none", "/", "", libc::MS_REC | libc::MS_PRIVATE, "");
        let above = env::temp_dir();
        mount("tmpfs", &text(&above), "tmpfs", 0, "mode=755");
        let folder = above.join("disk");
        fs::create_dir(&folder).unwrap();
        let options = format!(
            "fd={},rootmode=40000,user_id=0,group_id=0,allow_other",
            device.as_raw_fd()
        );
        mount("lateness", &text(&folder), "fuse", 0, &options);
        // SAFETY: there is one thread.
        let child = unsafe { libc::fork() };
        check(child);
        if child == 0 {
            // The same user as the victim: otherwise neither the victim's end nor its signals would
            // reach this process.
            drop_privileges();
            serve(&device);
        }
        drop(device);
        let disk = Self {
            folder,
            server: Pid::from_raw(child).unwrap(),
        };
        // The server then reports that closing needs no request.
        drop(File::open(&disk.files()[0]).unwrap());
        disk
    }

    pub(super) fn files(&self) -> [PathBuf; 2] {
        FILES.map(|name| self.folder.join(name))
    }

    /// Stops the server: it answers nothing more, and takes no request.
    pub(super) fn die(&self) {
        kill_process(self.server, Signal::STOP).unwrap();
    }
}

// Requests and their answers: `struct fuse_in_header` and others, in `linux/fuse.h`.
const LOOKUP: u32 = 1;
const FORGET: u32 = 2;
const BATCH_FORGET: u32 = 42;
const GETATTR: u32 = 3;
const OPEN: u32 = 14;
const RELEASE: u32 = 18;
const INIT: u32 = 26;

const ROOT: u64 = 1;

/// The smallest buffer that the kernel accepts.
const REQUEST: usize = 64 * 1024;
const HEADER: usize = 40;

/// The time for which the kernel may cache an answer, in seconds.
const LONG: u64 = 1000;

/// Serves a folder with two empty files.
fn serve(device: &File) -> ! {
    let mut request = vec![0; REQUEST];
    loop {
        let Ok(length) = rustix::io::read(device, &mut request) else {
            // SAFETY: takes an integer.
            unsafe { libc::_exit(0) }
        };
        let word = |at: usize| u32::from_ne_bytes(request[at..at + 4].try_into().unwrap());
        let long = |at: usize| u64::from_ne_bytes(request[at..at + 8].try_into().unwrap());
        let (kind, number, node) = (word(4), long(8), long(16));
        let named = || {
            let name = request[HEADER..length].split(|byte| *byte == 0).next()?;
            let place = FILES.iter().position(|file| file.as_bytes() == name)?;
            Some(ROOT + 1 + place as u64)
        };
        let answer = match kind {
            // Version 7.31, zeroes except for the largest write.
            INIT => Some(
                [
                    [7, 31, 0, 0, 0, 4096].map(u32::to_ne_bytes).concat(),
                    vec![0; 40],
                ]
                .concat(),
            ),
            LOOKUP => {
                named().map(|node| [words(&[node, 0, LONG, LONG, 0]), attributes(node)].concat())
            }
            GETATTR => Some([words(&[LONG, 0]), attributes(node)].concat()),
            OPEN => Some(words(&[0, 0])),
            RELEASE => Some(Vec::new()),
            FORGET | BATCH_FORGET => continue,
            _ => None,
        };
        let error = match (&answer, kind) {
            (Some(_), _) => 0,
            (None, LOOKUP) => -libc::ENOENT,
            (None, _) => -libc::ENOSYS,
        };
        let body = answer.unwrap_or_default();
        let mut reply = Vec::from(((16 + body.len()) as u32).to_ne_bytes());
        reply.extend(error.to_ne_bytes());
        reply.extend(number.to_ne_bytes());
        reply.extend(body);
        rustix::io::write(device, &reply).unwrap();
    }
}

/// `struct fuse_attr`.
fn attributes(node: u64) -> Vec<u8> {
    let mode = match node {
        ROOT => libc::S_IFDIR | 0o755,
        _ => libc::S_IFREG | 0o666,
    };
    // Everything is zero except the number, the mode, one name and the size of a block.
    let after = [0, 0, 0, mode, 1, 0, 0, 0, 4096, 0].map(u32::to_ne_bytes);
    [words(&[node, 0, 0, 0, 0, 0]), after.concat()].concat()
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn mount(source: &str, target: &str, kind: &str, flags: libc::c_ulong, options: &str) {
    let [source, target, kind, options] =
        [source, target, kind, options].map(|text| CString::new(text).unwrap());
    // SAFETY: each pointer is to a text that ends with zero.
    check(unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            kind.as_ptr(),
            flags,
            options.as_ptr().cast(),
        )
    });
}

fn text(path: &std::path::Path) -> String {
    String::from_utf8(path.as_os_str().as_bytes().to_vec()).unwrap()
}

fn check(done: libc::c_int) {
    assert!(done >= 0, "{}", std::io::Error::last_os_error());
}
