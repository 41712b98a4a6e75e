//! The lines of a file, read by bare system calls into a buffer on the stack.

use core::ffi::CStr;

use deadstop_core::{Nanos, now};

use super::descriptor::{Refused, close, open_own, read};

/// A longer line is cut.
const LINE: usize = 512;

/// Calls `found` with each line of the file, without its end, until it returns `false` or
/// the clock reads `until`. Refuses a file that is not regular, or not of the process's
/// user or root.
pub(crate) fn each(
    path: &CStr,
    until: Nanos,
    mut found: impl FnMut(&[u8]) -> bool,
) -> Result<(), Refused> {
    let file = open_own(path)?;
    let mut buffer = [0_u8; 16 * 1024];
    let mut line = [0_u8; LINE];
    let mut len = 0_usize;
    let mut goes_on = true;
    while goes_on && now() < until {
        let read = read(file, &mut buffer);
        let Some(bytes @ [_, ..]) = buffer.get(..read) else {
            break;
        };
        for byte in bytes {
            if *byte == b'\n' {
                goes_on = goes_on && found(line.get(..len).unwrap_or(&[]));
                len = 0;
            } else if let Some(slot) = line.get_mut(len) {
                *slot = *byte;
                len = len.saturating_add(1);
            }
        }
    }
    close(file);
    Ok(())
}
