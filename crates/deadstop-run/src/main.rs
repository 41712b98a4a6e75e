//! `deadstop run`: starts a program, passes signals on to it, reaps what it leaves, and
//! kills it at its shutdown deadline, with a report of what it was doing.
//!
//! # Modules
//!
//! ```text
//! sys::entry ──▶ run ──▶ machine      what to do next: no system calls, no clock
//!                    ──▶ processes    what the program does, from /proc
//!                    ──▶ report       the report, by a thread of its own
//!                    ──▶ report_file  the file of `--report`
//!                    ──▶ explain      the exit status in words
//!                    ──▶ output       standard error, by a thread of its own
//! arguments ──▶ signals               names and numbers
//! ```

// The standard library's `main` ignores SIGPIPE, and the program would inherit that.
#![cfg_attr(not(test), no_main)]
#![cfg_attr(test, expect(dead_code, reason = "the tests have another entry point"))]

mod arguments;
mod explain;
mod machine;
mod memory_limit;
mod output;
mod processes;
mod report;
mod report_file;
mod run;
mod signals;
mod sys;
