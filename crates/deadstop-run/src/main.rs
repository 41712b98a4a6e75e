//! `deadstop run`: starts a program, passes signals on to it, reaps what it leaves, and
//! kills it at its shutdown deadline, with a report of what it was doing.
//!
//! # Modules
//!
//! ```text
//! sys::entry ──▶ run ──▶ arguments    the command line
//!                    ──▶ program      starts the program, signals it and kills it
//!                    ──▶ supervisor ──▶ machine      what to do next: no system calls, no clock
//!                                   ──▶ processes    what the program does, from /proc
//!                                   ──▶ report       the report, by a thread of its own
//!                                   ──▶ explain      the end of the program in words
//!                                   ──▶ leftovers    the processes that it leaves behind
//!
//! output         standard error, by a thread of its own
//! report_file    the file of `--report`
//! signals        names and numbers
//! ```

// The standard library's `main` ignores SIGPIPE, and the program would inherit that.
#![cfg_attr(not(test), no_main)]
#![cfg_attr(test, expect(dead_code, reason = "the tests have another entry point"))]

mod arguments;
mod explain;
mod leftovers;
mod machine;
mod memory_limit;
mod output;
mod processes;
mod program;
mod report;
mod report_file;
mod run;
mod signals;
mod supervisor;
mod sys;
