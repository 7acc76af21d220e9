//! The SQL of recovering an endpoint: deliveries that failed, and events that were missed, in a window of time. Windows
//! begin after a key.

use std::sync::Arc;

use model::delivery::Status;
use model::endpoint::Endpoint;
use model::event::Event;
use model::id::DeliveryId;
use model::job::Only;
use model::time::Timestamp;
use tokio_postgres::Row;

use super::event_key::{self, EventKey};
use super::node_context::NodeContext;
use super::param::{Param, Uuid};
use super::row;
use super::transaction::WriteTxn;
use crate::Error;
use crate::fan_outs;
use crate::filtering::{Recipient, Review, ReviewOutcome, TURN};
use crate::jobs::STEP;
use crate::recovery::{ASKED, Cursor, Key, Progress, SEEN, Seen, Window};

impl Key for EventKey {
    fn to_bytes(self) -> [u8; 16] {
        *self.as_bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_bytes(bytes)
    }
}

/// Evaluates an event that an endpoint may have missed.
type Evaluate<'a> = dyn FnMut(EventKey, &Event) -> ReviewOutcome + Send + 'a;

/// The connection over which events are read.
#[derive(Clone, Copy)]
enum Source<'a> {
    /// Each query in its own transaction: filters are evaluated in between, which takes time.
    Apart(&'a Arc<NodeContext>),
    /// In the transaction that makes their deliveries.
    Within(&'a WriteTxn),
}

impl Source<'_> {
    async fn query(self, sql: &str, params: &[&dyn Param]) -> Result<Vec<Row>, Error> {
        match self {
            Self::Apart(db) => {
                let snapshot = db.snapshot().await?;
                snapshot.session().in_order().await?;
                let rows = snapshot.query(sql, params).await?;
                snapshot.end().await?;
                Ok(rows)
            }
            Self::Within(txn) => {
                txn.session().in_order().await?;
                txn.query(sql, params).await
            }
        }
    }
}

impl Window<EventKey> {
    pub(super) fn new(endpoint: Arc<Endpoint>, since: Timestamp, until: Timestamp) -> Self {
        let between = (DeliveryId::first_at(since), DeliveryId::first_at(until));
        Self { endpoint, deliveries: between, events: between }
    }

    /// The number of items in the window.
    pub(super) async fn count(&self, db: &Arc<NodeContext>, only: Only, now: Timestamp) -> Result<u64, Error> {
        let mut total = 0;
        if only != Only::Missed {
            total += self.count_failed(db).await?;
        }
        if only != Only::Failed {
            total += self.count_missed(db, now).await?;
        }
        Ok(total)
    }

    async fn count_failed(&self, db: &Arc<NodeContext>) -> Result<u64, Error> {
        let (endpoint, (since, until)) = (Uuid::from(self.endpoint.id), self.deliveries);
        let row = db
            .session()
            .await?
            .query_one(
                "SELECT count(*) FROM deliveries WHERE failed AND endpoint = $1 AND id > $2 AND id < $3",
                &[&endpoint, &Uuid::from(since), &Uuid::from(until)],
            )
            .await?;
        Ok(row::get::<i64>(&row, 0)?.unsigned_abs())
    }

    async fn count_missed(&self, db: &Arc<NodeContext>, now: Timestamp) -> Result<u64, Error> {
        let (mut total, mut after) = (0, self.events.0);
        let mut asked = if self.endpoint.settings.filter.is_some() { ASKED } else { 0 };
        let source = Source::Apart(db);
        loop {
            let candidates = self.candidates(source, after, now).await?;
            let Some(last) = candidates.last() else { return Ok(total) };
            let missed: Vec<EventKey> = candidates.iter().filter(|one| one.missed).map(|one| one.key).collect();
            let (judged, counted) = missed.split_at(asked.min(missed.len()));
            asked -= judged.len();
            total += counted.len() as u64;
            for keys in judged.chunks(STEP) {
                let mut review = Review::of(self.endpoint.clone());
                let mut evaluate = |key, event: &Event| review.ask(key, event);
                let seen = self.evaluated(source, keys, (after, last.key), &mut evaluate).await?;
                total += seen.missed.len() as u64;
            }
            after = last.key;
        }
    }

