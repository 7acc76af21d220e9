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

/// Progress of retention. There is one pass in a process.
pub struct RetentionPass {
    servers: Retention,
    cursors: Walks,
    /// Used on PostgreSQL.
    cursor: postgres::Cursor,
}

impl Store {
    /// Begins a pass with the oldest rows. Projects without periods of their own use those of `servers`.
    pub fn begin_retention(&self, servers: Retention) -> RetentionPass {
        RetentionPass { servers, cursors: Walks::default(), cursor: postgres::Cursor::default() }
    }

    /// Deletes the next slice of what has been kept long enough. After an error, or when it was not waited for, the
    /// pass begins again with the oldest rows.
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
