//! The command line.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use deadstop_core::duration;
use lexopt::Parser;
use lexopt::prelude::{Long, Short, Value, ValueExt};

use crate::signals;

pub(crate) const HELP: &str = "\
Starts PROGRAM, passes signals on to it, reaps what it leaves behind, and kills it if
it has not ended by the deadline, with a report of what it was doing.

Usage: deadstop run [OPTION ...] [--] PROGRAM [ARGUMENT ...]

  --grace TIME          from the first signal of --on to the deadline: 25s, 1500ms,
                        1m30s; a number alone is in seconds. DEADSTOP_GRACE if left
                        out; `none` is no deadline
  --on SIGNAL,...       signals that begin the shutdown (default: TERM,INT). Ctrl-C is
                        INT: TERM alone is for programs that go on after it, as shells
  --signal SIGNAL       what PROGRAM gets in place of a signal of --on, except Ctrl-C
  --rewrite FROM:TO     what PROGRAM gets in place of FROM; 0 is nothing. Repeatable
  --group               pass signals on to PROGRAM's process group, not to it alone
  --kill-rest           kill the processes that PROGRAM leaves behind when it ends;
                        as pid 1 of a container the kernel does so in any case
  --status STATUS       exit status when the deadline had to end it (default: 124)
  --success STATUS      exit with 0 if PROGRAM ends with STATUS. Repeatable
  --report FILE         add the report to FILE, as well as to standard error; a regular
                        file, or a new one
  --parent-death SIGNAL take the end of the parent process for SIGNAL
  --quiet               say nothing about how PROGRAM ended; the report is written
  -h, --help            print this
  -V, --version         print the version

Exit status: PROGRAM's own; 128 + N if signal N ended it; --status at the deadline;
125 for an error of deadstop, 126 if PROGRAM cannot be run, 127 if it is not found.
";

/// The command.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    Version,
    Run(Options),
}

/// The settings for a program.
#[derive(Debug)]
pub(crate) struct Options {
    /// `None` is no deadline.
    pub(crate) grace: Option<Duration>,
    pub(crate) on: Vec<i32>,
    /// The signals that are passed on in place of others; 0 is none.
    pub(crate) rewrites: BTreeMap<i32, i32>,
    pub(crate) to_group: bool,
    pub(crate) kills_rest: bool,
    pub(crate) status: u8,
    pub(crate) success: Vec<u8>,
    pub(crate) report: Option<PathBuf>,
    pub(crate) parent_death: Option<i32>,
    pub(crate) is_quiet: bool,
    pub(crate) program: OsString,
    pub(crate) arguments: Vec<OsString>,
}

/// Reads the command line, without the name of the program.
///
/// # Errors
///
/// Returns a message that names the argument and what is allowed.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    grace: Option<OsString>,
) -> Result<Command, String> {
    let mut parser = Parser::from_args(arguments);
    match parser.next().map_err(text)? {
        Some(Short('h') | Long("help")) => return Ok(Command::Help),
        Some(Short('V') | Long("version")) => return Ok(Command::Version),
        Some(Value(word)) if word == "run" => {}
        Some(Value(word)) => {
            return Err(format!(
                "there is no command {word:?}; the command is `run`"
            ));
        }
        Some(other) => {
            let other = text(other.unexpected());
            return Err(format!(
                "{other} before the command, which is `run`, as in `deadstop run --grace 25s -- node app.js`"
            ));
        }
        None => return Err("a command is missing; the command is `run`".into()),
    }
    options(parser, grace)
}

fn options(mut parser: Parser, variable: Option<OsString>) -> Result<Command, String> {
    let mut given = Given::none();
    while let Some(argument) = parser.next().map_err(text)? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help),
            Short('V') | Long("version") => return Ok(Command::Version),
            Long(name) => {
                let name = name.to_owned();
                given.read(&name, &mut parser)?;
            }
            Value(program) => {
                given.options.program = program;
                given.options.arguments = parser.raw_args().map_err(text)?.collect();
                break;
            }
            other => return Err(text(other.unexpected())),
        }
    }
    given.complete(variable).map(Command::Run)
}

