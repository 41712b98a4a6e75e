//! From a copied stack to the return addresses on it.

mod call_site;
mod caller;
mod expression;
mod shared;
mod unwinder;

pub(super) use self::shared::SharedUnwinder;
pub(super) use self::unwinder::{Seen, Unwinder};
