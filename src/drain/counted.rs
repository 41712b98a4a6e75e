//! Numbers of things in messages.

/// Returns `1 job`, or `4 jobs`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
