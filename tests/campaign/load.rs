//! Load on the machine, in a separate process.
//!
//! The process is in the session of the victims, so the scheduler treats them as one group, as
//! it treats processes of a container.

use std::hint::{black_box, spin_loop};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::{env, fmt};

use clap::ValueEnum;

use crate::system;

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Load {
    Idle,
    /// Two threads that spin.
    Two,
    /// Sixty-four threads that spin.
    SixtyFour,
    /// Two threads that allocate memory, touch it and free it.
    Memory,
}

pub(crate) const LOADS: [Load; 4] = [Load::Idle, Load::Two, Load::SixtyFour, Load::Memory];

/// The bytes that a thread allocates at a time.
const CHUNK: usize = 96 << 20;

/// The longest life of a load that is not ended. Every block of runs is shorter.
const SECONDS: u32 = 1800;

/// A running load. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct On(Option<Child>);

impl Load {
    /// Starts the load. Returns after it has begun.
    pub(crate) fn start(self) -> On {
        if self == Self::Idle {
            return On(None);
        }
        let own = env::current_exe().expect("a program knows its path");
        let child = Command::new(own)
            .args(["--load", &self.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.expect("the load starts");
        let stdout = child.stdout.take().expect("stdout is piped");
        let mut line = String::new();
        let read = BufReader::new(stdout).read_line(&mut line);
        read.expect("the load can be heard");
        assert_eq!(line, "on\n", "the load is on");
        On(Some(child))
    }

    /// Runs the load in this process.
    pub(crate) fn bear(self) -> ! {
        system::end_with_parent(SECONDS);
        let (threads, work): (_, fn()) = match self {
            Self::Idle => (1, thread::park),
            Self::Two => (2, spin_loop),
            Self::SixtyFour => (64, spin_loop),
            Self::Memory => (2, churn),
        };
        for _ in 1..threads {
            thread::spawn(move || {
                loop {
                    work();
                }
            });
        }
        println!("on");
        loop {
            work();
        }
    }
}

fn churn() {
    let mut memory = Vec::<u8>::with_capacity(CHUNK);
    for page in memory.spare_capacity_mut().chunks_mut(4096) {
        page[0].write(1);
    }
    black_box(&mut memory);
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value().expect("none is left out");
        f.pad(value.get_name())
    }
}

impl Drop for On {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            child.kill().expect("it is ours");
            child.wait().expect("it is ours");
        }
    }
}
