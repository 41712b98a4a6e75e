//! tokio-graceful-shutdown 0.20: a subsystem that never returns, and the timeout
//! of `handle_shutdown_requests`.

use tokio_graceful_shutdown::{SubsystemBuilder, SubsystemHandle, Toplevel};
use tokio_util::sync::CancellationToken;

use super::Setup;
use super::setup::runtime;

type Nothing = Result<(), std::io::Error>;

pub(crate) fn end(setup: &Setup) -> ! {
    runtime().block_on(async {
        shut_down(setup).await;
        setup.end()
    })
}

async fn shut_down(setup: &Setup) {
    let (page, condition) = (setup.page, setup.condition);
    let token = CancellationToken::new();
    let start = async move |top: &mut SubsystemHandle| {
        let cleanup = async move |own: &mut SubsystemHandle| -> Nothing {
            own.on_shutdown_requested().await;
            Setup { page, condition }.cleanup().await;
            Ok(())
        };
        top.start(SubsystemBuilder::new("cleanup", cleanup));
    };
    let top: Toplevel = Toplevel::new_with_shutdown_token(start, token.clone());
    // The subsystem is started as soon as a task awaits it.
    tokio::task::yield_now().await;
    setup.load();
    setup.begin();
    token.cancel();
    let done = top.handle_shutdown_requests(setup.grace()).await;
    assert!(done.is_err(), "the cleanup never returns");
}
