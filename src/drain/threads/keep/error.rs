//! The reason why there is no kept thread.

use std::fmt;
use std::io;

use crate::drain::RegisterError;

/// The reason why there is no kept thread.
///
/// # Examples
///
/// ```
/// use deadstop::drain::KeepError;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// match shutdown.keep("uploader").spawn(|cx| cx.requested().wait()) {
///     Err(KeepError::Spawn(error)) => println!("no thread: {error}"),
///     Err(error) => println!("{error}"),
///     Ok(thread) => println!("{} runs", thread.name()),
/// }
/// # let _ = shutdown.finish();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum KeepError {
    /// Its task was refused.
    Register(RegisterError),
    /// The system refused the thread.
    Spawn(io::Error),
}

impl fmt::Display for KeepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(source) => {
                write!(f, "the kept thread's task was not registered: {source}")
            }
            Self::Spawn(source) => write!(f, "the kept thread could not be started: {source}"),
        }
    }
}

// The text has the cause in it.
impl std::error::Error for KeepError {}
