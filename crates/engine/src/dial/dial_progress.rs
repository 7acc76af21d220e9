//! Connections that are being made, so that a timeout can say what it was waiting for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

/// The step that a connection being made has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Lookup,
    Connecting,
    Handshake,
}

/// Current steps by authority. Of several connections to one authority, the last step that any of them reached counts.
#[derive(Default)]
pub(super) struct DialProgress(Mutex<HashMap<Box<str>, Step>>);

/// One connection being made, until this is dropped.
pub(super) struct Progress<'a> {
    all: &'a DialProgress,
    authority: &'a str,
}

impl DialProgress {
    pub(super) fn begin<'a>(&'a self, authority: &'a str) -> Progress<'a> {
        let progress = Progress { all: self, authority };
        progress.reaches(Step::Lookup);
        progress
    }

    pub(super) fn step(&self, authority: &str) -> Option<Step> {
        self.steps().get(authority).copied()
    }

    fn steps(&self) -> MutexGuard<'_, HashMap<Box<str>, Step>> {
        self.0.lock().expect("nothing panics while it holds the steps")
    }
}

impl Progress<'_> {
    pub(super) fn reaches(&self, step: Step) {
        self.all.steps().insert(self.authority.into(), step);
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.all.steps().remove(self.authority);
    }
}
