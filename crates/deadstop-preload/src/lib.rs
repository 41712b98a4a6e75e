//! `libdeadstop_preload.so`: with `LD_PRELOAD` and `DEADSTOP_GRACE=25s`, a program
//! that does not know deadstop is gone 25 seconds after its `SIGTERM`, and says what
//! was stuck.
//!
//! # What happens when
//!
//! ```text
//! load          the constructor reads the environment; no thread, no memory
//! sigaction     the program's handler goes into a table, ours into the kernel
//! signal        ours arms the deadline, then calls the program's:
//!               a timer of the kernel, and three threads by clone(2)
//! before        deadstop-report lists threads and children, and writes the report;
//!               deadstop-child puts children on the kill list
//! deadline      deadstop-watch kills the children, and ends the process with 124
//! ```
//!
//! # The rule
//!
//! Everything but the constructor may run in a signal handler of an unknown program
//! that holds any lock. The crate is therefore `no_std`, has no allocator, and
//! depends on `deadstop-core` and `libc` alone. Its threads are not known to the C
//! library, so they use nothing of it that needs thread-local storage, except `errno`.
//!
//! An unoptimized build, as the tests use it, links `std` for its panic runtime; the
//! profile `preload` does not.
//!
//! # Modules
//!
//! ```text
//! constructor ──▶ settings          the environment
//!             ──▶ watch             fork, exec
//! interpose ──▶ watch               what the program calls in place of libc's
//! watch ──▶ report ──▶ descendants, host
//!                  ──▶ generated_code ──▶ mapping, perf_map
//!       ──▶ children ──▶ descendants
//! ```

#![cfg_attr(panic = "abort", no_std)]
#![cfg_attr(
    test,
    expect(dead_code, reason = "the tests are not loaded before a program")
)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::unwrap_used
    )
)]

mod cause;
mod children;
mod constructor;
mod descendants;
mod exec;
mod generated_code;
mod host;
mod interpose;
mod mapping;
mod perf_map;
mod report;
mod settings;
mod shares;
mod sys;
mod watch;
