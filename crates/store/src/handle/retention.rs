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
    cursors: Walks,
    /// On PostgreSQL.
    cursor: postgres::Cursor,
}

impl Store {
    /// A sweep that begins with the oldest. Projects that do not say how long they keep things keep them as `servers`
    /// says.
    pub fn begin_retention(&self, servers: Retention) -> RetentionPass {
        RetentionPass { servers, cursors: Walks::default(), cursor: postgres::Cursor::default() }
    }

    /// Deletes the next slice of what has been kept long enough. After an error, or when it was not waited for, the sweep
    /// begins anew, with the oldest.
    pub async fn continue_retention(&self, pass: &mut RetentionPass) -> Result<Step, Error> {
        let began = self.elapsed();
        match self.database() {
            Database::Embedded(db) => self.sweep_slice(db, pass, began).await,
            Database::Cluster(db) => {
                let (directory, now) = (self.directory().clone(), self.now());
                Ok(match postgres::step(&db.context, &mut pass.cursor, &directory, pass.servers, now).await? {
                    Stepped::Went(deleted) => Step::Went { deleted, took: self.elapsed().saturating_sub(began) },
                    Stepped::Rest(at) => Step::Rest(at),
                })
            }
        }
    }

    async fn sweep_slice(&self, db: &Embedded, pass: &mut RetentionPass, began: Duration) -> Result<Step, Error> {
        let (directory, now, servers) = (self.directory().clone(), self.now(), pass.servers);
        let mut cursors = std::mem::take(&mut pass.cursors);
        let (mut cursors, scan) = db
            .read(move |db| {
                let scan = cursors.scan(db, &directory, servers, now)?;
                Ok((cursors, scan))
            })
            .await?;
        let deleted = match scan {
            Scan::Rest(at) => {
                pass.cursors = cursors;
                return Ok(Step::Rest(at));
            }
            Scan::Nothing => Deleted::default(),
            Scan::Slice(slice) => {
                let done = db.write_aside(&Actor::System, None, move |txn| sqlite::take(txn, &slice)).await?;
                cursors.advance(&done);
                done.deleted
            }
        };
        pass.cursors = cursors;
        Ok(Step::Went { deleted, took: self.elapsed().saturating_sub(began) })
    }
}
