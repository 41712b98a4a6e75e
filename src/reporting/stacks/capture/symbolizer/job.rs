//! What the thread is asked to do, in one word.

use crate::reporting::stacks::LookUp;

/// A job of the thread. Each begins with a look for libraries that were loaded since.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Job {
    /// Nothing more.
    Refresh,
    /// The names or lines of the stack in the slot.
    LookUp(LookUp),
}

/// The word of a thread that has no job.
pub(super) const IDLE: u32 = 0;

/// The jobs in the order of their words, which begin with 1.
const JOBS: [Job; 4] = [
    Job::Refresh,
    Job::LookUp(LookUp::Names),
    Job::LookUp(LookUp::OwnLines),
    Job::LookUp(LookUp::Lines),
];

impl Job {
    pub(super) fn word(self) -> u32 {
        match self {
            Self::Refresh => 1,
            Self::LookUp(LookUp::Names) => 2,
            Self::LookUp(LookUp::OwnLines) => 3,
            Self::LookUp(LookUp::Lines) => 4,
        }
    }

    /// Returns the job of a word; `None` for [`IDLE`].
    pub(super) fn of_word(word: u32) -> Option<Self> {
        let at = word.checked_sub(1)?;
        JOBS.get(at as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_job_has_a_word_of_its_own() {
        for job in JOBS {
            assert_eq!(Job::of_word(job.word()), Some(job));
        }
        assert_eq!(Job::of_word(IDLE), None);
    }
}
