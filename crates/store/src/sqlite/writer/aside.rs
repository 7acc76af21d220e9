//! Verbs that are not in a hurry: slices of work that is long as a whole.
//!
//! They go with commits that others wait for anyway, one in each, so that they cost nobody a sync. Only where nobody else
//! commits they have commits of their own. Projects take turns, and Posthaste's own work is one of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Verb;
use super::lines::Lines;

/// Waits of [`LINGER`](super::LINGER) for somebody to go with, after a commit that had others in it: more than they
/// are apart if there are a hundred in a second.
const PATIENCE: u32 = 400;

#[derive(Default)]
pub(super) struct Asides {
    lines: Lines,
    patience: u32,
    /// There is patience.
    busy: Arc<AtomicBool>,
}

impl Asides {
    pub(super) fn push(&mut self, verb: Box<dyn Verb>) {
        self.lines.push(verb);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The verb whose turn it is.
    pub(super) fn next(&mut self) -> Option<Box<dyn Verb>> {
        self.lines.next()
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
