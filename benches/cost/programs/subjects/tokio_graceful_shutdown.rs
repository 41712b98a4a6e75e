//! tokio-graceful-shutdown on the runtime that `#[tokio::main]` makes, with a
//! subsystem.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};
use tokio_util::sync::CancellationToken;

pub struct Installed(Runtime, CancellationToken, JoinHandle<()>);

pub fn install() -> Installed {
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let asked = CancellationToken::new();
    let token = asked.clone();
    let (started, starts) = mpsc::channel();
    let running = runtime.spawn(async {
        let start = async move |top: &mut SubsystemHandle| {
            top.start(SubsystemBuilder::new("close", close));
            started.send(()).unwrap();
        };
        let top: Toplevel = Toplevel::new_with_shutdown_token(start, token);
        let top = top.catch_signals();
        top.handle_shutdown_requests(Duration::from_secs(10)).await.unwrap();
    });
    starts.recv().unwrap();
    Installed(runtime, asked, running)
}

pub fn finish(Installed(runtime, asked, running): Installed) {
    asked.cancel();
    runtime.block_on(running).unwrap();
}

async fn close(own: &mut SubsystemHandle) -> Result<(), io::Error> {
    own.on_shutdown_requested().await;
    Ok(())
}
