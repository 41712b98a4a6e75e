//! The names of generated code: `/tmp/perf-PID.map`, as `perf` reads it.
//!
//! ```text
//! START SIZE NAME                    in hexadecimal
//! 3ac05e0 1f4 JS:*flush /srv/app.js:12:15
//! ```
//!
//! Node writes it with `--perf-basic-prof`, Python 3.12 with `-X perf`, and a JVM when
//! `jcmd PID Compiler.perfmap` asks. A later line stands for code that took the place of
//! an earlier one.

use core::ffi::c_int;

use deadstop_core::buffer::TextBuffer;
use deadstop_core::stack::{Frame, Source};
use deadstop_core::threads::sanitize;

/// A function that a runtime has generated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Function<'a> {
    start: usize,
    size: usize,
    name: &'a [u8],
}

impl<'a> Function<'a> {
    /// Reads a line. `None` if it is malformed.
    pub(crate) fn parse(line: &'a [u8]) -> Option<Self> {
        let mut fields = line.splitn(3, |byte| *byte == b' ');
        let start = hexadecimal(fields.next()?)?;
        let size = hexadecimal(fields.next()?)?;
        let name = fields.next()?.trim_ascii();
        (!name.is_empty()).then_some(Self { start, size, name })
    }

    /// Returns `true` if the frame is in this function.
    pub(crate) fn has(&self, frame: &Frame) -> bool {
        // A call may be the last instruction of its function.
        let at = frame.address.saturating_sub(usize::from(frame.is_call));
        at.checked_sub(self.start).is_some_and(|at| at < self.size)
    }

    /// Gives the frame the function's name and place: of `flush /srv/app.js:12:15`, the path
    /// is the place.
    pub(crate) fn name(&self, frame: &mut Frame) {
        let place = self.place();
        let name = self.name.get(..place.unwrap_or(self.name.len()));
        frame.function.clear();
        frame.site.clear();
        sanitize::lossy(&mut frame.function, name.unwrap_or(self.name).trim_ascii());
        if let Some(path) = place.and_then(|place| self.name.get(place..)) {
            sanitize::path(&mut frame.site, path.trim_ascii());
        }
        frame.source = Source::Application;
    }

    /// Returns the position at which a path begins in the name.
    fn place(&self) -> Option<usize> {
        let is_path = |rest: &[u8]| {
            [&b" /"[..], b" file:", b" node:"]
                .iter()
                .any(|start| rest.starts_with(start))
        };
        let mut places = 0..self.name.len();
        places.find(|place| self.name.get(*place..).is_some_and(is_path))
    }
}

/// Adds the path of the map of process `pid`, with a zero.
pub(crate) fn path<const N: usize>(line: &mut TextBuffer<N>, pid: c_int) {
    line.text("/tmp/perf-").int(pid).text(".map");
}

fn hexadecimal(field: &[u8]) -> Option<usize> {
    let text = core::str::from_utf8(field).ok()?;
    usize::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::Function;
    use deadstop_core::stack::Stack;

    #[test]
    fn function_and_place_are_separated() {
        for (line, function, site) in [
            (
                "10 8 JS:*flush /srv/my app.js:12:15",
                "JS:*flush",
                "/srv/my app.js:12:15",
            ),
            (
                "10 8 JS:~flush file:///srv/app.mjs:3:1",
                "JS:~flush",
                "file:///srv/app.mjs:3:1",
            ),
            (
                "10 8 JS:^ node:internal/timers:5:1",
                "JS:^",
                "node:internal/timers:5:1",
            ),
            ("0x10 0x8 Interpreter", "Interpreter", ""),
            ("10 8 py::flush:/srv/app.py", "py::flush:/srv/app.py", ""),
            (
                "10 8 void HookLoops.lambda$main$0()",
                "void HookLoops.lambda$main$0()",
                "",
            ),
        ] {
            let mut stack = Stack::empty();
            let frame = stack.push(0x10).expect("room");
            let parsed = Function::parse(line.as_bytes()).expect(line);
            parsed.name(frame);
            assert_eq!(
                (frame.function.as_str(), frame.site.as_str()),
                (function, site)
            );
        }
    }

    #[test]
    fn frame_of_a_call_belongs_to_the_function_that_called() {
        let function = Function::parse(b"10 8 a").expect("a function");
        let mut stack = Stack::empty();
        for (address, is_call, expected) in [
            (0x10, false, true),
            (0x17, false, true),
            (0x18, false, false),
            (0x0f, false, false),
            (0x10, true, false),
            (0x18, true, true),
        ] {
            stack.clear(1);
            let frame = stack.push(address).expect("room");
            frame.is_call = is_call;
            assert_eq!(function.has(frame), expected, "{address:x} {is_call}");
        }
    }

    #[test]
    fn malformed_lines_are_no_function() {
        for line in [
            "",
            "10",
            "10 8",
            "10 8 ",
            "zz 8 a",
            "10 zz a",
            "ffffffffffffffffff 1 a",
        ] {
            assert_eq!(Function::parse(line.as_bytes()), None, "{line:?}");
        }
    }
}
