//! Empty jobs, from one submitter to two threads: until the submitter is done, and until
//! the last job has run. Both as the time on the clock, and as the time of processors that
//! the submitter and the process used: the latter is not lost to other programs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::Shutdown;
use deadstop::drain::WhenFull;

use crate::Results;

/// All pools box it once more, which is two words of the same for each.
type Job = Box<dyn FnOnce() + Send>;

const JOBS: u32 = 200_000;
const THREADS: usize = 2;

pub(crate) fn round(
    shutdown: &Shutdown,
    results: &mut Results,
) -> Result<(), Box<dyn std::error::Error>> {
    let pool = shutdown.pool("bench").threads(THREADS).queue(JOBS as usize);
    let pool = pool.when_full(WhenFull::Block(Duration::from_secs(60))).start()?;
    measure(results, "deadstop", |job| {
        pool.execute(job).expect("there is room");
    });
    pool.close();
    assert!(pool.await_termination(Duration::from_secs(60)));
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

/// Submits jobs that only count, so that the last one's end is seen.
fn measure(results: &mut Results, subject: &'static str, execute: impl Fn(Job)) {
    let ran = Arc::new(AtomicU32::new(0));
    let of_submitter = Processor::begin(libc::CLOCK_THREAD_CPUTIME_ID);
    let of_process = Processor::begin(libc::CLOCK_PROCESS_CPUTIME_ID);
    let begun = Instant::now();
    for _ in 0..JOBS {
        let ran = Arc::clone(&ran);
        execute(Box::new(move || {
            ran.fetch_add(1, Ordering::Relaxed);
        }));
    }
    let submitted = begun.elapsed();
    let of_submitter = of_submitter.used();
    while ran.load(Ordering::Relaxed) < JOBS {
        // No spinning: it would be processor time.
        thread::sleep(Duration::from_micros(50));
    }
    let per_job = |time: Duration| time.as_nanos() as f64 / f64::from(JOBS);
    results.add("execute", subject, per_job(submitted));
    results.add("execute and run", subject, per_job(begun.elapsed()));
    results.add("submitter's processor", subject, per_job(of_submitter));
    results.add("process's processor", subject, per_job(of_process.used()));
}

/// A clock of processor time, and its reading.
struct Processor {
    clock: libc::clockid_t,
    begun: Duration,
}

impl Processor {
    fn begin(clock: libc::clockid_t) -> Self {
        let begun = Self::read(clock);
        Self { clock, begun }
    }

    fn used(&self) -> Duration {
        Self::read(self.clock) - self.begun
    }

    fn read(clock: libc::clockid_t) -> Duration {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is valid for writes.
        let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
        assert_eq!(result, 0, "the system has the clock");
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }
}
