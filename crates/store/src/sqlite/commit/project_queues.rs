//! Verbs that wait, a queue for each project. The queues take turns, so that a project with few verbs never waits for
//! all verbs of another.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::id::ProjectId;

use super::verb::Verb;

/// In the order of their turns. Verbs of no project are Posthaste's own, and share one queue.
#[derive(Default)]
pub(crate) struct ProjectQueues(VecDeque<ProjectQueue>);

/// A project, or none for Posthaste's own verbs; and the verbs that wait.
type ProjectQueue = (Option<ProjectId>, VecDeque<Box<dyn Verb>>);

impl ProjectQueues {
    pub(crate) fn push(&mut self, verb: Box<dyn Verb>) {
        let of = verb.of();
        match self.0.iter_mut().find(|(known, _)| *known == of) {
            Some((_, line)) => line.push_back(verb),
            None => self.0.push_back((of, VecDeque::from([verb]))),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The verb whose turn it is.
    pub(crate) fn next(&mut self) -> Option<Box<dyn Verb>> {
        let (of, mut line) = self.0.pop_front()?;
        let verb = line.pop_front();
        if !line.is_empty() {
            self.0.push_back((of, line));
        }
        verb
    }
}

/// Reorders verbs so that projects take turns. Those of one project keep their order.
pub(crate) fn take_turns(verbs: &mut Vec<Box<dyn Verb>>) {
    let mut lines = ProjectQueues::default();
    verbs.drain(..).for_each(|verb| lines.push(verb));
    verbs.extend(std::iter::from_fn(|| lines.next()));
}

/// Commits after which a project that brings nothing any more is forgotten: a second's, where there is much to do.
pub(crate) const REMEMBERED: u32 = 512;

/// Tracks whether several projects commit at present.
#[derive(Default)]
pub(crate) struct Company {
    /// The project of the last verb seen that had one.
    last: Option<ProjectId>,
    /// Commits until there is no company any more, if no other project comes.
    left: u32,
    is_there: Arc<AtomicBool>,
}

impl Company {
    /// Notes the projects of a commit. True if there is company.
    pub(crate) fn notes(&mut self, group: &[Box<dyn Verb>]) -> bool {
        let mut projects = group.iter().filter_map(|verb| verb.of());
        let is_another = projects.any(|project| self.last.replace(project).is_some_and(|last| last != project));
        self.left = if is_another { REMEMBERED } else { self.left.saturating_sub(1) };
        self.is_there.store(self.left > 0, Ordering::Relaxed);
        self.is_there()
    }

    /// True if there was company in the last commit.
    pub(crate) fn is_there(&self) -> bool {
        self.left > 0
    }

    /// A shared flag: true while there is company.
    pub(crate) fn shared(&self) -> Arc<AtomicBool> {
        self.is_there.clone()
    }
}

#[cfg(test)]
mod tests {
    use model::actor::Actor;

    use super::*;
    use crate::Error;
    use crate::sqlite::commit::txn::WriteTxn;

    struct Of(u8);

    impl Verb for Of {
        fn of(&self) -> Option<ProjectId> {
            (self.0 > 0).then(|| project(self.0))
        }

        fn by(&self) -> &Actor {
            &Actor::System
        }

        fn run(&mut self, _: &mut WriteTxn<'_>) -> Result<(), Error> {
            Ok(())
        }

        fn reply(self: Box<Self>, _: Result<(), Error>) {}
    }

    fn project(number: u8) -> ProjectId {
        ProjectId::from_bytes([number; 16])
    }

    fn verbs(of: &[u8]) -> Vec<Box<dyn Verb>> {
        of.iter().map(|of| Box::new(Of(*of)) as Box<dyn Verb>).collect()
    }

    #[test]
    fn who_brings_one_verb_waits_for_one_of_somebody_who_brings_many() {
        let mut waiting = verbs(&[1, 1, 1, 1, 0, 1, 2, 2]);
        take_turns(&mut waiting);
        let of: Vec<_> = waiting.iter().map(|verb| verb.of()).collect();
        let [own, one, two] = [None, Some(project(1)), Some(project(2))];
        assert_eq!(of, [one, own, two, one, two, one, one, one]);
    }

    #[test]
    fn company_is_remembered_for_a_while() {
        let mut company = Company::default();
        assert!(!company.notes(&verbs(&[1, 1])) && !company.notes(&verbs(&[1])));
        assert!(company.notes(&verbs(&[2])));
        for _ in 1..REMEMBERED {
            assert!(company.notes(&verbs(&[2])));
        }
        assert!(!company.notes(&verbs(&[2])) && company.notes(&verbs(&[2, 1])));
    }

    #[test]
    fn posthastes_own_work_is_no_company() {
        assert!(!Company::default().notes(&verbs(&[1, 0, 1, 0])));
    }
}