    /// Evaluates the endpoint's filter for the events that the next step after `cursor` will reach.
    pub(super) async fn review(
        &self,
        db: &Arc<NodeContext>,
        only: Only,
        cursor: Option<Cursor<EventKey>>,
        now: Timestamp,
    ) -> Result<Review<EventKey>, Error> {
        let mut review = Review::of(self.endpoint.clone());
        if let Cursor::Missed(after) = cursor.unwrap_or_else(|| self.start(only)) {
            let mut evaluate = |key, event: &Event| {
                if review.len() < STEP { review.ask(key, event) } else { ReviewOutcome::Unknown }
            };
            self.missed_after(Source::Apart(db), after, now, &mut evaluate).await?;
        }
        Ok(review)
    }

    /// Makes the next items after `cursor` pending: up to the end of the review, if the endpoint has a filter.
    pub(super) async fn step(
        &self,
        txn: &mut WriteTxn,
        only: Only,
        cursor: Option<Cursor<EventKey>>,
        review: Option<&Review<EventKey>>,
    ) -> Result<Progress<EventKey>, Error> {
        match cursor.unwrap_or_else(|| self.start(only)) {
            Cursor::Failed(after) => self.step_failed(txn, only, after).await,
            Cursor::Missed(after) => self.step_missed(txn, after, review).await,
            Cursor::Endpoint(_) => Err(Error::Corrupt("where a recovery is".to_owned())),
        }
    }

