//! Rules that compare a platform with a program: one function a rule.

mod grace;
mod signals;
mod surroundings;

use super::detect::Platform;
use super::finding::Finding;
use super::program::Program;
use super::sort_few::sort_few;

type Rule = fn(&Platform, &Program, &mut Vec<Finding>);

const RULES: [Rule; 10] = [
    grace::malformed_variables,
    grace::grace_fits,
    signals::signal_arrives,
    signals::first_signal_is_handled,
    signals::signal_is_not_held_back,
    surroundings::unit_kills_as_expected,
    signals::second_signal_is_expected,
    grace::deadline_is_known,
    surroundings::process_is_pid_one,
    surroundings::supervisors,
];

impl Platform {
    /// Compares the platform with a program's configuration, the worst finding
    /// first.
    #[cold]
    pub fn findings(&self, program: &Program) -> Vec<Finding> {
        let mut findings = Vec::new();
        for rule in RULES {
            rule(self, program, &mut findings);
        }
        let rank = |finding: &Finding| (finding.level, finding.certain);
        sort_few(&mut findings, |a, b| rank(b) > rank(a));
        findings
    }
}
