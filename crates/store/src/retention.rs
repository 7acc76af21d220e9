//! Retention: what has been kept long enough goes, a slice at a time.
//!
//! A [`Sweep`] goes through what there is in order of age. What a project keeps is its own affair: a sweep for one never
//! looks through what others keep longer. Pending deliveries stay, with their events and attempts, until they have ended.

use std::ops::AddAssign;
use std::time::Duration;

use model::retention::Retention;
use model::time::Timestamp;

use crate::postgres::retention::{self as postgres, Stepped};
use crate::sqlite::Embedded;
use crate::sqlite::retention::{self as sqlite, Look, Walks};
use crate::store::Database;
use crate::{Error, Store};

/// Where deleting has come to. There is one in a process.
pub struct Sweep {
    servers: Retention,
    walks: Walks,
    /// On PostgreSQL.
    walk: postgres::Walk,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// This went, and there may be more. Whoever sweeps on leaves the writer and the disk alone for a while, in proportion
    /// to what was taken of them.
    Went { swept: Swept, took: Duration },
    /// Nothing is left that has been kept long enough. Worth another step at that time.
    Rest(Timestamp),
}

/// How much went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
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

impl Store {
    /// A sweep that begins with the oldest. Projects that do not say how long they keep things keep them as `servers`
    /// says.
    pub fn sweep(&self, servers: Retention) -> Sweep {
        Sweep { servers, walks: Walks::default(), walk: postgres::Walk::default() }
    }

    /// Deletes the next slice of what has been kept long enough. After an error, or when it was not waited for, the sweep
    /// begins anew, with the oldest.
    pub async fn sweep_on(&self, sweep: &mut Sweep) -> Result<Step, Error> {
        let began = self.elapsed();
        match self.database() {
            Database::Embedded(db) => self.sweep_slice(db, sweep, began).await,
            Database::Cluster(db) => {
                let (directory, now) = (self.directory().clone(), self.now());
                Ok(match postgres::step(db, &mut sweep.walk, &directory, sweep.servers, now).await? {
                    Stepped::Went(swept) => Step::Went { swept, took: self.elapsed().saturating_sub(began) },
                    Stepped::Rest(at) => Step::Rest(at),
                })
            }
        }
    }

    async fn sweep_slice(&self, db: &Embedded, sweep: &mut Sweep, began: Duration) -> Result<Step, Error> {
        let (directory, now, servers) = (self.directory().clone(), self.now(), sweep.servers);
        let mut walks = std::mem::take(&mut sweep.walks);
        let (mut walks, look) = db
            .read(move |db| {
                let look = walks.look(db, &directory, servers, now)?;
                Ok((walks, look))
            })
            .await?;
        let swept = match look {
            Look::Rest(at) => {
                sweep.walks = walks;
                return Ok(Step::Rest(at));
            }
            Look::Nothing => Swept::default(),
            Look::Slice(slice) => {
                let done = db.write_aside(None, move |batch| sqlite::take(batch, &slice)).await?;
                walks.advance(&done);
                done.swept
            }
        };
        sweep.walks = walks;
        Ok(Step::Went { swept, took: self.elapsed().saturating_sub(began) })
    }
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

impl AddAssign for Swept {
    fn add_assign(&mut self, more: Self) {
        self.events += more.events;
        self.deliveries += more.deliveries;
        self.attempts += more.attempts;
        self.jobs += more.jobs;
        self.bodies += more.bodies;
        self.pages += more.pages;
    }
}
