//! The reasons why a job returned nothing.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::panic::resume_unwind;

use crate::contain::Payload;

/// The reason why a job returned nothing.
///
/// # Examples
///
/// ```
/// use deadstop::drain::JobError;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let pool = shutdown.pool("thumbnails").start()?;
/// let job = pool.submit(|| panic!("no memory")).map_err(|rejected| rejected.to_string())?;
/// match job.join() {
///     Ok(()) => {}
///     Err(JobError::Panicked(_)) => println!("the job panicked"),
///     Err(error) => println!("{error}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
pub enum JobError {
    /// It was cancelled before it started: by its handle, or because the pool was
    /// stopped.
    Cancelled,
    /// It panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
}

impl JobError {
    /// Panics again with the payload of the job's panic.
    ///
    /// # Panics
    ///
    /// Always panics: with the job's payload, or with a message if the job was cancelled.
    pub fn resume(self) -> ! {
        match self {
            Self::Cancelled => resume_unwind(Box::new("the job was cancelled")),
            Self::Panicked(payload) => resume_unwind(payload),
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the job was cancelled before it started"),
            Self::Panicked(payload) => {
                let message = crate::trigger::panic::message(&**payload);
                write!(f, "the job panicked: {message}")
            }
        }
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobError({self})")
    }
}

impl Error for JobError {}

/// The reason why a job returned nothing, until a caller asks. Dropping it does not panic.
pub(super) enum Lost {
    Cancelled,
    Panicked(Payload),
}

impl From<Lost> for JobError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Cancelled => Self::Cancelled,
            Lost::Panicked(payload) => Self::Panicked(payload.into()),
        }
    }
}
