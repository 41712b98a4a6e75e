//! The list of faults, as the victim prints it.

use std::process::Command;

use super::End;

/// Returns each fault of the victim at `program`, and how a watched process ends that
/// hangs in it.
pub(crate) fn read(program: &str) -> Vec<(&'static str, End)> {
    let printed = Command::new(program).arg("--list").output();
    let printed = printed.expect("the victim starts").stdout;
    // The programs that read it need it to their end.
    let printed: &'static str = String::leak(String::from_utf8(printed).expect("names"));
    let faults = printed.lines().map(|line| {
        let mut words = line.split(' ');
        let (fault, kind, number) = (words.next(), words.next(), words.next());
        let number = number.and_then(|number| number.parse().ok());
        let number = number.expect("a status or a signal");
        let end = match kind {
            Some("status") => End::Status(number),
            Some("signal") => End::Signal(number),
            _ => panic!("not an end: {line}"),
        };
        (fault.expect("a name"), end)
    });
    let faults: Vec<_> = faults.collect();
    assert!(faults.len() > 100, "the victim lists few: {printed}");
    faults
}
