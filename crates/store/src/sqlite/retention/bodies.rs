//! Bodies of attempts: dropped before the attempts themselves, in the order they were recorded.
//!
//! Attempts do not have their project, so there is a cursor for each period that bodies are kept, not for each project.
//! A cursor passes each attempt once, and its position is stored with what it dropped.

use std::time::Duration;

use model::id::{DeliveryId, ProjectId};
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::row;
use super::rests::PAUSE;
use crate::Error;
use crate::retention::{Deleted, Dropped};
use crate::slice::{Patience, ROWS};
use crate::sqlite::commit::txn::WriteTxn;

/// Attempts after which a cursor that finds nothing to drop stores its position: to pass them again after a restart
/// takes a moment.
const UNSAVED: i64 = 100_000;

/// A cursor through all attempts, by number, for the projects that keep bodies for one and the same period.
pub(super) struct Cursor {
    /// Not to be scanned before.
    pub(super) again_at: Timestamp,
    /// Number of the last attempt scanned.
    after: i64,
    /// The position that the database has.
    saved: i64,
}

pub(crate) struct Chunk {
    pub(super) kept: Duration,
    attempts: Vec<Stripped>,
    /// The stored position before this chunk, and the position after all of it.
    saved: i64,
    end: i64,
}

struct Stripped {
    number: i64,
    delivery: DeliveryId,
    bodies: Dropped,
}

impl Cursor {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { again_at: now, after: 0, saved: 0 }
    }

    /// Goes past all attempts again: a project whose attempts it has passed may keep bodies for this period now.
    pub(super) fn reset(&mut self, now: Timestamp) {
        (self.after, self.again_at) = (0, now);
    }

    /// Finds the next chunk among attempts of projects that `is_theirs` accepts, or the time at which there will be
    /// one.
    pub(super) fn scan(
        &mut self,
        db: &Connection,
        kept: Duration,
        is_theirs: impl Fn(Option<ProjectId>) -> bool,
        now: Timestamp,
        budget: &mut usize,
    ) -> Result<Option<Chunk>, Error> {
        let saved = saved(db, kept)?;
        if saved != self.saved {
            (self.saved, self.after) = (saved, saved);
        }
        let mut statement = db.prepare_cached(
            "SELECT a.rowid, a.delivery, a.started_at, (typeof(a.response_body) = 'blob') + 2 * (typeof(a.request_body) = 'blob' OR a.same_as IS NOT NULL),
                    d.project
             FROM attempts AS a LEFT JOIN deliveries AS d ON d.id = a.delivery
             WHERE a.rowid > ? ORDER BY a.rowid LIMIT ?",
        )?;
        let mut rows = statement.query(params![self.after, row::limit(*budget)])?;
        let mut slice = Chunk { kept, attempts: Vec::new(), saved, end: self.after };
        let mut next_at = None;
        while slice.attempts.len() < ROWS && *budget > 0 {
            let Some(row) = rows.next()? else {
                next_at = Some(now + kept);
                break;
            };
            *budget -= 1;
            let started_at = row::time(row, 2)?;
            if started_at + kept >= now {
                next_at = Some(started_at + kept + Duration::from_millis(1));
                break;
            }
            let number = row.get(0)?;
            let bodies = row::dropped(row, 3)?;
            let project = row.get::<_, Option<[u8; 16]>>(4)?.map(ProjectId::from_bytes);
            if bodies.bits() != 0 && is_theirs(project) {
                let delivery = DeliveryId::from_bytes(row.get(1)?);
                slice.attempts.push(Stripped { number, delivery, bodies });
            }
            slice.end = number;
        }
        if !slice.attempts.is_empty() || slice.end - saved > UNSAVED {
            return Ok(Some(slice));
        }
        self.after = slice.end;
        if let Some(at) = next_at {
            self.again_at = at.max(now + PAUSE);
        }
        Ok(None)
    }

    /// Continues after `reached`; `None` if all cursors were sent back meanwhile.
    pub(super) fn advance(&mut self, reached: Option<i64>) {
        let reached = reached.unwrap_or(0);
        (self.after, self.saved) = (reached, reached);
    }

    pub(super) fn go_back_to(&mut self, newest: i64) {
        (self.after, self.saved) = (self.after.min(newest), self.saved.min(newest));
    }
}

fn saved(db: &Connection, kept: Duration) -> Result<i64, Error> {
    let saved = db
        .prepare_cached("SELECT attempt FROM bodies_dropped WHERE kept_ms = ?")?
        .query_row([millis(kept)], |row| row.get(0))
        .optional()?;
    Ok(saved.unwrap_or(0))
}

fn millis(kept: Duration) -> i64 {
    i64::try_from(kept.as_millis()).unwrap_or(i64::MAX)
}

/// Sends all cursors back to the beginning: a project keeps bodies for another period now, whose cursor may be past
/// them.
pub(crate) fn reset(db: &Connection) -> Result<(), Error> {
    db.prepare_cached("DELETE FROM bodies_dropped")?.execute([])?;
    Ok(())
}

pub(super) fn take(
    txn: &mut WriteTxn<'_>,
    slice: &Chunk,
    mut patience: Patience,
) -> Result<(Deleted, Option<i64>), Error> {
    let mut deleted = Deleted::default();
    if saved(txn.db()?, slice.kept)? != slice.saved {
        return Ok((deleted, None));
    }
    let mut reached = slice.end;
    for (at, attempt) in slice.attempts.iter().enumerate() {
        deleted.bodies += strip(txn, attempt)?;
        patience.spend(1);
        if patience.is_over(txn.env) && at + 1 < slice.attempts.len() {
            reached = attempt.number;
            break;
        }
    }
    txn.db()?
        .prepare_cached("INSERT OR REPLACE INTO bodies_dropped (kept_ms, attempt) VALUES (?, ?)")?
        .execute(params![millis(slice.kept), reached])?;
    Ok((deleted, Some(reached)))
}

fn strip(txn: &mut WriteTxn<'_>, attempt: &Stripped) -> Result<u64, Error> {
    hand_on(txn.db()?, attempt)?;
    // The number may be another attempt's by now.
    let changed = txn
        .db()?
        .prepare_cached(
            "UPDATE attempts SET response_body = NULL, request_body = NULL, same_as = NULL, dropped = coalesce(dropped, 0) | ?
             WHERE rowid = ? AND delivery = ?",
        )?
        .execute(params![attempt.bodies.bits(), attempt.number, attempt.delivery.as_bytes()])?;
    Ok(changed as u64)
}

/// Gives a body that is about to be dropped to the youngest of the attempts that sent the same: they are kept longer.
fn hand_on(db: &Connection, attempt: &Stripped) -> Result<(), Error> {
    let heir: Option<(i64, u32, u32)> = db
        .prepare_cached(
            "SELECT y.rowid, y.number, o.number FROM attempts AS o
             JOIN attempts AS y ON y.delivery = o.delivery AND y.same_as = o.number
             WHERE o.rowid = ? AND o.delivery = ? ORDER BY y.number DESC LIMIT 1",
        )?
        .query_row(params![attempt.number, attempt.delivery.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((heir, number, old)) = heir else { return Ok(()) };
    db.prepare_cached(
        "UPDATE attempts SET request_body = (SELECT request_body FROM attempts WHERE rowid = ?), same_as = NULL
         WHERE rowid = ?",
    )?
    .execute([attempt.number, heir])?;
    db.prepare_cached("UPDATE attempts SET same_as = ? WHERE delivery = ? AND same_as = ?")?.execute(params![
        number,
        attempt.delivery.as_bytes(),
        old
    ])?;
    Ok(())
}
