//! `tokio::signal`, awaited by `main`.

use tokio::signal::unix::{SignalKind, signal};

use super::Setup;
use super::setup::runtime;
use crate::conditions;

pub(crate) fn arm(setup: &Setup) -> ! {
    runtime().block_on(async {
        let mut signal = signal(SignalKind::terminate()).unwrap();
        setup.load();
        setup.begin();
        signal.recv().await;
        setup.page.armed.stamp();
        conditions::park()
    })
}
