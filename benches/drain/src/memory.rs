//! Bytes of the heap that one queued job takes, beside its closure of one word.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use deadstop::Shutdown;

use crate::Results;

/// Counts the bytes that are allocated.
pub(crate) struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: each call is passed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const JOBS: usize = 16_384;
const THREADS: usize = 2;

pub(crate) fn round(
    shutdown: &Shutdown,
    results: &mut Results,
) -> Result<(), Box<dyn std::error::Error>> {
    let pool = shutdown.pool("memory").threads(THREADS).queue(JOBS).start()?;
    measure(results, "deadstop", |job| {
        pool.execute(job).expect("there is room");
    });
    pool.close();
    let rayon = rayon_core::ThreadPoolBuilder::new().num_threads(THREADS).build()?;
    measure(results, "rayon::spawn", |job| rayon.spawn(job));
    let threads = threadpool::ThreadPool::new(THREADS);
    measure(results, "threadpool", |job| threads.execute(job));
    threads.join();
    let rusty = rusty_pool::Builder::new().core_size(THREADS).max_size(THREADS).build();
    measure(results, "rusty_pool", |job| rusty.execute(job));
    rusty.shutdown_join();
    Ok(())
}

/// A job: a closure of one word.
struct Job(Arc<AtomicUsize>);

impl Job {
    fn run(self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

type Closure = Box<dyn FnOnce() + Send>;

/// Occupies each thread, queues jobs, and counts their allocations.
fn measure(results: &mut Results, subject: &'static str, execute: impl Fn(Closure)) {
    let ran = Arc::new(AtomicUsize::new(0));
    let (release, held): (Sender<()>, Receiver<()>) = channel();
    let held = Arc::new(Mutex::new(held));
    let (runs, running) = channel();
    for _ in 0..THREADS {
        let (held, runs) = (Arc::clone(&held), runs.clone());
        execute(Box::new(move || {
            runs.send(()).expect("it is waited for");
            drop(held.lock().map(|held| held.recv()));
        }));
        running.recv().expect("it runs");
    }
    let before = LIVE.load(Ordering::Relaxed);
    for _ in 0..JOBS {
        let job = Job(Arc::clone(&ran));
        execute(Box::new(move || job.run()));
    }
    let bytes = LIVE.load(Ordering::Relaxed) - before;
    drop(release);
    while ran.load(Ordering::Relaxed) < JOBS {
        std::thread::yield_now();
    }
    let per_job = bytes as f64 / JOBS as f64;
    results.add("bytes per queued job", subject, per_job - size_of::<Job>() as f64);
}
