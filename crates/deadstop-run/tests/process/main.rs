//! `deadstop run` as a process: real signals, pipes and terminals.

#![expect(unsafe_code, reason = "pipes, terminals and signals, by system calls")]

mod closed_descriptors;
mod full_pipe;
mod late_report;
mod other_proc;
mod report_file;
mod rest;
mod run;
mod stopped;
mod terminal;
