//! Retention: what has been kept long enough is deleted, a slice at a time.
//!
//! A [`RetentionPass`](crate::handle::retention::RetentionPass) goes through the rows in order of age. Each project has
//! its own periods: deleting for one never looks through what others keep longer. Pending deliveries stay, with their
//! events and attempts, until they have ended.

use std::ops::AddAssign;
use std::time::Duration;

use model::time::Timestamp;

/// Result of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Rows were deleted, and there may be more. Before the next step, the caller leaves the writer and the disk alone
    /// for a while, in proportion to what this one took of them.
    Went { deleted: Deleted, took: Duration },
    /// Nothing is left that has been kept long enough. Worth another step at that time.
    Rest(Timestamp),
}

/// Numbers of what was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    pub events: u64,
    pub deliveries: u64,
    /// Attempts of these deliveries.
    pub attempts: u64,
    pub jobs: u64,
    /// Attempts that stay, without their bodies.
    pub bodies: u64,
    /// Empty pages given back to the file system.
    pub pages: u64,
}

/// The bodies of an attempt that were dropped.
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
