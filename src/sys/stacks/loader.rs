//! Which file the code at an address is from, asked without a lock.
//!
//! `dladdr` and `dl_iterate_phdr` take the loader's lock, which a thread that
//! hangs in `dlopen` holds. `_dl_find_object` (glibc 2.35) takes none, and is
//! async-signal-safe. It is looked up by name, so that programs start with an
//! older glibc too.

use std::ffi::{CStr, c_char, c_int, c_ulonglong, c_void};
use std::mem::{MaybeUninit, transmute};

/// The loader's own function for it.
#[derive(Clone, Copy)]
pub(crate) struct Loader(FindObject);

type FindObject = unsafe extern "C" fn(*mut c_void, *mut Object) -> c_int;

impl Loader {
    /// `None` if this glibc is older. Takes the loader's lock.
    pub(crate) fn find() -> Option<Self> {
        // SAFETY: the handle is one of libc's two constants, and the name ends
        // with zero.
        let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, c"_dl_find_object".as_ptr()) };
        if found.is_null() {
            return None;
        }
        // SAFETY: glibc keeps names of its own for functions of this type.
        Some(Self(unsafe { transmute::<*mut c_void, FindObject>(found) }))
    }

    /// Shows `look` the path of the file whose code is at `address`, empty for
    /// the program itself, and how far it is moved from where its symbols say.
    ///
    /// Async-signal-safe, if `look` is.
    pub(crate) fn module<T>(
        self,
        address: usize,
        look: impl FnOnce(&CStr, usize) -> T,
    ) -> Option<T> {
        let mut object = MaybeUninit::<Object>::zeroed();
        // SAFETY: any address may be asked about; the pointer is valid for
        // writes of what this and later versions write.
        let missing = unsafe { (self.0)(address as *mut c_void, object.as_mut_ptr()) };
        if missing != 0 {
            return None;
        }
        // SAFETY: zeroed, and now written; zeroes are a value of each field.
        let map = unsafe { object.assume_init() }.link_map;
        // SAFETY: an entry of the loader's, valid while the file is mapped. We
        // assume that nobody unmaps code that is on a thread's stack; from the
        // moment it was seen there to this one, some microseconds pass.
        let moved = unsafe { (*map).moved };
        // SAFETY: as above.
        let name = unsafe { (*map).name };
        if name.is_null() {
            return Some(look(c"", moved));
        }
        // SAFETY: as above; the name ends with zero and is not written to.
        let name = unsafe { CStr::from_ptr(name) };
        Some(look(name, moved))
    }
}

/// `struct dl_find_object`, its first fields, and as much room as the longest
/// has that any machine knows.
#[repr(C)]
struct Object {
    flags: c_ulonglong,
    map_start: *mut c_void,
    map_end: *mut c_void,
    link_map: *const LinkMap,
    rest: [c_ulonglong; 16],
}

/// `struct link_map`, its first fields, which debuggers rely on.
#[repr(C)]
struct LinkMap {
    moved: usize,
    name: *const c_char,
}
