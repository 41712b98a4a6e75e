//! A shutdown to draw: a service that stops, and part of which does not.

use std::error::Error;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;
use std::{env, fs, io, process};

use deadstop::report::Sinks;
use deadstop::{Phase, Shutdown};

/// The argument that makes this program the one that hangs.
pub(crate) const SERVICE: &str = "--demo-service";

/// Runs the service in a process of its own, and returns the report that it has
/// left in `file`.
pub(crate) fn report(file: &Path) -> Result<String, Box<dyn Error>> {
    // So that no report of an earlier run is taken for this one's.
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    eprintln!("a service that hangs as it stops runs for six seconds ...");
    let status = Command::new(env::current_exe()?)
        .arg(SERVICE)
        .arg(file)
        // Standard output is for the drawing.
        .stdout(Stdio::null())
        .status()?;
    let report = fs::read_to_string(file)
        .map_err(|error| format!("the service has left no report: {error}, {status}"))?;
    eprintln!(
        "it has ended: {status}; its report is in {}",
        file.display()
    );
    Ok(report)
}

/// The service. Of nine tasks two hang: one on a lock, one on a peer.
pub(crate) fn service(file: &Path) -> Result<process::ExitCode, Box<dyn Error>> {
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(6))
        .phase(Phase::DRAIN.budget(Duration::from_millis(2500)))
        // Without its default reserve, so that the flush hangs until the deadline.
        .phase(Phase::CLOSE.reserve(Duration::ZERO))
        .sinks(Sinks::new().json(file).stderr(false))
        .install()?;
    let ledger = held_ledger();
    let collector = TcpListener::bind(("127.0.0.1", 0))?;
    let mut traces = TcpStream::connect(collector.local_addr()?)?;

    shutdown
        .task("close the listener")
        .phase(Phase::UNBIND)
        .on_shutdown(|_| work(30))?;
    shutdown
        .task("leave the load balancer")
        .phase(Phase::UNBIND)
        .budget(Duration::from_secs(1))
        .on_shutdown(|_| work(450))?;
    let requests = shutdown.gate("http requests").open()?;
    let request = requests.enter_named("GET /orders/7")?;
    let begun = shutdown.requested();
    thread::spawn(move || {
        begun.wait();
        work(1400);
        drop(request);
    });
    let uploads = shutdown.pool("uploads").threads(1);
    let uploads = uploads.budget(Duration::from_millis(900)).start()?;
    let begun = shutdown.requested();
    uploads.execute_named("upload 12", move || {
        begun.wait();
        work(1900);
    })?;
    shutdown
        .task("send the last traces")
        .phase(Phase::DRAIN)
        .budget(Duration::from_millis(1500))
        .on_shutdown(move |cx| {
            cx.progress("waits for the collector's answer");
            // The collector has accepted the connection, and never answers.
            traces.read(&mut [0]).map(drop)
        })?;
    shutdown
        .task("write the ledger")
        .phase(Phase::FLUSH)
        .on_shutdown(move |cx| {
            cx.progress("segment 12 of 40");
            let mut segments = ledger.lock().expect("no task panics with the lock");
            *segments += 1;
        })?;
    shutdown
        .task("sync the search index")
        .phase(Phase::FLUSH)
        .budget(Duration::from_secs(2))
        .on_shutdown(|_| work(1100))?;
    shutdown
        .task("ship metrics")
        .phase(Phase::FLUSH)
        .budget(Duration::from_secs(1))
        .on_shutdown(|_| {
            work(300);
            Err(io::Error::from(io::ErrorKind::ConnectionReset))
        })?;
    shutdown
        .task("release the lease")
        .phase(Phase::CLOSE)
        .on_shutdown(|_| {})?;

    // The service has served.
    let kill = Command::new("kill")
        .args(["-TERM", &process::id().to_string()])
        .status()?;
    if !kill.success() {
        return Err("kill(1) is not there".into());
    }
    Ok(shutdown.wait())
}

/// A lock that another thread has and will not give back.
fn held_ledger() -> Arc<Mutex<u32>> {
    let ledger = Arc::new(Mutex::new(12));
    let held = Arc::new(Barrier::new(2));
    let (theirs, holds) = (ledger.clone(), held.clone());
    thread::spawn(move || {
        let _segments = theirs.lock();
        holds.wait();
        let (_sender, answers) = mpsc::channel::<()>();
        let _ = answers.recv();
    });
    held.wait();
    ledger
}

/// Stands in for work that takes `millis` milliseconds.
fn work(millis: u64) {
    thread::sleep(Duration::from_millis(millis));
}
