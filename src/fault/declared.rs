//! The names that a program declares as those at which faults may strike.

use parking_lot::Mutex;

use super::language::{Plan, PlantError};

/// None until a program declares any.
static DECLARED: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Declares names at which a fault may strike: of tasks, as reports show them,
/// and of [`point`](super::point)s. From then on `install` refuses a fault that
/// is planted at any other, and says which there are. A test that has the name
/// wrong then fails at once, and for that reason.
///
/// A program that declares none takes any name: tasks are registered after
/// `install`, which cannot know them. What is declared by several calls adds up.
///
/// Call it before `install`. A fault that is [planted](super::plant) later is not
/// checked, and a task whose name is not declared runs as any other.
///
/// # Examples
///
/// ```
/// use deadstop::fault::{self, Fault, PlantError};
/// use deadstop::{InstallError, Shutdown};
///
/// fault::declare(["flush the log", "/ingest/reader"]);
///
/// fault::plant("flush the lock", Fault::Spin);
/// let error = Shutdown::builder().install().unwrap_err();
/// assert!(matches!(error, InstallError::Fault(PlantError::Undeclared { .. })));
/// assert_eq!(
///     error.to_string(),
///     "a fault is planted at \"flush the lock\", which is no name that the program \
///      declares; it declares \"/ingest/reader\", \"flush the log\"",
/// );
/// ```
///
/// # Async-signal-safety
///
/// Not async-signal-safe: it allocates and takes a lock.
pub fn declare<N: Into<String>>(names: impl IntoIterator<Item = N>) {
    // The iterator is the program's code, and not for under the lock.
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    let mut declared = DECLARED.lock();
    let declared = declared.get_or_insert_default();
    declared.extend(names);
    declared.sort_unstable();
    declared.dedup();
}

/// Checks that `plans` are at names that the program declares, if it does so.
pub(super) fn check(plans: &[Plan]) -> Result<(), PlantError> {
    match &*DECLARED.lock() {
        Some(declared) => check_against(declared, plans),
        None => Ok(()),
    }
}

fn check_against(declared: &[String], plans: &[Plan]) -> Result<(), PlantError> {
    let undeclared = plans.iter().find(|plan| !declared.contains(&plan.name));
    undeclared.map_or(Ok(()), |plan| {
        Err(PlantError::Undeclared {
            name: plan.name.clone(),
            declared: declared.to_vec(),
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::fault::Fault;

    use super::*;

    #[test]
    fn a_plan_is_at_a_declared_name() {
        let plan = |name: &str| Plan {
            name: name.to_owned(),
            fault: Fault::Spin,
        };
        let declared = ["a".to_owned(), "b".to_owned()];
        assert_eq!(check_against(&declared, &[plan("b"), plan("a")]), Ok(()));
        assert_eq!(check_against(&[], &[]), Ok(()));
        let error = check_against(&declared, &[plan("a"), plan("c")]);
        let expected = PlantError::Undeclared {
            name: "c".to_owned(),
            declared: declared.to_vec(),
        };
        assert_eq!(error, Err(expected));
    }

    #[test]
    fn who_declares_none_is_told_so() {
        let error = PlantError::Undeclared {
            name: "c".to_owned(),
            declared: Vec::new(),
        };
        let said = "a fault is planted at \"c\", which is no name that the program declares; \
                    it declares none";
        assert_eq!(error.to_string(), said);
    }
}
