//! The victims that are programs of their own.

use std::path::PathBuf;

use super::{bare, small};

/// The programs, as far as they could be built.
#[derive(Debug)]
pub(crate) struct Programs {
    /// `bare.c`; `None` without a compiler.
    pub(crate) bare: Option<PathBuf>,
    /// `small_program.rs`.
    pub(crate) small: Option<PathBuf>,
}

impl Programs {
    pub(crate) fn build() -> Self {
        Self {
            bare: bare::compile(),
            small: small::build(),
        }
    }
}
