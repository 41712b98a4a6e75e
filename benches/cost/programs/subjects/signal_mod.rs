//! signal-mod without a runtime, with a hook.

use signal_mod::{Coordinator, ShutdownReason, hook_from_fn};

pub fn install() -> Coordinator {
    let coordinator = Coordinator::builder()
        .hook(hook_from_fn("close", 0, |_| {}))
        .build();
    coordinator.install().unwrap();
    coordinator
}

pub fn finish(coordinator: Coordinator) {
    coordinator.trigger().trigger(ShutdownReason::Requested);
    coordinator.token().wait_blocking();
    coordinator.run_hooks(ShutdownReason::Requested);
}