/// The options that the command line gives, in any order.
struct Given {
    /// The inner is `None` for no deadline.
    grace: Option<Option<Duration>>,
    signal: Option<i32>,
    /// Without a grace period, and with the rewrites of `--rewrite` alone.
    options: Options,
}

impl Given {
    fn none() -> Self {
        Self {
            grace: None,
            signal: None,
            options: Options {
                grace: None,
                on: vec![libc::SIGTERM, libc::SIGINT],
                rewrites: BTreeMap::new(),
                to_group: false,
                kills_rest: false,
                status: 124,
                success: Vec::new(),
                report: None,
                parent_death: None,
                is_quiet: false,
                program: OsString::new(),
                arguments: Vec::new(),
            },
        }
    }

    /// Reads the option `name`, and its value from `parser`.
    fn read(&mut self, name: &str, parser: &mut Parser) -> Result<(), String> {
        let options = &mut self.options;
        match name {
            "grace" => self.grace = Some(length("--grace", &parser.value().map_err(text)?)?),
            "on" => {
                let value = parser.value().map_err(text)?;
                let names = value.to_string_lossy();
                let read = names.split(',').map(|name| one_signal("--on", name.trim()));
                options.on = read.collect::<Result<_, _>>()?;
            }
            "signal" => self.signal = Some(signal("--signal", parser)?),
            "rewrite" => {
                let (from, to) = rewrite(&parser.value().map_err(text)?)?;
                options.rewrites.insert(from, to);
            }
            "group" => options.to_group = true,
            "kill-rest" => options.kills_rest = true,
            "status" => options.status = status("--status", parser)?,
            "success" => options.success.push(status("--success", parser)?),
            "report" => options.report = Some(parser.value().map_err(text)?.into()),
            "parent-death" => options.parent_death = Some(signal("--parent-death", parser)?),
            "quiet" => options.is_quiet = true,
            unknown => return Err(text(Long(unknown).unexpected())),
        }
        Ok(())
    }

    /// Returns the options, with the grace period from `variable` if no option gives it.
    fn complete(self, variable: Option<OsString>) -> Result<Options, String> {
        let mut options = self.options;
        if options.program.is_empty() {
            return Err(
                "a program is missing, as in `deadstop run --grace 25s -- node app.js`".into(),
            );
        }
        // The option replaces the variable, whatever its value.
        options.grace = match (self.grace, variable.filter(|value| !value.is_empty())) {
            (Some(grace), _) => grace,
            (None, Some(value)) => length("DEADSTOP_GRACE", &value)?,
            (None, None) => {
                return Err(
                    "--grace is missing, and DEADSTOP_GRACE is not set; `--grace none` is no deadline"
                        .into(),
                );
            }
        };
        if let Some(signal) = self.signal {
            for from in &options.on {
                // `--rewrite` has the last word.
                options.rewrites.entry(*from).or_insert(signal);
            }
        }
        Ok(options)
    }
}

fn text(error: lexopt::Error) -> String {
    error.to_string()
}

/// Reads a length of time; `None` is no deadline.
fn length(name: &str, value: &OsStr) -> Result<Option<Duration>, String> {
    const ALLOWED: &str = "a duration longer than zero and no longer than 584 years, such as 25s, 1500ms or 1m30s, or none";
    let value = value.to_string_lossy();
    let text = value.trim();
    if text == "none" {
        return Ok(None);
    }
    match duration::parse(text) {
        Some(length) => Ok(Some(length)),
        None => Err(format!("{name} is {value:?}; allowed is {ALLOWED}")),
    }
}

fn one_signal(name: &str, value: &str) -> Result<i32, String> {
    let allowed = signals::ALLOWED;
    signals::parse(value).ok_or_else(|| format!("{name} has {value:?}; allowed is {allowed}"))
}

fn signal(name: &str, parser: &mut Parser) -> Result<i32, String> {
    let value = parser.value().map_err(text)?;
    one_signal(name, &value.to_string_lossy())
}

