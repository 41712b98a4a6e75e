//! `tokio::signal`, awaited by `main`.

use tokio::signal::unix::{SignalKind, signal};

use super::Stage;
use super::stage::runtime;
use crate::conditions;

pub(crate) fn arm(stage: &Stage) -> ! {
    runtime().block_on(async {
        let mut signal = signal(SignalKind::terminate()).unwrap();
        stage.load();
        stage.begin();
        signal.recv().await;
        stage.page.armed.stamp();
        conditions::park()
    })
}
