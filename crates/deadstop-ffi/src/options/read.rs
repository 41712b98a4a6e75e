//! Copies the options of a caller that was compiled with this header, or with an older or a later
//! one.

use std::ffi::c_char;
use std::mem::{MaybeUninit, offset_of};

use super::Options;
use crate::error::Failure;

/// The size of the first version's structure.
const FIRST_VERSION: usize = offset_of!(Options, message_file) + size_of::<*const c_char>();

/// Copies the structure of a caller, whatever version it knows.
///
/// # Safety
///
/// `options` must be null, or valid for reads of as many bytes as its first field says.
pub(crate) unsafe fn read(options: *const Options) -> Result<Options, Failure> {
    let mut copy = MaybeUninit::<Options>::zeroed();
    if !options.is_null() {
        // SAFETY: `size` is the first field, and there in every version.
        let size = unsafe { options.cast::<usize>().read_unaligned() };
        if !(FIRST_VERSION..=4096).contains(&size) {
            return Err(Failure::argument(format!(
                "the size of deadstop_options is {size}; it must be sizeof(deadstop_options), \
                 {FIRST_VERSION} or more"
            )));
        }
        let known = size.min(size_of::<Options>());
        let bytes = options.cast::<u8>();
        for place in known..size {
            // SAFETY: within the caller's structure.
            let byte = unsafe { bytes.add(place) };
            // SAFETY: as above.
            if unsafe { byte.read() } != 0 {
                return Err(Failure::argument(
                    "deadstop_options has a field that this version of libdeadstop does not know",
                ));
            }
        }
        // SAFETY: `known` bytes are in both.
        unsafe { bytes.copy_to_nonoverlapping(copy.as_mut_ptr().cast(), known) };
    }
    // SAFETY: integers and pointers, for which zeros and any bytes are values.
    Ok(unsafe { copy.assume_init() })
}

/// The options of a caller that sets none.
#[cfg(test)]
pub(super) fn defaults() -> Options {
    // SAFETY: null is allowed.
    let mut options = unsafe { read(std::ptr::null()) }.expect("defaults");
    options.size = size_of::<Options>();
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_of_an_unknown_size_is_refused() {
        for size in [0, 8, FIRST_VERSION - 1, 5000] {
            let options = Options { size, ..defaults() };
            // SAFETY: no more than the first field is read.
            assert!(unsafe { read(&raw const options) }.is_err(), "{size}");
        }
    }

    #[test]
    fn structure_of_a_later_version_is_read_if_its_new_fields_are_zero() {
        #[repr(C)]
        struct Later(Options, u64);
        let size = size_of::<Later>();
        let options = Options {
            size,
            grace_ms: 7,
            ..defaults()
        };
        let mut later = Later(options, 0);
        // SAFETY: the structure has `size` bytes.
        let read_back = unsafe { read((&raw const later).cast()) }.expect("new field is 0");
        assert_eq!(read_back.grace_ms, 7);
        later.1 = 1;
        // SAFETY: as above.
        assert!(unsafe { read((&raw const later).cast()) }.is_err());
    }

    #[test]
    fn structure_of_the_first_version_is_read_without_a_guard() {
        let options = Options {
            size: FIRST_VERSION,
            grace_ms: 7,
            guard: 9,
            ..defaults()
        };
        // SAFETY: the structure has more bytes than its size says.
        let read = unsafe { read(&raw const options) }.expect("the first version");
        assert_eq!((read.grace_ms, read.guard), (7, 0));
    }
}
