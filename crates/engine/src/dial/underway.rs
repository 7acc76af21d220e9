//! Connections that are being made, so that a timeout can say what it was waiting for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

/// What a connection being made waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Lookup,
    Connecting,
    Handshake,
}

/// By authority. When several are made to one, the youngest speaks for all.
#[derive(Default)]
pub(super) struct Underway(Mutex<HashMap<Box<str>, Step>>);

/// One connection being made. It is under way until this is dropped.
pub(super) struct Progress<'a> {
    underway: &'a Underway,
    authority: &'a str,
}

impl Underway {
    pub(super) fn begin<'a>(&'a self, authority: &'a str) -> Progress<'a> {
        let progress = Progress { underway: self, authority };
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
        self.underway.steps().insert(self.authority.into(), step);
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.underway.steps().remove(self.authority);
    }
}
