//! Verbs that are not urgent: slices of long work.
//!
//! They go with commits that others wait for anyway, one in each, so that they cost nobody a sync. Where nothing else
//! waits they have commits of their own; beside other projects only after a wait. Projects take turns, and Posthaste's
//! own work is one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::project_queues::ProjectQueues;
use super::verb::Verb;

#[derive(Default)]
pub(crate) struct Asides {
    lines: ProjectQueues,
    /// The last commit had other verbs in it, and several projects commit.
    is_patient: bool,
    /// The last commit had other verbs in it.
    busy: Arc<AtomicBool>,
}

impl Asides {
    pub(crate) fn push(&mut self, verb: Box<dyn Verb>) {
        self.lines.push(verb);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The verb whose turn it is.
    pub(crate) fn next(&mut self) -> Option<Box<dyn Verb>> {
        self.lines.next()
    }

    /// A shared flag: true while others commit.
    pub(crate) fn busy(&self) -> Arc<AtomicBool> {
        self.busy.clone()
    }

    /// Notes whether a commit had other verbs in it.
    pub(crate) fn note(&mut self, others: bool, has_company: bool) {
        self.is_patient = others && has_company;
        self.busy.store(others, Ordering::Relaxed);
    }

    /// True once after a commit beside other projects: the next slice waits for another before it goes alone.
    pub(crate) fn wait_for_others(&mut self) -> bool {
        std::mem::take(&mut self.is_patient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_waits_once_for_other_projects_and_never_for_its_own() {
        let mut asides = Asides::default();
        for (others, has_company, waits) in
            [(true, true, true), (true, false, false), (false, true, false), (false, false, false)]
        {
            asides.note(others, has_company);
            assert_eq!(asides.busy().load(Ordering::Relaxed), others);
            assert_eq!(asides.wait_for_others(), waits, "{others} {has_company}");
            assert!(!asides.wait_for_others());
        }
    }
}
