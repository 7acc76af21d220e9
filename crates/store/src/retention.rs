//! Retention: what has been kept long enough goes, a slice at a time.
//!
//! A [`Sweep`] goes through what there is in order of age. What a project keeps is its own affair: a sweep for one never
//! looks through what others keep longer. Pending deliveries stay, with their events and attempts, until they have ended.

use std::ops::AddAssign;
use std::time::Duration;

use model::time::Timestamp;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// This went, and there may be more. Whoever sweeps on leaves the writer and the disk alone for a while, in proportion
    /// to what was taken of them.
    Went { deleted: Deleted, took: Duration },
    /// Nothing is left that has been kept long enough. Worth another step at that time.
    Rest(Timestamp),
}

/// How much went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    pub events: u64,
    pub deliveries: u64,
    /// Of the attempts of these deliveries.
    pub attempts: u64,
    pub jobs: u64,
    /// Attempts that stay, without their bodies.
    pub bodies: u64,
    /// Empty pages given back to the file system.
    pub pages: u64,
}

/// Which of an attempt's bodies were dropped.
#[derive(Clone, Copy, Default)]
pub(crate) struct Dropped {
    pub(crate) response: bool,
    pub(crate) request: bool,
}

impl Dropped {
    pub(crate) fn of_bits(bits: i64) -> Self {
        Self { response: bits & 1 != 0, request: bits & 2 != 0 }
    }

    pub(crate) fn bits(self) -> i64 {
        i64::from(self.response) | i64::from(self.request) << 1
    }
}

impl AddAssign for Deleted {
    fn add_assign(&mut self, more: Self) {
        self.events += more.events;
        self.deliveries += more.deliveries;
        self.attempts += more.attempts;
        self.jobs += more.jobs;
        self.bodies += more.bodies;
        self.pages += more.pages;
    }
}
