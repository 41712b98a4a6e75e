//! `tokio::time::timeout` around the cleanup, and then an exit.

use super::Stage;
use super::stage::runtime;

pub(crate) fn end(stage: &Stage) -> ! {
    runtime().block_on(async {
        stage.load();
        stage.begin();
        let done = tokio::time::timeout(stage.grace(), stage.cleanup()).await;
        assert!(done.is_err(), "the cleanup never returns");
        stage.end()
    })
}
