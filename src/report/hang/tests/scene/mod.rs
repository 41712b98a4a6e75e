//! Made-up contents of a report: any that there can be, and small ones for one test each.

mod any;
mod facts;

use std::time::Duration;

use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::json;
use deadstop_core::stack::Captured;

pub(super) use self::any::scene;
pub(super) use self::facts::with_facts;

pub(super) const SIZE: usize = 64 * 1024;

/// The numbers of two activities of a thread.
pub(super) const WAITS_FOR_LOCK: u8 = 1;
pub(super) const SLEEPS: u8 = 5;

/// A task as a program may register it.
#[derive(Clone, Debug)]
pub(super) struct Registered {
    pub(super) name: String,
    pub(super) phase: String,
    pub(super) file: String,
    pub(super) line: u32,
    pub(super) started: u64,
    pub(super) budget: Duration,
    pub(super) tid: i32,
    pub(super) says: String,
    pub(super) fate: Fate,
}

/// What has become of a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    Runs,
    Abandoned,
    Done,
    Failed,
    /// It was abandoned, and has returned since.
    Late,
}

/// A phase that has begun.
#[derive(Clone, Debug)]
pub(super) struct BegunPhase {
    pub(super) name: String,
    pub(super) started: u64,
    pub(super) ends: u64,
    pub(super) ended: Option<u64>,
}

/// A thread as the kernel may list it.
#[derive(Clone, Debug)]
pub(super) struct ListedThread {
    pub(super) tid: i32,
    pub(super) name: String,
    pub(super) state: u8,
    pub(super) wait_channel: String,
    /// The number of its activity.
    pub(super) doing: u8,
    /// What the activity is about.
    pub(super) detail: String,
    pub(super) cpu: Option<Duration>,
    pub(super) busy: Option<u8>,
}

/// The stack of a thread, and how its capture went.
#[derive(Clone, Debug)]
pub(super) struct CapturedStack {
    pub(super) tid: i32,
    pub(super) captured: Captured,
    pub(super) frames: Vec<CapturedFrame>,
}

#[derive(Clone, Debug)]
pub(super) struct CapturedFrame {
    pub(super) address: usize,
    pub(super) module: String,
    pub(super) offset: u64,
    pub(super) function: String,
    /// `file:line`, or empty.
    pub(super) site: String,
}

/// Everything that can be in a report.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) status: bool,
    pub(super) begun: Option<u64>,
    pub(super) at: Option<u64>,
    pub(super) cause: Option<String>,
    pub(super) running: Vec<Registered>,
    pub(super) waiting: Vec<Registered>,
    pub(super) phases: Vec<BegunPhase>,
    /// Heartbeats that are stalled: the phase is the policy.
    pub(super) stalls: Vec<Registered>,
    pub(super) threads: Vec<ListedThread>,
    pub(super) total: u32,
    /// The `errno` of reading `/proc`, or 0.
    pub(super) refused: i32,
    pub(super) stacks: Vec<CapturedStack>,
}

impl Scene {
    /// Nothing runs, and nothing is known.
    pub(super) const fn empty() -> Self {
        Self {
            status: false,
            begun: None,
            at: None,
            cause: None,
            running: Vec::new(),
            waiting: Vec::new(),
            phases: Vec::new(),
            stalls: Vec::new(),
            threads: Vec::new(),
            total: 0,
            refused: 0,
            stacks: Vec::new(),
        }
    }
}

impl ListedThread {
    /// A thread in state S.
    pub(super) fn asleep(tid: i32, name: &str, doing: u8) -> Self {
        Self {
            tid,
            name: name.to_owned(),
            state: b'S',
            wait_channel: String::new(),
            doing,
            detail: String::new(),
            cpu: None,
            busy: None,
        }
    }
}

impl CapturedStack {
    pub(super) fn of(tid: i32, frames: Vec<CapturedFrame>) -> Self {
        Self {
            tid,
            captured: Captured::Yes,
            frames,
        }
    }
}

/// Returns a frame at one address.
pub(super) fn frame(module: &str, function: &str, site: &str) -> CapturedFrame {
    CapturedFrame {
        address: 0xabc,
        module: module.to_owned(),
        offset: 0x1f,
        function: function.to_owned(),
        site: site.to_owned(),
    }
}

/// The JSON that the library writes of `scene`.
pub(super) fn rendered(scene: &Scene) -> String {
    let mut object = Box::new(TextBuffer::<SIZE>::new());
    with_facts(scene, |facts| json(&mut object, facts));
    object.as_str().to_owned()
}

/// Two tasks that hang, the later one on thread 7, and one on thread 8 that is
/// over; threads 7, 8 and 9 are listed, of 12.
pub(super) fn one_task_on_a_listed_thread() -> Scene {
    let task = |name: &str, started: u64, budget, tid, fate| Registered {
        name: name.to_owned(),
        phase: "flush".to_owned(),
        file: "src/main.rs".to_owned(),
        line: 1,
        started: started * 1_000_000_000,
        budget,
        tid,
        says: String::new(),
        fate,
    };
    Scene {
        begun: Some(1_000_000_000),
        at: Some(20_000_000_000),
        running: vec![
            task(
                "with a thread",
                3,
                Duration::from_millis(2500),
                7,
                Fate::Runs,
            ),
            task("without", 2, Duration::MAX, 0, Fate::Runs),
            task("over", 4, Duration::MAX, 8, Fate::Done),
        ],
        threads: [7, 8, 9]
            .map(|tid| ListedThread::asleep(tid, "t", SLEEPS))
            .to_vec(),
        total: 12,
        ..Scene::empty()
    }
}
