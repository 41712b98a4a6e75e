//! signal-mod 2: two hooks that never return. The first is abandoned as the
//! graceful timeout ends, the second as the force timeout does.

use signal_mod::{Coordinator, ShutdownReason, hook_from_fn};

use super::Stage;
use super::stage::runtime;
use crate::conditions;

pub(crate) fn end(stage: &Stage) -> ! {
    runtime().block_on(async {
        let workers = tokio::runtime::Handle::current();
        let blocks_workers = stage.condition.blocks_workers;
        let coordinator = Coordinator::builder()
            .graceful_timeout(stage.grace() / 2)
            .force_timeout(stage.grace())
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
        stage.load();
        stage.begin();
        trigger.trigger(ShutdownReason::Requested);
        token.wait().await;
        coordinator.run_hooks_async(ShutdownReason::Requested).await;
        stage.end()
    })
}
