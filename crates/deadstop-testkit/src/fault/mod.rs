//! Faults: what they are, how they are written, where they are planted.
//!
//! ```text
//! plant ──▶ declared, syntax ──▶ kind
//! strike ──▶ kind                          what each fault does
//! ```

mod declared;
mod kind;
mod plant;
mod strike;
mod syntax;

pub use self::declared::declare;
pub use self::kind::Fault;
pub(crate) use self::plant::{REPORT_VARIABLE, VARIABLE};
pub use self::plant::{enable, plant, point};
pub(crate) use self::syntax::PlannedFault;
pub use self::syntax::{FaultPlan, ParseFaultError, PlantError};
