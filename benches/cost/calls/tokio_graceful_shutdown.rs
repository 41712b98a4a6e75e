//! tokio-graceful-shutdown: a subsystem for each task, which is a task of the
//! runtime's; taking it back is to abort it.

use std::hint::black_box;
use std::io;

use tokio_graceful_shutdown::{AsyncSubsysFn, SubsystemBuilder, SubsystemHandle, Toplevel};

use super::{GRACE, ROUNDS, SETTLE, measure, measure_once};

type Nothing = Result<(), io::Error>;

pub(super) fn calls() {
    run(async |top: &mut SubsystemHandle| {
        measure("is_requested", 100_000, || {
            black_box(black_box(&*top).is_shutdown_requested());
        });
        let mut tasks = Vec::with_capacity(ROUNDS * 1_000);
        measure("register", 1_000, || {
            tasks.push(top.start(SubsystemBuilder::new("close", wait)));
        });
        let mut registered = tasks.iter();
        measure("cancel", 1_000, || registered.next().unwrap().abort());
        top.request_shutdown();
    });
}

pub(super) fn request() {
    run(async |top: &mut SubsystemHandle| {
        top.start(SubsystemBuilder::new("close", wait));
        tokio::time::sleep(SETTLE).await;
        measure_once("request", || top.request_shutdown());
    });
}

fn run(all: impl 'static + for<'a> AsyncSubsysFn<&'a mut SubsystemHandle, ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let top: Toplevel = Toplevel::new(all);
        top.handle_shutdown_requests(GRACE).await.unwrap();
    });
}

async fn wait(task: &mut SubsystemHandle) -> Nothing {
    task.on_shutdown_requested().await;
    Ok(())
}
