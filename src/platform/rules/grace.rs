//! Rules on time: values that cannot be read, graces that do not fit, deadlines.

use std::time::Duration;

use crate::platform::detect::Platform;
use crate::platform::finding::Finding;
use crate::platform::grace::{self, Grace};
use crate::platform::instant::Rfc3339;
use crate::platform::program::Program;
use crate::platform::supervision::Supervision;

#[cold]
pub(super) fn malformed_variables(platform: &Platform, _: &Program, found: &mut Vec<Finding>) {
    for error in &platform.malformed {
        let text = format!(
            "{} is {:?}, which cannot be read",
            error.variable, error.value
        );
        found.push(Finding::problem(true, text).fix(format!("Set it to {}", error.allowed)));
    }
}

#[cold]
pub(super) fn grace_fits(platform: &Platform, program: &Program, found: &mut Vec<Finding>) {
    let declared = platform
        .declared_grace()
        .map(|grace| ("the platform", grace));
    let graces = platform
        .supervisions()
        .iter()
        .filter_map(|seen| Some((seen.supervisor().facts().name, seen.grace()?)));
    // Two that are stopped by one number (Argo and its pod) are one finding.
    let mut told: Vec<&Grace> = Vec::new();
    for (name, grace) in declared.into_iter().chain(graces) {
        if program.grace <= grace.with_margin() || told.contains(&grace) {
            continue;
        }
        told.push(grace);
        let Grace { length, source, .. } = grace;
        let ours = program.grace;
        let text = match grace.certain {
            true => {
                format!("grace {ours:?} does not fit: {name} kills after {length:?} ({source})")
            }
            false => format!(
                "grace {ours:?} does not fit: {name} kills after {length:?} unless it is \
                 configured otherwise, which cannot be seen from inside"
            ),
        };
        let fix = grace_fix(platform, name, grace, ours);
        found.push(Finding::problem(grace.certain, text).fix(fix));
    }
}

#[cold]
fn grace_fix(platform: &Platform, name: &str, grace: &Grace, ours: Duration) -> String {
    let shorter = grace.with_margin();
    let supervisor = platform
        .supervisions()
        .iter()
        .map(Supervision::supervisor)
        .find(|supervisor| supervisor.facts().name == name);
    let setting = supervisor.map_or(grace.source.as_str(), |known| known.facts().setting);
    match setting.strip_prefix("nothing: ") {
        Some(_) => format!("Set the program's grace to {shorter:?}"),
        None => {
            let longer = grace::length_for(ours);
            format!("Set {setting} to {longer:?}, or the program's grace to {shorter:?}")
        }
    }
}

#[cold]
pub(super) fn deadline_is_known(platform: &Platform, _: &Program, found: &mut Vec<Finding>) {
    let Some(deadline) = platform.deadline() else {
        return;
    };
    let left = platform.environment.left(deadline);
    let at = Rfc3339(deadline);
    let mut text = match left.is_zero() {
        true => format!("Argo Workflows' deadline for this step, {at}, has passed"),
        false => format!(
            "Argo Workflows ends this step at {at}, in {} s",
            left.as_secs()
        ),
    };
    if let Some(grace) = platform.certain_grace() {
        text += &format!(", and kills {:?} later", grace.length);
    }
    found.push(Finding::info(true, text));
}
