//! A process that holds memory, threads or descriptors, and then exits.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::IntoRawFd;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// The resources that a process holds when it exits.
#[derive(Clone, Copy)]
pub(crate) enum Hold {
    Nothing,
    /// Bytes, in pages of the usual size.
    Small(usize),
    /// Bytes, in huge pages.
    Huge(usize),
    Threads(usize),
    Descriptors(usize),
}

/// The argument that makes this program a holder.
const HOLD: &str = "--hold";

impl Hold {
    /// Returns the resources that this process must hold. `None` in the process that measures.
    pub(crate) fn asked_for() -> Option<Self> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        let [hold, kind, number] = arguments.as_slice() else {
            return None;
        };
        let number = number.parse().ok().filter(|_| hold == HOLD)?;
        Some(match kind.as_str() {
            "small" => Self::Small(number),
            "huge" => Self::Huge(number),
            "threads" => Self::Threads(number),
            "descriptors" => Self::Descriptors(number),
            _ => Self::Nothing,
        })
    }

    /// From a holder's last reading of the clock until it is gone.
    pub(crate) fn takes_to_go(self) -> Result<Duration, Box<dyn Error>> {
        let (kind, number) = match self {
            Self::Nothing => ("nothing", 0),
            Self::Small(bytes) => ("small", bytes),
            Self::Huge(bytes) => ("huge", bytes),
            Self::Threads(number) => ("threads", number),
            Self::Descriptors(number) => ("descriptors", number),
        };
        let mut holder = Command::new(std::env::current_exe()?)
            .args([HOLD, kind, &number.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = holder.stdout.take().ok_or("stdout is piped")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let status = holder.wait()?;
        let gone = now();
        if !status.success() {
            return Err(format!("could not hold {self}: {status}").into());
        }
        Ok(gone.saturating_sub(Duration::from_nanos(line.trim().parse()?)))
    }

    /// Takes the resources, prints the time, and ends the process.
    pub(crate) fn and_exit(self) -> ! {
        match self {
            Self::Nothing => {}
            Self::Small(bytes) => take(bytes, libc::MADV_NOHUGEPAGE),
            Self::Huge(bytes) => take(bytes, libc::MADV_HUGEPAGE),
            Self::Threads(number) => {
                for _ in 0..number {
                    let builder = thread::Builder::new().stack_size(64 * 1024);
                    builder.spawn(park).expect("a thread");
                }
            }
            Self::Descriptors(number) => {
                allow_descriptors(number as u64 + 100);
                let null = File::open("/dev/null").expect("it is there");
                for _ in 0..number {
                    // Never closed: the kernel must close it.
                    let _ = null.try_clone().expect("a descriptor").into_raw_fd();
                }
            }
        }
        // One write. The parent reads it only when this process is about to end.
        let line = format!("{}\n", now().as_nanos());
        let said = std::io::stdout().write_all(line.as_bytes());
        // SAFETY: it takes an integer and asks for nothing else.
        unsafe { libc::_exit(said.is_err().into()) }
    }
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Small(bytes) => format!("{} MiB", bytes >> 20),
            Self::Huge(bytes) => format!("{} MiB in huge pages", bytes >> 20),
            Self::Threads(number) => format!("{number} threads"),
            Self::Descriptors(number) => format!("{number} descriptors"),
        };
        f.pad(&text)
    }
}

/// Maps `bytes` and touches every page.
pub(crate) fn take(bytes: usize, advice: libc::c_int) {
    // SAFETY: a new mapping at an address of the kernel's choice.
    let memory = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            bytes,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    assert_ne!(memory, libc::MAP_FAILED, "there is that much memory");
    // SAFETY: the mapping is ours, and of that length.
    unsafe { libc::madvise(memory, bytes, advice) };
    // SAFETY: the mapping is ours, of that length, and writable.
    unsafe { std::ptr::write_bytes(memory.cast::<u8>(), 1, bytes) };
}

fn allow_descriptors(number: u64) {
    let limit = libc::rlimit {
        rlim_cur: number,
        rlim_max: number,
    };
    // SAFETY: the pointer is valid for reads.
    unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
}

fn park() {
    loop {
        thread::park();
    }
}

/// `CLOCK_MONOTONIC`, which processes share.
fn now() -> Duration {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}
