//! A batch whose HTTP client keeps idle threads: the process leaves when the work is done.
//!
//! ```text
//! cargo run --bin batch_client               ends at once; status 0
//! cargo run --bin batch_client -- --plain    the control: idles a minute after the work
//! cargo run --bin batch_client -- --hang     the client cannot be closed: named; status 1
//! ```
//!
//! With `SERVER` set it asks there (`http://host:port`), without it a server of its own.

#![expect(clippy::print_stdout, reason = "it talks to the user")]

use std::env;
use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use deadstop::{Phase, Shutdown};

const ORDERS: usize = 20;

fn main() -> Result<ExitCode, Box<dyn Error + Send + Sync>> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("info")).init();
    let option = env::args().nth(1).unwrap_or_default();
    let server = match env::var("SERVER") {
        Ok(server) => server,
        Err(_) => serve()?,
    };
    if option == "--plain" {
        let client = Client::new(3);
        fetch_orders(&client, &server)?;
        client.join();
        return Ok(ExitCode::SUCCESS);
    }

    // In Argo the grace of the pod; elsewhere this.
    let shutdown = Shutdown::builder()
        .grace_from_platform(Duration::from_secs(5))
        .install()?;
    let client = Arc::new(Client::new(3));
    shutdown
        .resource("orders client", Arc::clone(&client))
        // A batch that is asked to stop in the middle does not wait for its answers.
        .waker(|client| client.refuse_more())
        .budget(Duration::from_secs(2))
        .close(|client| client.close())?;
    shutdown
        .task("write the totals")
        .phase(Phase::FLUSH)
        .on_shutdown(|_| println!("the totals are written"))?;
    if option == "--hang" {
        let address = TcpListener::bind("127.0.0.1:0")?;
        let silent = format!("http://{}/never", address.local_addr()?);
        client.send(silent, |_| ())?;
        // The server has accepted the connection, and never answers.
        std::mem::forget(address);
    }
    match fetch_orders(&client, &server) {
        Ok(orders) => println!("{orders} orders are fetched"),
        Err(_) if shutdown.is_requested() => println!("stopped before all orders were fetched"),
        Err(error) => return Err(error),
    }
    Ok(shutdown.finish())
}

/// Returns the number of orders.
fn fetch_orders(client: &Client, server: &str) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let (answers, all) = mpsc::channel();
    for number in 0..ORDERS {
        let answers = answers.clone();
        client.send(format!("{server}/orders/{number}"), move |answer| {
            let _ = answers.send(answer);
        })?;
    }
    drop(answers);
    let mut orders = 0;
    for answer in all {
        answer?;
        orders += 1;
    }
    if orders < ORDERS {
        return Err("the client was closed".into());
    }
    Ok(orders)
}

type Answer = Result<String, ureq::Error>;
type Call = Box<dyn FnOnce() + Send>;

/// A client as in many languages: its threads wait a minute for more work, and a program
/// that joins them waits that minute.
struct Client {
    calls: Mutex<Option<Sender<Call>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    agent: ureq::Agent,
}

impl Client {
    const KEEP_ALIVE: Duration = Duration::from_secs(60);

    fn new(threads: usize) -> Self {
        let (calls, work) = mpsc::channel::<Call>();
        let work = Arc::new(Mutex::new(work));
        let start = |_| {
            let work = Arc::clone(&work);
            thread::spawn(move || {
                loop {
                    let call = work
                        .lock()
                        .expect("no panic")
                        .recv_timeout(Self::KEEP_ALIVE);
                    match call {
                        Ok(call) => call(),
                        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
                    }
                }
            })
        };
        Self {
            threads: Mutex::new((0..threads).map(start).collect()),
            calls: Mutex::new(Some(calls)),
            agent: ureq::Agent::new_with_defaults(),
        }
    }

    fn send(
        &self,
        url: String,
        then: impl FnOnce(Answer) + Send + 'static,
    ) -> Result<(), &'static str> {
        let agent = self.agent.clone();
        let call = move || {
            then(
                agent
                    .get(&url)
                    .call()
                    .and_then(|mut answer| answer.body_mut().read_to_string()),
            )
        };
        let calls = self.calls.lock().expect("no panic");
        let calls = calls.as_ref().ok_or("the client is closed")?;
        calls
            .send(Box::new(call))
            .map_err(|_| "the client is closed")
    }

    fn refuse_more(&self) {
        drop(self.calls.lock().expect("no panic").take());
    }

    /// Waits for the calls that have begun; no thread idles any more.
    fn close(&self) {
        self.refuse_more();
        self.join();
    }

    /// Waits until the threads have ended.
    fn join(&self) {
        for thread in self.threads.lock().expect("no panic").drain(..) {
            let _ = thread.join();
        }
    }
}

/// Serves orders on a thread, each after 20 ms. Returns its URL.
fn serve() -> Result<String, std::io::Error> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            thread::spawn(move || answer(connection));
        }
    });
    Ok(url)
}

fn answer(mut connection: TcpStream) -> Result<(), std::io::Error> {
    let mut lines = BufReader::new(connection.try_clone()?);
    let mut line = String::new();
    while lines.read_line(&mut line)? > 0 {
        if line == "\r\n" {
            thread::sleep(Duration::from_millis(20));
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")?;
        }
        line.clear();
    }
    Ok(())
}
