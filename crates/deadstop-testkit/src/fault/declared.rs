//! The names at which a program allows faults.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::syntax::{PlannedFault, PlantError};

/// `None` until the program declares names.
static DECLARED: Mutex<Option<Vec<String>>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<Vec<String>>> {
    DECLARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Declares the names at which a fault may strike: of tasks, as reports show
/// them, and of [`point`](super::point)s. From then on `install` refuses a fault
/// at any other name and lists the declared ones. A test with a misspelled name
/// then fails at once, and for that reason.
///
/// Without a declaration any name is accepted: tasks are registered after
/// `install`, which cannot know them. Several calls add up.
///
/// Call it before `install`. A fault that is [planted](super::plant) later is not
/// checked. A task whose name is not declared runs like any other.
///
/// # Examples
///
/// ```
/// use deadstop::Shutdown;
/// use deadstop_testkit::{self as testkit, Fault};
///
/// testkit::enable();
/// testkit::declare(["flush the log", "/ingest/reader"]);
///
/// testkit::plant("flush the lock", Fault::Spin);
/// let error = Shutdown::builder().install().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "a fault is planted at \"flush the lock\", which the program does not declare; \
///      declared are \"/ingest/reader\", \"flush the log\"",
/// );
/// ```
pub fn declare<N: Into<String>>(names: impl IntoIterator<Item = N>) {
    // The iterator is code of the program: it must not run under the lock.
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    let mut declared = lock();
    let declared = declared.get_or_insert_default();
    declared.extend(names);
    declared.sort_unstable();
    declared.dedup();
}

/// Checks that each fault is planted at a declared name, if any are declared.
pub(super) fn check(planned: &[&PlannedFault]) -> Result<(), PlantError> {
    match &*lock() {
        Some(declared) => check_against(declared, planned),
        None => Ok(()),
    }
}

fn check_against(declared: &[String], planned: &[&PlannedFault]) -> Result<(), PlantError> {
    let undeclared = planned
        .iter()
        .find(|planned| !declared.contains(&planned.name));
    undeclared.map_or(Ok(()), |planned| {
        Err(PlantError::Undeclared {
            name: planned.name.clone(),
            declared: declared.to_vec(),
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::Fault;

    use super::*;

    #[test]
    fn fault_at_undeclared_name_is_refused() {
        let planned = |name: &str| PlannedFault {
            name: name.to_owned(),
            fault: Fault::Spin,
        };
        let [a, b, c] = [planned("a"), planned("b"), planned("c")];
        let declared = ["a".to_owned(), "b".to_owned()];
        assert_eq!(check_against(&declared, &[&b, &a]), Ok(()));
        assert_eq!(check_against(&[], &[]), Ok(()));
        let expected = PlantError::Undeclared {
            name: "c".to_owned(),
            declared: declared.to_vec(),
        };
        assert_eq!(check_against(&declared, &[&a, &c]), Err(expected));
    }

    #[test]
    fn error_says_that_no_name_is_declared() {
        let error = PlantError::Undeclared {
            name: "c".to_owned(),
            declared: Vec::new(),
        };
        let expected = "a fault is planted at \"c\", which the program does not declare; \
                        no name is declared";
        assert_eq!(error.to_string(), expected);
    }
}