    /// Restarts the schedule of failed deliveries.
    async fn step_failed(
        &self,
        txn: &mut WriteTxn,
        only: Only,
        after: DeliveryId,
    ) -> Result<Progress<EventKey>, Error> {
        let (endpoint, until, now) = (Uuid::from(self.endpoint.id), self.deliveries.1, txn.now);
        txn.session().in_order().await?;
        let rows = txn
            .query(
                "SELECT id FROM deliveries WHERE failed AND endpoint = $1 AND id > $2 AND id < $3
                 ORDER BY id LIMIT $4 FOR UPDATE",
                &[&endpoint, &Uuid::from(after), &Uuid::from(until), &row::limit(STEP)],
            )
            .await?;
        let failed: Vec<DeliveryId> = rows.iter().map(|row| row::id(row, 0)).collect::<Result<_, Error>>()?;
        if !failed.is_empty() {
            let ids: Vec<Uuid> = failed.iter().copied().map(Uuid::from).collect();
            txn.execute(
                "WITH revived AS (
                         UPDATE deliveries AS d SET status = $4, failed = false, manual = false,
                             run_began_at = d.attempts, next_attempt_at = $3
                         FROM unnest($1) AS f (id) WHERE d.id = f.id RETURNING d.*)
                     INSERT INTO pending (delivery, endpoint, place, project, tenant, status_code)
                     SELECT r.id, $2, $3, r.project, e.tenant, r.status_code
                     FROM revived AS r JOIN events AS e ON e.key = r.event",
                &[&ids, &endpoint, &now.as_millis(), &row::position(&Status::Pending, &Status::ALL)],
            )
            .await?;
            txn.announce_work(self.endpoint.id, now);
        }
        Ok(Progress { done: failed.len() as u64, cursor: self.after_failed(only, &failed, failed.len()) })
    }

    /// Creates the deliveries that were missed.
    async fn step_missed(
        &self,
        txn: &mut WriteTxn,
        after: EventKey,
        review: Option<&Review<EventKey>>,
    ) -> Result<Progress<EventKey>, Error> {
        let none = Review::of(self.endpoint.clone());
        let review = review.unwrap_or(&none);
        let mut evaluate = |key, _: &Event| review.about(&self.endpoint, key);
        let now = txn.now;
        let Some(seen) = self.missed_after(Source::Within(txn), after, now, &mut evaluate).await? else {
            return Ok(Progress { done: 0, cursor: None });
        };
        let done = seen.missed.len() as u64;
        for (key, event, note) in seen.missed {
            txn.deliver_to(key, &Arc::new(event), Recipient { endpoint: self.endpoint.id, note }, false);
        }
        Ok(Progress { done, cursor: Some(Cursor::Missed(seen.next)) })
    }

    /// The next events of the window that the endpoint should have had, and the key that the step ends with; `None` at
    /// the end of the window.
    async fn missed_after(
        &self,
        source: Source<'_>,
        after: EventKey,
        now: Timestamp,
        evaluate: &mut Evaluate<'_>,
    ) -> Result<Option<Seen<EventKey>>, Error> {
        let candidates = self.candidates(source, after, now).await?;
        let Some(last) = candidates.last() else { return Ok(None) };
        let missed: Vec<EventKey> = candidates.iter().filter(|one| one.missed).map(|one| one.key).collect();
        let Some(keys) = missed.chunks(STEP).next() else {
            return Ok(Some(Seen { missed: Vec::new(), next: last.key }));
        };
        // If the step is full, the next begins after the last of its events.
        let end = if keys.len() == STEP { keys[STEP - 1] } else { last.key };
        self.evaluated(source, keys, (after, end), evaluate).await.map(Some)
    }

    /// Evaluates the events with these keys, which are the candidates between two keys, and returns the wanted ones.
    /// Stops before one whose outcome is unknown: the next step begins there.
    async fn evaluated(
        &self,
        source: Source<'_>,
        keys: &[EventKey],
        between: (EventKey, EventKey),
        evaluate: &mut Evaluate<'_>,
    ) -> Result<Seen<EventKey>, Error> {
        let sql = format!(
            "SELECT {}, e.key FROM unnest($1) WITH ORDINALITY AS asked (key, turn) JOIN events AS e USING (key)
             ORDER BY asked.turn",
            row::EVENT
        );
        let asked: Vec<Uuid> = keys.iter().copied().map(Uuid::from).collect();
        let rows = source.query(&sql, &[&asked]).await?;
        let mut seen = Seen { missed: Vec::new(), next: between.0 };
        for (turn, row) in rows.iter().enumerate() {
            let (key, event) = (row::id(row, row::EVENT_WIDTH)?, row::event(row, 0)?);
            match evaluate(key, &event) {
                ReviewOutcome::Wanted(note) => seen.missed.push((key, event, note)),
                ReviewOutcome::Unwanted => {}
                ReviewOutcome::Unknown => return Ok(seen),
            }
            seen.next = key;
            if turn % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
        seen.next = between.1;
        Ok(seen)
    }

    /// The next events after a key, without their contents.
    async fn candidates(&self, source: Source<'_>, after: EventKey, now: Timestamp) -> Result<Vec<Candidate>, Error> {
        // An event's deliveries are few: the endpoint's index must not be used instead.
        let sql = "SELECT e.key, e.type, e.tenant, had.one IS NULL AND coalesce(e.expires_at > $7, true), l.recipients, f.position
             FROM (SELECT key, type, tenant, expires_at FROM events
                   WHERE project = $1 AND key > $2 AND key < $3 AND NOT test ORDER BY key LIMIT $4) AS e
             LEFT JOIN LATERAL (SELECT 1 AS one FROM deliveries AS d
                   WHERE d.event = e.key AND d.id >= $5 AND d.endpoint IS NOT DISTINCT FROM $6 LIMIT 1) AS had ON true
             LEFT JOIN fan_outs AS f ON f.project = $1 AND f.event = e.key LEFT JOIN fan_out_lists AS l ON l.id = f.list
             ORDER BY e.key";
        let (project, endpoint) = (Uuid::from(self.endpoint.project), Uuid::from(self.endpoint.id));
        let (from, until) = (Uuid::from(after), Uuid::from(self.events.1));
        let earliest = Uuid::from(event_key::earliest_delivery(after));
        let (limit, now) = (row::limit(SEEN), now.as_millis());
        let rows = source.query(sql, &[&project, &from, &until, &limit, &earliest, &endpoint, &now]).await?;
        let candidate = |row: &Row| {
            let is_open: bool = row::get(row, 3)?;
            let missed = is_open && self.endpoint.wants(&row::text(row, 1)?, row::get(row, 2)?);
            let yet_to_come: Option<&[u8]> = row::get(row, 4)?;
            let position: Option<i32> = row::get(row, 5)?;
            let position = position.and_then(|position| usize::try_from(position).ok()).unwrap_or(0);
            let comes = yet_to_come.map(|list| fan_outs::has_yet_to_come(list, position, self.endpoint.id));
            Ok(Candidate { key: row::id(row, 0)?, missed: missed && !comes.transpose()?.unwrap_or(false) })
        };
        rows.iter().map(candidate).collect()
    }
}

/// An event of a window.
struct Candidate {
    key: EventKey,
    /// True if the endpoint has no delivery of it and should have one, provided that its filter lets it through.
    missed: bool,
}
