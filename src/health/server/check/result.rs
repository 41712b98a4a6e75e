//! Results that a check may return.

use std::fmt;

/// The result of a check: a `bool`, or a `Result` whose error implements `Display` and is
/// shown as the reason.
///
/// # Examples
///
/// ```
/// use std::path::Path;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let health = shutdown
///     .health()
///     .bind("127.0.0.1:0")
///     // A `bool`, or a `Result` whose error is shown as the reason.
///     .check("spool", || Path::new("/var/spool").is_dir())
///     .check("disk", || std::fs::metadata("/").map(drop))
///     .start()?;
/// # let _ = health;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CheckResult: sealed::Sealed {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), String>;
}

impl CheckResult for bool {
    fn into_result(self) -> Result<(), String> {
        match self {
            true => Ok(()),
            false => Err(String::new()),
        }
    }
}

impl<E: fmt::Display> CheckResult for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// The code of the application that a check calls.
pub(crate) type Call = Box<dyn FnMut() -> Result<(), String> + Send>;

mod sealed {
    #[expect(unnameable_types, reason = "seals the trait")]
    pub trait Sealed {}
    impl Sealed for bool {}
    impl<E: std::fmt::Display> Sealed for Result<(), E> {}
}
