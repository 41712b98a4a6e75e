//! The files that the program's code is mapped from.

mod image;
pub(super) mod maps;
mod modules;

pub(super) use self::image::{Image, Mapped, Tables};
pub(super) use self::modules::{Module, Modules};
