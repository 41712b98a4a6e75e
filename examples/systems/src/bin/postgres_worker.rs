//! Workers whose jobs are rows of a PostgreSQL table: a transaction in flight is finished
//! or rolled back, and each connection is closed as the protocol asks for.
//!
//! ```text
//! DATABASE="host=localhost user=app" cargo run --bin postgres_worker
//! ```
//!
//! The table: `create table jobs (id int primary key, work interval, done bool)`. Each
//! job works for `work`. `--plain` is the control: the same workers without deadstop.

#![expect(clippy::print_stderr, reason = "it talks to the user")]

use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use deadstop::{Phase, Shutdown};
use postgres::error::SqlState;
use postgres::{Client, NoTls};

const WORKERS: usize = 2;

/// A worker's wait for new jobs. No job wakes it earlier.
const IDLE: Duration = Duration::from_millis(100);

/// The time that a job may still work after the request. It is canceled then, and rolled back.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<ExitCode, Failure> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let database = env::var("DATABASE").map_err(|_| "set DATABASE, as \"host=… user=…\"")?;
    if env::args().nth(1).as_deref() == Some("--plain") {
        let mut client = Client::connect(&database, NoTls)?;
        work(&mut client, &|| false)?;
        return Ok(ExitCode::SUCCESS);
    }

    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(8))
        .install()?;
    for number in 1..=WORKERS {
        let name = format!("worker {number}");
        let mut client = Client::connect(&database, NoTls)?;
        let cancel = client.cancel_token();
        let requested = shutdown.requested();
        let (works, has_ended) = mpsc::channel::<()>();
        let worker = thread::Builder::new().name(name.clone());
        let worker = worker.spawn(move || -> Result<(), Failure> {
            let _works = works;
            work(&mut client, &|| requested.wait_timeout(Duration::ZERO))?;
            // Says goodbye, so that the server's log has no "unexpected EOF".
            Ok(client.close()?)
        })?;
        shutdown
            .task(name.clone())
            .phase(Phase::DRAIN)
            .join(worker)?;
        // Beside the worker, in the same phase: a job that takes too long is canceled.
        shutdown
            .task(format!("cancel the job of {name}"))
            .phase(Phase::DRAIN)
            .on_shutdown(move |_| match has_ended.recv_timeout(FINISH_WITHIN) {
                Err(RecvTimeoutError::Timeout) => cancel.cancel_query(NoTls),
                _ => Ok(()),
            })?;
    }
    eprintln!("working; Ctrl-C ends it");
    Ok(shutdown.wait())
}

/// Does jobs until `ends`, each in a transaction of its own.
fn work(client: &mut Client, ends: &impl Fn() -> bool) -> Result<(), Failure> {
    while !ends() {
        match one_job(client) {
            Ok(true) => {}
            Ok(false) => thread::sleep(IDLE),
            // The job is rolled back, and the next worker takes it.
            Err(error) if error.code() == Some(&SqlState::QUERY_CANCELED) => {
                log::warn!("a job was canceled, and is rolled back");
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Returns `true` if there was a job.
fn one_job(client: &mut Client) -> Result<bool, postgres::Error> {
    let mut transaction = client.transaction()?;
    let job = transaction.query_opt(
        "select id from jobs where not done order by id limit 1 for update skip locked",
        &[],
    )?;
    let Some(job) = job else {
        return Ok(false);
    };
    let id: i32 = job.get(0);
    transaction.execute(
        "select pg_sleep(extract(epoch from work)::float8) from jobs where id = $1",
        &[&id],
    )?;
    transaction.execute("update jobs set done = true where id = $1", &[&id])?;
    transaction.commit()?;
    Ok(true)
}
