//! The library's constructor, which reads the environment and does nothing else.

use deadstop_core::buffer::TextBuffer;

use crate::report::STANDARD_ERROR;
use crate::settings::{Malformed, PATH, SETTINGS, Variables};
use crate::sys::{descriptor, environment};
use crate::{host, interpose, report, watch};

/// Called by the loader, before `main`.
#[cfg(not(test))]
#[used]
#[expect(unsafe_code, reason = "the section that the loader reads")]
#[unsafe(link_section = ".init_array")]
static CONSTRUCTOR: extern "C" fn() = constructor;

extern "C" fn constructor() {
    interpose::look_up();
    let Some(grace) = environment::variable(c"DEADSTOP_GRACE") else {
        return;
    };
    // `deadstop run` reads the same words.
    if matches!(grace.trim_ascii(), b"" | b"none") {
        return;
    }
    // A program with other rights than its user's must not do what its user's
    // environment says.
    if environment::is_secure() {
        return;
    }
    deadstop_core::sys::bypass_libc();
    let text = |value: Option<&'static [u8]>| {
        value.map(|value| core::str::from_utf8(value).unwrap_or("?"))
    };
    let variables = Variables {
        grace: text(Some(grace)).unwrap_or(""),
        on: text(environment::variable(c"DEADSTOP_ON")),
        status: text(environment::variable(c"DEADSTOP_STATUS")),
        fork: text(environment::variable(c"DEADSTOP_FORK")),
        children: text(environment::variable(c"DEADSTOP_CHILDREN")),
        jvm_dump: text(environment::variable(c"DEADSTOP_JVM_DUMP")),
        python_dump: text(environment::variable(c"DEADSTOP_PYTHON_DUMP")),
    };
    match variables.parse() {
        Ok(parsed) => {
            let path = environment::variable(c"DEADSTOP_REPORT").unwrap_or(b"");
            if path.len() >= PATH {
                const TOO_LONG: &[u8] = b"deadstop: DEADSTOP_REPORT is longer than 511 bytes; the report is on standard error alone\n";
                descriptor::write_all(STANDARD_ERROR, TOO_LONG);
            }
            report::remember_standard_error();
            SETTINGS.keep(&parsed, path);
            host::look_up();
            watch::enable();
        }
        Err(malformed) => complain(&malformed),
    }
}

fn complain(Malformed(name, value, allowed): &Malformed<'_>) {
    let mut line = TextBuffer::<512>::new();
    line.text("deadstop: ")
        .text(name)
        .text(" is ")
        .quoted(value)
        .text("; allowed is ")
        .text(allowed)
        .text("; this program has no deadline\n");
    descriptor::write_all(STANDARD_ERROR, line.as_bytes());
}
