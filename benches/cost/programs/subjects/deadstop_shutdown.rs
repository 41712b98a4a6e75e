//! deadstop's level 2, with a task.

use deadstop::Shutdown;

pub fn install() -> Shutdown {
    let shutdown = Shutdown::builder().install().unwrap();
    shutdown.task("close").on_shutdown(|_| {}).unwrap();
    shutdown
}

pub fn finish(shutdown: Shutdown) {
    shutdown.finish();
}
