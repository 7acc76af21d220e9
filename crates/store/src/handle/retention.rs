//! Verbs that delete what has been kept long enough, a slice at a time.

use std::time::Duration;

use model::actor::Actor;
use model::retention::Retention;

use crate::handle::Database;
use crate::postgres::retention::{self as postgres, Stepped};
use crate::retention::{Deleted, Step};
use crate::sqlite::embedded::Embedded;
use crate::sqlite::retention::{self as sqlite, Scan, Walks};
use crate::{Error, Store};

/// Where deleting has come to. There is one in a process.
pub struct RetentionPass {
    servers: Retention,
    walks: Walks,
    /// On PostgreSQL.
    walk: postgres::Cursor,
}

impl Store {
    /// A sweep that begins with the oldest. Projects that do not say how long they keep things keep them as `servers`
    /// says.
    pub fn sweep(&self, servers: Retention) -> RetentionPass {
        RetentionPass { servers, walks: Walks::default(), walk: postgres::Cursor::default() }
    }

    /// Deletes the next slice of what has been kept long enough. After an error, or when it was not waited for, the sweep
    /// begins anew, with the oldest.
    pub async fn sweep_on(&self, sweep: &mut RetentionPass) -> Result<Step, Error> {
        let began = self.elapsed();
        match self.database() {
            Database::Embedded(db) => self.sweep_slice(db, sweep, began).await,
            Database::Cluster(db) => {
                let (directory, now) = (self.directory().clone(), self.now());
                Ok(match postgres::step(&db.context, &mut sweep.walk, &directory, sweep.servers, now).await? {
                    Stepped::Went(swept) => Step::Went { swept, took: self.elapsed().saturating_sub(began) },
                    Stepped::Rest(at) => Step::Rest(at),
                })
            }
        }
    }

    async fn sweep_slice(&self, db: &Embedded, sweep: &mut RetentionPass, began: Duration) -> Result<Step, Error> {
        let (directory, now, servers) = (self.directory().clone(), self.now(), sweep.servers);
        let mut walks = std::mem::take(&mut sweep.walks);
        let (mut walks, look) = db
            .read(move |db| {
                let look = walks.scan(db, &directory, servers, now)?;
                Ok((walks, look))
            })
            .await?;
        let swept = match look {
            Scan::Rest(at) => {
                sweep.walks = walks;
                return Ok(Step::Rest(at));
            }
            Scan::Nothing => Deleted::default(),
            Scan::Slice(slice) => {
                let done = db.write_aside(&Actor::System, None, move |batch| sqlite::take(batch, &slice)).await?;
                walks.advance(&done);
                done.swept
            }
        };
        sweep.walks = walks;
        Ok(Step::Went { swept, took: self.elapsed().saturating_sub(began) })
    }
}
