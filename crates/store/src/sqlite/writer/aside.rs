//! Verbs that are not in a hurry: slices of work that is long as a whole.
//!
//! They go with commits that others wait for anyway, one in each, so that they cost nobody a sync. Only where nobody else
//! commits they have commits of their own. Projects take turns, and Posthaste's own work is one of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::id::ProjectId;

use super::Verb;

/// Waits of [`LINGER`](super::LINGER) for somebody to go with, after a commit that had others in it: more than they
/// are apart if there are a hundred in a second.
const PATIENCE: u32 = 400;

#[derive(Default)]
pub(super) struct Asides {
    /// In the order of their turns.
    queues: VecDeque<Queue>,
    patience: u32,
    /// There is patience.
    busy: Arc<AtomicBool>,
}

/// Whose it is, and what waits.
type Queue = (Option<ProjectId>, VecDeque<Box<dyn Verb>>);

impl Asides {
    pub(super) fn push(&mut self, of: Option<ProjectId>, verb: Box<dyn Verb>) {
        match self.queues.iter_mut().find(|(known, _)| *known == of) {
            Some((_, queue)) => queue.push_back(verb),
            None => self.queues.push_back((of, VecDeque::from([verb]))),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    /// The verb whose turn it is.
    pub(super) fn next(&mut self) -> Option<Box<dyn Verb>> {
        let (of, mut queue) = self.queues.pop_front()?;
        let verb = queue.pop_front();
        if !queue.is_empty() {
            self.queues.push_back((of, queue));
        }
        verb
    }

    /// Tells from outside whether others commit.
    pub(super) fn busy(&self) -> Arc<AtomicBool> {
        self.busy.clone()
    }

    /// Others committed something.
    pub(super) fn others_are_busy(&mut self) {
        self.patience = PATIENCE;
        self.busy.store(true, Ordering::Relaxed);
    }

    /// Whether to wait for others once more before the next goes alone.
    pub(super) fn wait_for_others(&mut self) -> bool {
        let waits = self.patience > 0;
        self.patience = self.patience.saturating_sub(1);
        self.busy.store(waits, Ordering::Relaxed);
        waits
    }
}
