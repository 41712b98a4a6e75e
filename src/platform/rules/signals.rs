//! Rules on signals: whether they arrive, are handled, and come twice.

use crate::Signal;
use crate::platform::detect::Platform;
use crate::platform::environment::System;
use crate::platform::finding::{Finding, Level};
use crate::platform::path::{ShellFate, SignalPath};
use crate::platform::program::Program;
use crate::platform::supervisor::Supervisor;

#[cold]
pub(super) fn signal_arrives(platform: &Platform, _: &Program, found: &mut Vec<Finding>) {
    const EXEC: &str = "Write `exec` before the program in the script, or start the program \
        without a shell (`CMD [\"/app\"]`)";
    found.push(match platform.signal_path() {
        SignalPath::Direct => return,
        SignalPath::Shell { pid, command, fate } => match fate {
            ShellFate::Discards => Finding::problem(
                true,
                format!(
                    "SIGTERM will not reach this program: the shell {command:?} (pid {pid}) is \
                     between it and the supervisor, and discards the signal"
                ),
            )
            .fix(EXEC),
            ShellFate::Dies => Finding::problem(
                true,
                format!(
                    "there is no grace after SIGTERM: the shell {command:?} (pid {pid}) between \
                     the supervisor and this program dies at once, and the service ends with it"
                ),
            )
            .fix(EXEC),
            ShellFate::Traps => Finding::problem(
                false,
                format!(
                    "the shell {command:?} (pid {pid}) is between the supervisor and this \
                     program; it has a trap for SIGTERM, at which `wait` returns, and the \
                     service ends with the shell"
                ),
            )
            .fix(EXEC),
            ShellFate::Interactive => Finding::info(
                true,
                format!("started by hand, in the shell {command:?} (pid {pid}): a supervisor's signal stops there"),
            ),
        },
        SignalPath::Program { pid, command } => Finding::problem(
            false,
            format!(
                "{command:?} (pid {pid}) is between the supervisor and this program, and may \
                 not pass signals on"
            ),
        )
        .fix("Start this program directly, or make sure that it does"),
        SignalPath::Unseen { why } => Finding::info(
            false,
            format!("cannot find out whether a supervisor's signal reaches this program: {why}"),
        ),
    });
}

/// Returns the signals that come first, each once: by whom, and how sure.
#[cold]
fn first_signals(platform: &Platform) -> Vec<(i32, Option<Supervisor>, bool)> {
    let mut signals = vec![(libc::SIGTERM, None, false)];
    for seen in platform
        .supervisions()
        .iter()
        .filter(|seen| seen.driven_by.is_none())
    {
        signals.retain(|(signal, by, _)| *signal != seen.first || by.is_some());
        if signals.iter().all(|(signal, ..)| *signal != seen.first) {
            signals.push((seen.first, Some(seen.supervisor()), seen.first_certain));
        }
    }
    signals
}

#[cold]
pub(super) fn first_signal_is_handled(
    platform: &Platform,
    program: &Program,
    found: &mut Vec<Finding>,
) {
    if platform.environment.system == System::Windows {
        return;
    }
    for (signal, by, certain) in first_signals(platform) {
        // Another library may handle it: what the kernel says counts.
        let own = platform.environment.own();
        if program.signals.contains(&signal) || own.is_some_and(|own| own.catches(signal)) {
            continue;
        }
        let name = Signal::from(signal);
        let sender = match by {
            Some(supervisor) => format!("{supervisor} sends {name} first"),
            None => format!("most supervisors send {name} first"),
        };
        let follows = match platform.environment.pid {
            1 => "the kernel discards it, since this is pid 1",
            _ => "it ends the process at once",
        };
        let text = format!("{sender}, which this program does not handle: {follows}");
        found.push(Finding::problem(certain, text).fix(format!("Add {name} to the signals")));
    }
}

#[cold]
pub(super) fn signal_is_not_held_back(
    platform: &Platform,
    program: &Program,
    found: &mut Vec<Finding>,
) {
    let Some(own) = platform.environment.own() else {
        return;
    };
    for &signal in &program.signals {
        let name = Signal::from(signal);
        if own.blocks(signal) {
            let text = format!(
                "{name} is blocked in this process's main thread, by what started it or by the \
                 program; a process where every thread blocks it never hears it"
            );
            found.push(Finding::new(Level::Warning, true, text).fix(
                "Start the program without the mask, or leave the signal unblocked in one thread",
            ));
        }
        if own.ignores(signal) {
            let text = format!("{name} is ignored, and will not begin a shutdown");
            let finding = match signal == libc::SIGTERM {
                true => Finding::problem(true, text),
                // A shell does that for a job in the background.
                false => Finding::info(true, text),
            };
            found.push(finding.fix("Start the program without `nohup`, `&` or `trap ''`"));
        }
    }
}

#[cold]
pub(super) fn second_signal_is_expected(
    platform: &Platform,
    program: &Program,
    found: &mut Vec<Finding>,
) {
    if !program.second_signal_ends {
        return;
    }
    for seen in platform
        .supervisions()
        .iter()
        .filter(|seen| !seen.then.is_empty())
    {
        let facts = seen.supervisor().facts();
        let (certain, why) = match seen.supervisor() {
            Supervisor::Systemd => (true, "SendSIGHUP=yes adds SIGHUP to each SIGTERM"),
            _ => (false, facts.then_text),
        };
        let text = format!(
            "a second signal ends this program at once, and {} sends two: {why}",
            facts.name
        );
        found.push(Finding::problem(certain, text).fix(
            "Use the default for `second_signal`, which heeds a second signal from a terminal only",
        ));
    }
}
