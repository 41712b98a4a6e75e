//! signal-mod 2: two hooks that never return. The first is abandoned as the
//! graceful timeout ends, the second as the force timeout does.

use signal_mod::{Coordinator, ShutdownReason, hook_from_fn};

use super::Setup;
use super::setup::runtime;
use crate::conditions;

pub(crate) fn end(setup: &Setup) -> ! {
    runtime().block_on(async {
        let workers = tokio::runtime::Handle::current();
        let blocks_workers = setup.condition.blocks_workers;
        let coordinator = Coordinator::builder()
            .graceful_timeout(setup.grace() / 2)
            .force_timeout(setup.grace())
            .hook(hook_from_fn("first", 1, move |_| {
                if blocks_workers {
                    conditions::block_workers(&workers);
                }
                conditions::park()
            }))
            .hook(hook_from_fn("second", 0, |_| conditions::park()))
            .build();
        coordinator.install().unwrap();
        let (trigger, token) = (coordinator.trigger(), coordinator.token());
        setup.load();
        setup.begin();
        trigger.trigger(ShutdownReason::Requested);
        token.wait().await;
        coordinator.run_hooks_async(ShutdownReason::Requested).await;
        setup.end()
    })
}
