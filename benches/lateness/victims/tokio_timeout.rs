//! `tokio::time::timeout` around the cleanup, and then an exit.

use super::Setup;
use super::setup::runtime;

pub(crate) fn end(setup: &Setup) -> ! {
    runtime().block_on(async {
        setup.load();
        setup.begin();
        let done = tokio::time::timeout(setup.grace(), setup.cleanup()).await;
        assert!(done.is_err(), "the cleanup never returns");
        setup.end()
    })
}