fn rewrite(value: &OsStr) -> Result<(i32, i32), String> {
    let value = value.to_string_lossy();
    let parts = value.split_once(':');
    let (from, to) = parts.ok_or_else(|| format!("--rewrite is {value:?}; allowed is FROM:TO"))?;
    let to = match to {
        "0" => 0,
        to => one_signal("--rewrite", to)?,
    };
    Ok((one_signal("--rewrite", from)?, to))
}

fn status(name: &str, parser: &mut Parser) -> Result<u8, String> {
    let value = parser.value().map_err(text)?;
    let read = value.parse::<u8>();
    read.map_err(|_| format!("{name} is {value:?}; allowed is 0 to 255"))
}

#[cfg(test)]
mod tests {
    use super::{Command, Options, parse};
    use std::time::Duration;

    fn read(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(Into::into), None)
    }

    fn options(line: &str) -> Options {
        match read(line) {
            Ok(Command::Run(options)) => options,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn defaults_are_term_and_int_and_124() {
        let options = options("run --grace 25s -- node app.js --grace 3");
        assert_eq!(options.grace, Some(Duration::from_secs(25)));
        assert_eq!(options.on, [libc::SIGTERM, libc::SIGINT]);
        assert_eq!((options.status, options.to_group), (124, false));
        assert_eq!(options.program, "node");
        assert_eq!(options.arguments, ["app.js", "--grace", "3"]);
    }

    #[test]
    fn options_after_the_program_are_its_own() {
        let options = options("run --grace 5 sh -c --help");
        assert_eq!(options.arguments, ["-c", "--help"]);
    }

    #[test]
    fn signal_replaces_those_of_on_and_rewrite_has_the_last_word() {
        let options = options("run --grace 5 --rewrite INT:0 --on TERM,INT --signal QUIT -- true");
        assert_eq!(options.rewrites.get(&libc::SIGTERM), Some(&libc::SIGQUIT));
        assert_eq!(options.rewrites.get(&libc::SIGINT), Some(&0));
    }

    #[test]
    fn grace_comes_from_the_variable_if_it_is_left_out() {
        let parsed = parse(["run", "true"].map(Into::into), Some("90s".into()));
        let Ok(Command::Run(options)) = parsed else {
            panic!("{parsed:?}");
        };
        assert_eq!(options.grace, Some(Duration::from_secs(90)));
        assert_eq!(self::options("run --grace none true").grace, None);
    }

    #[test]
    fn variable_is_not_read_where_the_option_replaces_it() {
        let with = |line: &str, variable: &str| {
            let words = line.split_whitespace().map(Into::into);
            match parse(words, Some(variable.into())) {
                Ok(Command::Run(options)) => Ok(options.grace),
                Ok(other) => panic!("{line}: {other:?}"),
                Err(error) => Err(error),
            }
        };
        let two = Some(Duration::from_secs(2));
        assert_eq!(with("run --grace 2 true", "garbage"), Ok(two));
        let error = with("run true", "garbage").expect_err("it is used");
        assert!(error.contains("DEADSTOP_GRACE is \"garbage\""), "{error}");
        assert_eq!(with("run true", "none"), Ok(None));
        let error = with("run true", "").expect_err("an empty variable is not set");
        assert!(error.contains("DEADSTOP_GRACE is not set"), "{error}");
    }

    #[test]
    fn errors_name_the_argument_and_what_is_allowed() {
        for (line, words) in [
            ("", "the command is `run`"),
            ("start true", "\"start\""),
            ("--grace 2 -- true", "the command, which is `run`"),
            ("run true", "--grace is missing"),
            ("run --grace 5s", "a program is missing"),
            ("run --grace soon true", "--grace is \"soon\"; allowed is"),
            ("run --grace 99999999999s true", "no longer than 584 years"),
            ("run --grace 0 true", "--grace is \"0\"; allowed is"),
            (
                "run --grace 5 --on NEVER true",
                "--on has \"NEVER\"; allowed is",
            ),
            (
                "run --grace 5 --status 256 true",
                "--status is \"256\"; allowed is 0 to 255",
            ),
            ("run --grace 5 --rewrite TERM true", "allowed is FROM:TO"),
            ("run --yolo true", "--yolo"),
        ] {
            let error = read(line).expect_err(line);
            assert!(error.contains(words), "{line}: {error}");
        }
    }
}
