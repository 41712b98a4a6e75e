//! The runtime that `#[tokio::main]` makes, alone: what the libraries that need
//! one are measured from.

use tokio::runtime::{Builder, Runtime};

pub fn install() -> Runtime {
    Builder::new_multi_thread().enable_all().build().unwrap()
}

pub fn finish(runtime: Runtime) {
    runtime.block_on(async {});
}
