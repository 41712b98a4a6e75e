//! Resources of a running program, measured from outside: before it installs its
//! library, after that, and after some idle seconds.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;
use std::{fs, thread};

use crate::fail;
use crate::programs::Program;

/// Threads are parked by then.
const SETTLE: Duration = Duration::from_millis(100);

/// The longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// One process.
pub(crate) struct Look {
    pub(crate) program: &'static str,
    pub(crate) install_nanoseconds: f64,
    /// Kilobytes that `install` adds: resident, and those of them that no file holds.
    pub(crate) resident: f64,
    pub(crate) anonymous: f64,
    pub(crate) threads: f64,
    /// Context switches of all threads while idle, if it was watched that long.
    pub(crate) switches: Option<u64>,
}

/// The programs take turns. The last sample of each stays for the idle time,
/// all of them at once.
pub(crate) fn at_all(programs: &[Program], samples: usize, idle: Duration) -> Vec<Look> {
    let mut looks = Vec::new();
    for _ in 1..samples {
        looks.extend(programs.iter().map(|program| at(program).0));
    }
    let mut staying: Vec<_> = programs.iter().map(at).collect();
    let before: Vec<_> = staying
        .iter()
        .map(|(_, process)| process.switches())
        .collect();
    thread::sleep(idle);
    for ((look, process), before) in staying.iter_mut().zip(before) {
        look.switches = Some(process.switches() - before);
    }
    looks.extend(staying.into_iter().map(|(look, _)| look));
    looks
}

fn at(program: &Program) -> (Look, Process) {
    let mut process = Process::start(&program.looked_at);
    process.hear();
    let before = process.memory();
    process.tell();
    let install_nanoseconds = process.hear().parse().unwrap();
    thread::sleep(SETTLE);
    let after = process.memory();
    let look = Look {
        program: program.name,
        install_nanoseconds,
        resident: after.resident - before.resident,
        anonymous: after.anonymous - before.anonymous,
        threads: (process.threads().count() - 1) as f64,
        switches: None,
    };
    (look, process)
}

struct Process {
    child: Child,
    tells: ChildStdin,
    hears: Receiver<String>,
}

struct Memory {
    resident: f64,
    anonymous: f64,
}

impl Process {
    fn start(program: &Path) -> Self {
        let mut child = Command::new(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (said, hears) = mpsc::channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .try_for_each(|line| said.send(line))
        });
        Self {
            tells: child.stdin.take().unwrap(),
            child,
            hears,
        }
    }

    fn hear(&self) -> String {
        let heard = self.hears.recv_timeout(PATIENCE);
        heard.unwrap_or_else(|error| fail(&format!("a program says nothing: {error}")))
    }

    fn tell(&mut self) {
        self.tells.write_all(b"\n").unwrap();
    }

    fn memory(&self) -> Memory {
        let file = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = fs::read_to_string(file).unwrap();
        Memory {
            resident: number(&text, "Rss:"),
            anonymous: number(&text, "Anonymous:"),
        }
    }

    /// Returns the text of `status` for each thread.
    fn threads(&self) -> impl Iterator<Item = String> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        tasks.map(|task| fs::read_to_string(task.unwrap().path().join("status")).unwrap())
    }

    fn switches(&self) -> u64 {
        let of = |status: String| {
            let kinds = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];
            kinds.map(|kind| number(&status, kind)).iter().sum::<f64>()
        };
        self.threads().map(of).sum::<f64>() as u64
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // No caller has waited for the child, so its id is still its own.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn number(text: &str, name: &str) -> f64 {
    let mut values = text.lines().filter_map(|line| line.strip_prefix(name));
    let value = values
        .next()
        .and_then(|value| value.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).unwrap()
}
