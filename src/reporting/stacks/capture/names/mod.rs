//! The names and source lines of code, in the space that a report has.

mod debug_info;
mod shorten;
mod source_path;
mod symbols;

pub(super) use self::debug_info::CodeLocation;
pub(super) use self::shorten::{without_head, without_middle};
pub(super) use self::symbols::Symbols;
