//! The SQL of recovering an endpoint: deliveries that failed or were missed in a window of time.

use std::sync::Arc;

use model::endpoint::Endpoint;
use model::event::Event;
use model::id::{DeliveryId, EndpointId};
use model::job::Only;
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::commit::txn::WriteTxn;
use super::{deliveries, row, search};
use crate::Error;
use crate::fan_outs;
use crate::filtering::{Recipient, Review, ReviewOutcome};
use crate::jobs::STEP;
use crate::recovery::{ASKED, Cursor, Key, Progress, SEEN, Seen, Window};
use crate::slice::Patience;

/// An event's number.
impl Key for i64 {
    fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[8..].copy_from_slice(&self.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_be_bytes(bytes[8..].try_into().expect("eight bytes are left of sixteen"))
    }
}

impl Window<i64> {
    pub(super) fn new(
        db: &Connection,
        endpoint: Arc<Endpoint>,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Self, Error> {
        Ok(Self {
            endpoint,
            deliveries: (DeliveryId::first_at(since), DeliveryId::first_at(until)),
            events: (search::first_event_at(db, since)?, search::first_event_at(db, until)?),
        })
    }

    /// Number of items in the window.
    pub(super) fn count(&self, db: &Connection, only: Only, now: Timestamp) -> Result<u64, Error> {
        let mut total = 0;
        if only != Only::Missed {
            total += self.count_failed(db)?;
        }
        if only != Only::Failed {
            let mut from = self.events.0;
            let mut review = Review::of(self.endpoint.clone());
            let mut finding = |seq, event: &Event| {
                if review.len() < ASKED { review.ask(seq, event) } else { ReviewOutcome::Wanted(None) }
            };
            while let Some(seen) = self.missed_from(db, from, now, &mut finding, &mut || false)? {
                total += seen.missed.len() as u64;
                from = seen.next;
            }
        }
        Ok(total)
    }

    /// Evaluates the endpoint's filter for the events that the next step after `cursor` will come to.
    pub(super) fn review(
        &self,
        db: &Connection,
        only: Only,
        cursor: Option<Cursor<i64>>,
        now: Timestamp,
    ) -> Result<Review<i64>, Error> {
        let mut review = Review::of(self.endpoint.clone());
        if let Cursor::Missed(from) = cursor.unwrap_or_else(|| self.start(only)) {
            let mut finding = |seq, event: &Event| {
                if review.len() < STEP { review.ask(seq, event) } else { ReviewOutcome::Unknown }
            };
            self.missed_from(db, from, now, &mut finding, &mut || false)?;
        }
        Ok(review)
    }

    /// Does the next items after `cursor`: as far as the review goes, where the endpoint has a filter.
    pub(super) fn step(
        &self,
        txn: &mut WriteTxn<'_>,
        only: Only,
        cursor: Option<Cursor<i64>>,
        review: Option<&Review<i64>>,
    ) -> Result<Progress<i64>, Error> {
        match cursor.unwrap_or_else(|| self.start(only)) {
            Cursor::Failed(from) => self.step_failed(txn, only, from),
            Cursor::Missed(from) => self.step_missed(txn, from, review),
            Cursor::Endpoint(_) => Err(Error::Corrupt("where a recovery is".to_owned())),
        }
    }

    /// Starts the schedule of failed deliveries anew.
    fn step_failed(&self, txn: &mut WriteTxn<'_>, only: Only, from: DeliveryId) -> Result<Progress<i64>, Error> {
        let mut patience = Patience::begin(txn.env, txn.hold);
        let failed = self.failed_after(txn.db()?, from)?;
        let mut sent = 0;
        for id in &failed {
            txn
                .db()?
                .prepare_cached(
                    "UPDATE deliveries SET status = 0, manual = 0, run_began_at = attempts, place = ?1, next_attempt_at = ?1
                     WHERE id = ?2 AND status = 2",
                )?
                .execute(params![txn.now.as_millis(), id.as_bytes()])?;
            sent += 1;
            patience.spend(1);
            if patience.is_over(txn.env) {
                break;
            }
        }
        if !failed.is_empty() {
            txn.announce_work(self.endpoint.id, txn.now);
        }
        Ok(Progress { done: sent as u64, cursor: self.after_failed(only, &failed, sent) })
    }

    fn failed_after(&self, db: &Connection, from: DeliveryId) -> Result<Vec<DeliveryId>, Error> {
        let mut statement = db.prepare_cached(
            "SELECT id FROM deliveries INDEXED BY deliveries_failed_by_endpoint
             WHERE status = 2 AND endpoint = ? AND id > ? AND id < ? ORDER BY id LIMIT ?",
        )?;
        let (endpoint, until) = (self.endpoint.id, self.deliveries.1);
        let rows = statement
            .query_map(params![endpoint.as_bytes(), from.as_bytes(), until.as_bytes(), row::limit(STEP)], |row| {
                row.get(0).map(DeliveryId::from_bytes)
            })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn count_failed(&self, db: &Connection) -> Result<u64, Error> {
        let count: i64 = db
            .prepare_cached(
                "SELECT count(*) FROM deliveries INDEXED BY deliveries_failed_by_endpoint
                 WHERE status = 2 AND endpoint = ? AND id > ? AND id < ?",
            )?
            .query_row(
                params![self.endpoint.id.as_bytes(), self.deliveries.0.as_bytes(), self.deliveries.1.as_bytes()],
                |row| row.get(0),
            )?;
        Ok(count.unsigned_abs())
    }

    /// Makes the deliveries that were missed.
    fn step_missed(
        &self,
        txn: &mut WriteTxn<'_>,
        from: i64,
        review: Option<&Review<i64>>,
    ) -> Result<Progress<i64>, Error> {
        let none = Review::of(self.endpoint.clone());
        let review = review.unwrap_or(&none);
        let mut finding = |seq, _: &Event| review.about(&self.endpoint, seq);
        let (env, patience) = (txn.env, Patience::begin(txn.env, txn.hold));
        let found = self.missed_from(txn.db()?, from, txn.now, &mut finding, &mut || patience.is_over(env));
        let Some(seen) = found? else {
            return Ok(Progress { done: 0, cursor: None });
        };
        let done = seen.missed.len() as u64;
        for (seq, event, note) in seen.missed {
            let recipient = Recipient { endpoint: self.endpoint.id, note };
            deliveries::deliver_to(txn, seq, &Arc::new(event), &recipient, false)?;
        }
        Ok(Progress { done, cursor: Some(Cursor::Missed(seen.next)) })
    }

    /// The next events of the window and those of them that the endpoint should have had; `None` at its end. Stops
    /// before an event whose filter result is unknown, and when it took too long: the next step begins there.
    fn missed_from(
        &self,
        db: &Connection,
        from: i64,
        now: Timestamp,
        finding: &mut dyn FnMut(i64, &Event) -> ReviewOutcome,
        too_long: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Seen<i64>>, Error> {
        let sql = format!(
            "SELECT {}, e.seq, EXISTS (SELECT 1 FROM deliveries AS d WHERE d.event = e.seq AND d.endpoint = ?1),
                 f.list, f.position
             FROM events AS e INDEXED BY events_by_age LEFT JOIN fan_outs AS f ON f.event = e.seq
             WHERE e.project = ?2 AND e.seq >= ?3 AND e.seq < ?4 AND e.test = 0 ORDER BY e.seq LIMIT ?5",
            row::EVENT
        );
        let mut statement = db.prepare_cached(&sql)?;
        let mut rows = statement.query(params![
            self.endpoint.id.as_bytes(),
            self.endpoint.project.as_bytes(),
            from,
            self.events.1,
            row::limit(SEEN)
        ])?;
        let mut seen = None;
        while let Some(row) = rows.next()? {
            let seq: i64 = row.get(row::EVENT_WIDTH)?;
            let has_delivery: bool = row.get(row::EVENT_WIDTH + 1)?;
            let Seen { missed, next } = seen.get_or_insert_with(|| Seen { missed: Vec::new(), next: from });
            if !has_delivery && !has_yet_to_come(db, row, self.endpoint.id)? {
                let event = row::event(row, 0)?;
                if self.endpoint.matches(&event) && !event.has_expired(now) {
                    match finding(seq, &event) {
                        ReviewOutcome::Wanted(note) => missed.push((seq, event, note)),
                        ReviewOutcome::Unwanted => {}
                        ReviewOutcome::Unknown => break,
                    }
                }
            }
            *next = seq + 1;
            if missed.len() == STEP || too_long() {
                break;
            }
        }
        Ok(seen)
    }
}

/// True if the event is being fanned out to the endpoint, whose turn has not come. Read from the columns of the fan-out
/// after those of the event.
fn has_yet_to_come(db: &Connection, row: &Row<'_>, endpoint: EndpointId) -> Result<bool, Error> {
    let Some(list) = row.get::<_, Option<i64>>(row::EVENT_WIDTH + 2)? else { return Ok(false) };
    let position: i64 = row.get(row::EVENT_WIDTH + 3)?;
    let recipients: Option<Vec<u8>> = db
        .prepare_cached("SELECT recipients FROM fan_out_lists WHERE id = ?")?
        .query_row([list], |row| row.get(0))
        .optional()?;
    let recipients = recipients.unwrap_or_default();
    fan_outs::has_yet_to_come(&recipients, usize::try_from(position).unwrap_or(0), endpoint)
}
