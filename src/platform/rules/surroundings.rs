//! Rules on what is around the process: its unit, its being pid 1, its
//! supervisors.

use crate::platform::detect::Platform;
use crate::platform::environment::System;
use crate::platform::finding::{Finding, Level};
use crate::platform::program::Program;

#[cold]
pub(super) fn unit_kills_as_expected(platform: &Platform, _: &Program, found: &mut Vec<Finding>) {
    let Some(unit) = &platform.environment.unit else {
        return;
    };
    let name = &unit.name;
    let finding = match unit.kill_mode.as_str() {
        "none" => Finding::problem(
            true,
            format!("KillMode=none in {name}: systemd sends this program no signal at all"),
        )
        .fix("Set KillMode=mixed"),
        "process" => Finding::new(
            Level::Warning,
            true,
            format!(
                "KillMode=process in {name}: children that are left after the shutdown live on"
            ),
        )
        .fix("Set KillMode=mixed"),
        "control-group" => Finding::info(
            true,
            format!(
                "KillMode=control-group in {name}: systemd signals this program's children at \
                 the same time as the program"
            ),
        )
        .fix("Set KillMode=mixed to leave them to this program"),
        _ => return,
    };
    found.push(finding);
    if !unit.send_sigkill {
        let text = format!("SendSIGKILL=no in {name}: systemd never ends a process that hangs");
        found.push(Finding::info(true, text));
    }
}

#[cold]
pub(super) fn process_is_pid_one(platform: &Platform, _: &Program, found: &mut Vec<Finding>) {
    if platform.environment.pid == 1 && platform.environment.system == System::Linux {
        let text = "this program is pid 1: processes whose parent ends become its children, and \
            stay as zombies unless it waits for them";
        found.push(
            Finding::info(true, text)
                .fix("If it starts programs that start others, use an init (`docker run --init`)"),
        );
    }
}

#[cold]
pub(super) fn supervisors(platform: &Platform, _: &Program, found: &mut Vec<Finding>) {
    for seen in platform.supervisions() {
        let facts = seen.supervisor().facts();
        let name = facts.name;
        let evidence = seen.evidence();
        let first = seen.first_signal();
        let text = match (seen.driven_by, seen.grace()) {
            (Some(above), _) => format!("{name} ({evidence}) is stopped by {above}"),
            (None, Some(grace)) => format!(
                "{name} ({evidence}): {first}, and SIGKILL {:?} later ({})",
                grace.length, grace.source
            ),
            (None, None) if platform.declared_grace().is_some() => {
                format!("{name} ({evidence}): {first}, and SIGKILL as the manifest declares")
            }
            (None, None) => format!("{name} ({evidence}): {first}, and no SIGKILL"),
        };
        let certain = seen.grace().is_some_and(|grace| grace.certain);
        found.push(Finding::info(certain, text));
    }
    if let Some(grace) = platform.declared_grace() {
        let text = format!(
            "the manifest declares {:?} ({})",
            grace.length, grace.source
        );
        found.push(Finding::info(true, text));
    }
    if platform.supervisions().is_empty() && platform.declared_grace().is_none() {
        found.push(Finding::info(false, "no supervisor was recognized"));
    }
}
