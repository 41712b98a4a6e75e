//! The command line of a bench. An argument that it does not know is refused: it would start
//! a run of minutes.

use std::env;

use clap::{Error, Parser};

/// The flags that cargo passes.
#[derive(Debug, clap::Args)]
pub(crate) struct CargoFlags {
    /// Passed by `cargo bench`, and not by `cargo test --benches`.
    #[arg(long, hide = true)]
    bench: bool,
    #[arg(long, hide = true)]
    test: bool,
}

impl CargoFlags {
    /// Returns `true` if cargo wants measurements.
    pub(crate) fn wants_measurements(&self) -> bool {
        self.bench && !self.test
    }
}

/// Returns the arguments of this process. Ends it for `--help`, and with status 2 and the
/// usage for an unknown argument.
pub(crate) fn read<T: Parser>() -> T {
    parse(env::args()).unwrap_or_else(|error| error.exit())
}

/// Parses arguments, of which the first is the program.
pub(crate) fn parse<T: Parser>(arguments: impl IntoIterator<Item = String>) -> Result<T, Error> {
    T::try_parse_from(arguments).map_err(|error| match error.use_stderr() {
        // The parser's own error does not list the options.
        true => {
            let text = error.to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            let reason = text.split("\n\n").next().unwrap_or_default();
            let help = T::command().render_help();
            Error::raw(error.kind(), format!("{reason}\n\n{help}"))
        }
        false => error,
    })
}
