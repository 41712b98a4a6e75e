//! Frames of a stack in a hang report.

use serde::{Deserialize, Serialize};

use super::wire;

/// A frame of a stack.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StackFrame {
    /// The function's name, demangled; `None` if it is not known.
    pub function: Option<String>,
    /// The file name of the program or library that has the code; `None` if it
    /// is from no file.
    pub module: Option<String>,
    /// The offset in that file; without a file, the address.
    #[serde(with = "wire::hex")]
    pub offset: u64,
    /// The place in the source, as `file:line`; `None` if it is not known. The path is
    /// `crate-1.2.3/src/file.rs` for a dependency, `std/src/file.rs` for the standard library,
    /// and relative to the folder of the build for the application.
    pub site: Option<String>,
    /// The origin of the source; `None` if that is not known.
    #[serde(default)]
    pub source: Option<FrameSource>,
}

/// The origin of the source of a frame's code.
///
/// # Examples
///
/// ```
/// use deadstop::report::{FrameSource, HungThread, StackFrame};
///
/// /// Returns the innermost frame of the program's own code.
/// fn own(thread: &HungThread) -> Option<&StackFrame> {
///     let is_own = |frame: &&StackFrame| frame.source == Some(FrameSource::Application);
///     thread.stack.iter().find(is_own)
/// }
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FrameSource {
    /// The program itself.
    Application,
    /// A crate from a registry or a repository.
    Dependency,
    /// The standard library.
    Std,
    /// A source that this version does not know.
    #[serde(other)]
    Unknown,
}
