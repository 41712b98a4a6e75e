//! Workers beside a real PostgreSQL server, which says in its log who left without goodbye.

mod process;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use postgres::{Client, NoTls};
use process::{Process, wait_for};

/// The server refuses to run as root.
const UNPRIVILEGED: u32 = 65534;

struct Server {
    process: Process,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Starts a server with these jobs; `None` if PostgreSQL is not installed.
    fn start(name: &str, jobs: &[Duration]) -> Option<Self> {
        let Some(programs) = installed() else {
            let no_skips = std::env::var_os("DEADSTOP_NO_SKIPS").is_some();
            assert!(!no_skips, "PostgreSQL's server is not installed");
            eprintln!("skipped: PostgreSQL's server is not installed");
            return None;
        };
        let folder = std::env::temp_dir().join(format!("deadstop-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("its owner");
        if is_root() {
            chown(&folder, Some(UNPRIVILEGED), Some(UNPRIVILEGED)).expect("chown");
        }
        let data = folder.join("data");
        let mut initdb = unprivileged(&programs.join("initdb"));
        initdb.args(["--auth=trust", "--username=app", "--no-sync", "-D"]);
        let output = initdb.arg(&data).output().expect("initdb runs");
        assert!(output.status.success(), "{output:?}");

        let port = free_port();
        let mut server = unprivileged(&programs.join("postgres"));
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        server
            .arg("-k")
            .arg(&folder)
            .args(["-h", "127.0.0.1", "-F"]);
        let server = Self {
            process: Process::start(&mut server),
            folder,
            port,
        };
        let mut client = server.client();
        client
            .batch_execute("create table jobs (id int primary key, work interval, done bool)")
            .expect("a table");
        for (id, work) in (1_i32..).zip(jobs) {
            let work = format!("{} milliseconds", work.as_millis());
            client
                .execute(
                    "insert into jobs values ($1, $2::text::interval, false)",
                    &[&id, &work],
                )
                .expect("a job");
        }
        client.close().expect("it says goodbye");
        Some(server)
    }

    fn database(&self) -> String {
        format!(
            "host=127.0.0.1 port={} user=app dbname=postgres connect_timeout=5",
            self.port
        )
    }

    fn client(&self) -> Client {
        wait_for("the server answers", || {
            Client::connect(&self.database(), NoTls).ok()
        })
    }

    fn worker(&self, option: Option<&str>) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_postgres_worker"));
        command.env("DATABASE", self.database()).args(option);
        Process::start(&mut command)
    }

    /// Waits until this many connections of others run a job.
    fn wait_until_working(&self, workers: i64) {
        let mut client = self.client();
        wait_for("workers are at work", || {
            let count = client.query_one(
                "select count(*) from pg_stat_activity where query like 'select pg_sleep%' and state = 'active'",
                &[],
            );
            let count: i64 = count.expect("an answer").get(0);
            (count == workers).then_some(())
        });
        client.close().expect("it says goodbye");
    }

    fn done(&self) -> Vec<i32> {
        let mut client = self.client();
        let rows = client.query("select id from jobs where done order by id", &[]);
        let done = rows
            .expect("an answer")
            .iter()
            .map(|row| row.get(0))
            .collect();
        client.close().expect("it says goodbye");
        done
    }

    /// Ends the server, and returns its log.
    fn log(mut self) -> String {
        // Waits for its clients.
        self.process.signal(libc::SIGTERM);
        self.process.ends().stderr.clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let programs = versions.flatten().map(|version| version.path().join("bin"));
    programs
        .filter(|programs| programs.join("postgres").exists())
        .max()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("it is bound").port()
}

fn is_root() -> bool {
    // SAFETY: no precondition.
    unsafe { libc::geteuid() == 0 }
}

fn unprivileged(program: &Path) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).current_dir("/");
    if is_root() {
        command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    command
}

const UNEXPECTED: &str = "unexpected EOF on client connection";

#[test]
fn jobs_in_flight_are_finished_and_the_server_sees_no_broken_connection() {
    let jobs = [Duration::from_millis(700); 6];
    let Some(server) = Server::start("finish", &jobs) else {
        return;
    };
    let mut worker = server.worker(None);
    server.wait_until_working(2);
    worker.signal(libc::SIGTERM);
    let ended = worker.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
    let done = server.done();
    assert!(
        done.len() >= 2 && done.len() < jobs.len(),
        "{done:?} {ended:?}"
    );
    let log = server.log();
    assert!(!log.contains(UNEXPECTED), "{log}");
}

#[test]
fn job_that_takes_too_long_is_canceled_and_rolled_back() {
    let jobs = [Duration::from_millis(50), Duration::from_secs(3600)];
    let Some(server) = Server::start("cancel", &jobs) else {
        return;
    };
    let mut worker = server.worker(None);
    wait_for("the first job is done", || {
        (server.done() == [1]).then_some(())
    });
    server.wait_until_working(1);
    worker.signal(libc::SIGTERM);
    let ended = worker.ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
    assert!(ended.stderr.contains("a job was canceled"), "{ended:?}");
    assert_eq!(server.done(), [1]);
    let log = server.log();
    assert!(!log.contains(UNEXPECTED), "{log}");
}

/// The control.
#[test]
fn worker_without_deadstop_breaks_its_connection() {
    let Some(server) = Server::start("plain", &[Duration::from_millis(1500)]) else {
        return;
    };
    let mut worker = server.worker(Some("--plain"));
    server.wait_until_working(1);
    worker.signal(libc::SIGTERM);
    assert_eq!(worker.ends().shell(), 143);
    // The server notices when the job is over.
    thread::sleep(Duration::from_secs(3));
    assert_eq!(server.done(), [] as [i32; 0]);
    let log = server.log();
    assert!(log.contains(UNEXPECTED), "{log}");
}
