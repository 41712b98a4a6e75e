//! A batch with two worker pools whose `main` returns at once: every accepted job runs.
//!
//! ```text
//! cargo run --example batch_pool                 all 240 jobs run; status 0
//! cargo run --example batch_pool -- --discard    the log names the queued jobs, which are dropped
//! cargo run --example batch_pool -- --hang       a job hangs, and the log names it; status 1
//! ```

#![expect(clippy::print_stdout, reason = "it talks to the user")]

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use deadstop::drain::{Drain, Pool, WhenFull};
use deadstop::{Phase, Shutdown};

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let option = std::env::args().nth(1).unwrap_or_default();
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(10))
        .install()?;
    let drain = match option.as_str() {
        "--discard" => Drain::Discard,
        _ => Drain::Finish,
    };
    let start = |name: &str| {
        let pool = shutdown.pool(name).threads(5).queue(100);
        let pool = pool.when_full(WhenFull::CallerRuns).on_shutdown(drain);
        pool.budget(Duration::from_secs(3)).start()
    };
    let (resize, upload) = (start("resize")?, start("upload")?);

    let done = Arc::new(AtomicUsize::new(0));
    if option == "--hang" {
        resize.execute_named("picture 0", || {
            loop {
                thread::park();
            }
        })?;
    }
    submit(&resize, "picture", &done)?;
    submit(&upload, "part", &done)?;

    shutdown
        .task("count the jobs")
        .phase(Phase::FLUSH)
        .on_shutdown(move |_| println!("{} jobs are done", done.load(Ordering::SeqCst)))?;
    // The pools have the jobs, but have not run them yet. `finish` waits for them.
    Ok(shutdown.finish())
}

fn submit(
    pool: &Pool,
    what: &str,
    done: &Arc<AtomicUsize>,
) -> Result<(), deadstop::drain::Rejected> {
    for number in 1..=120 {
        let done = Arc::clone(done);
        pool.execute_named(format!("{what} {number}"), move || {
            thread::sleep(Duration::from_millis(10));
            done.fetch_add(1, Ordering::SeqCst);
        })?;
    }
    Ok(())
}
