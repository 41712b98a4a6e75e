//! Which tasks a hang report names.

/// How much of a name a report keeps.
const KEPT: usize = 64;

/// Whether the hang report in `text` says that `task` has not returned. Tasks
/// that were only waiting for their turn are not meant.
pub(super) fn says_hung(text: &str, task: &str) -> bool {
    let name = quoted(task);
    let culprit = format!("{name} (phase ");
    text.lines()
        .filter_map(|line| line.strip_prefix("deadstop: "))
        .any(|line| match line.strip_prefix("task ") {
            Some(line) => {
                let rest = line.strip_prefix(&name);
                rest.is_some_and(|rest| !is_of_waiting(rest))
            }
            // The first line names the first few.
            None => line.starts_with("deadline in ") && line.contains(&culprit),
        })
}

/// Whether what comes behind a task's name is `PHASE waiting`.
fn is_of_waiting(after: &str) -> bool {
    let end = after.split(',').next().unwrap_or_default();
    end.trim_end().ends_with(" waiting")
}

/// A name as the report writes it: cut, and harmless in a terminal.
fn quoted(name: &str) -> String {
    let mut end = name.len().min(KEPT);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let mut quoted = String::from("\"");
    for c in name[..end].chars() {
        match c {
            '"' | '\\' | '\n' | '\r' | '\t' => quoted.extend(c.escape_default()),
            c if c.is_control() => quoted.extend(c.escape_unicode()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
[a line of the program's] \"flush the log\"
deadstop: deadline in 0.5 s: 2 tasks have not returned: \"flush, the log\" (phase flush, 9.2 s), \"b\" (phase flush, 9.2 s)
deadstop: cause: request: \"reload\", 9.5 s ago; grace 10.0 s
deadstop: task \"flush, the log\" flush 9.2 s of 3.0 s, abandoned, src/main.rs:41, thread 4242; says \"12\"
deadstop: task \"b\" flush 9.2 s of 3.0 s, src/main.rs:42, thread 4243; says \"c\"
deadstop: task \"d\\n\\u{7}\" flush 9.2 s of 3.0 s, src/main.rs:42, thread 4243
deadstop: task \"close pool\" close waiting, src/main.rs:48
";

    #[test]
    fn a_task_that_has_not_returned_is_named() {
        assert!(says_hung(REPORT, "flush, the log"));
        assert!(says_hung(REPORT, "b"));
        assert!(says_hung(REPORT, "d\n\u{7}"));
    }

    #[test]
    fn a_task_that_waits_or_is_quoted_is_not() {
        for name in [
            "close pool",
            "flush the log",
            "c",
            "12",
            "reload",
            "flush",
            "",
        ] {
            assert!(!says_hung(REPORT, name), "{name}");
        }
    }

    #[test]
    fn a_long_name_is_cut_as_the_report_cuts_it() {
        let long = "ä".repeat(40);
        let kept = "ä".repeat(32);
        let report = format!("deadstop: task \"{kept}\" close 1.0 s of 1.0 s, src/main.rs:1\n");
        assert!(says_hung(&report, &long));
    }
}
