//! Where a socket leads. None of these calls waits for the other side.

use ::core::convert::TryFrom;
use ::core::ffi::{c_int, c_uint};
use ::core::mem::{MaybeUninit, size_of};
use ::core::option::Option::{self, None, Some};
use ::core::result::Result::Ok;

/// What a socket is.
pub(in crate::kill_path) struct Socket {
    /// `AF_INET` and its like.
    pub(in crate::kill_path) family: c_int,
    /// `SOCK_STREAM` and its like.
    pub(in crate::kill_path) kind: c_int,
}

/// One of a socket's ends.
#[derive(::core::clone::Clone, ::core::marker::Copy)]
pub(in crate::kill_path) enum End {
    Here,
    There,
}

/// An address as the kernel writes it, with its family in front.
pub(in crate::kill_path) struct Address {
    bytes: [u8; size_of::<::libc::sockaddr_storage>()],
    len: usize,
}

impl Address {
    pub(in crate::kill_path) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }
}

/// What the socket behind a descriptor is. `None` if there is none.
pub(in crate::kill_path) fn socket(descriptor: c_int) -> Option<Socket> {
    Some(Socket {
        family: option(descriptor, ::libc::SO_DOMAIN)?,
        kind: option(descriptor, ::libc::SO_TYPE)?,
    })
}

impl End {
    /// The address of this end of the socket behind a descriptor. `None` if it
    /// has none.
    pub(in crate::kill_path) fn address(self, descriptor: c_int) -> Option<Address> {
        let mut storage = MaybeUninit::<::libc::sockaddr_storage>::zeroed();
        let room = size_of::<::libc::sockaddr_storage>();
        let mut len = ::libc::socklen_t::try_from(room).unwrap_or(0);
        let storage = storage.as_mut_ptr();
        let asked = match self {
            // SAFETY: the pointers are valid for writes, and the first is of
            // the length that the second has.
            Self::Here => unsafe { ::libc::getsockname(descriptor, storage.cast(), &raw mut len) },
            // SAFETY: as above.
            Self::There => unsafe { ::libc::getpeername(descriptor, storage.cast(), &raw mut len) },
        };
        match (asked, usize::try_from(len)) {
            (0, Ok(len)) => Some(Address {
                // SAFETY: the pointer is to as many bytes, zeroed at first.
                bytes: unsafe {
                    storage
                        .cast::<[u8; size_of::<::libc::sockaddr_storage>()]>()
                        .read()
                },
                len,
            }),
            _ => None,
        }
    }
}

fn option(descriptor: c_int, name: c_int) -> Option<c_int> {
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>() as c_uint;
    // SAFETY: the pointers are valid for writes, and the first is of the length
    // that the second has.
    let asked = unsafe {
        ::libc::getsockopt(
            descriptor,
            ::libc::SOL_SOCKET,
            name,
            (&raw mut value).cast(),
            &raw mut len,
        )
    };
    match asked {
        0 => Some(value),
        _ => None,
    }
}
