//! Reads recorded attempts.

use model::attempt::{Failure, FailureKind};
use model::headers::Headers;
use model::id::DeliveryId;
use tokio_postgres::Row;

use super::param::Uuid;
use super::row;
use super::transaction::ReadTxn;
use crate::Error;
use crate::retention::Dropped;
use crate::rules::attempt::sent_body_of;
use crate::search::{Bodies, SentBody, StoredAttempt};

/// The columns that [`attempt`] reads, of `attempts AS a`. Bodies are not read to see if there is one.
pub(super) fn columns(longest_body: usize) -> String {
    let response = match longest_body {
        0 => "NULL::bytea".to_owned(),
        longest => format!("substr(a.response_body, 1, {longest})"),
    };
    format!(
        "a.number, a.started_at, a.duration_ms, a.status_code, a.error_kind, a.error, a.request_headers,
         a.response_headers, {response}, a.truncated, a.next_attempt_at,
         a.request_body IS NOT NULL OR a.same_as IS NOT NULL, a.dialect, a.notes, a.dropped"
    )
}
/// Number of these columns.
pub(super) const ATTEMPT_WIDTH: usize = 15;

/// The attempts of a delivery, first to last.
pub(super) async fn of(snapshot: &ReadTxn, delivery: DeliveryId, bodies: Bodies) -> Result<Vec<StoredAttempt>, Error> {
    let sql =
        format!("SELECT {} FROM attempts AS a WHERE a.delivery = $1 ORDER BY a.number", columns(bodies.longest()));
    snapshot.query(&sql, &[&Uuid::from(delivery)]).await?.iter().map(attempt).collect()
}

/// An attempt from [`columns`].
pub(super) fn attempt(row: &Row) -> Result<StoredAttempt, Error> {
    let kind = row::failure_kind(row, 4)?;
    let message: Option<String> = row::get(row, 5)?;
    Ok(StoredAttempt {
        number: row::count(row, 0)?,
        started_at: row::time(row, 1)?,
        duration_ms: row::get::<i64>(row, 2)?.unsigned_abs(),
        status_code: row::status_code(row, 3)?,
        failure: kind.map(|kind| Failure::new(kind, message.unwrap_or_default())),
        request_headers: headers(row, 6)?,
        response_headers: headers(row, 7)?,
        response_body: row::get::<Option<Vec<u8>>>(row, 8)?.unwrap_or_default(),
        response_truncated: row::get(row, 9)?,
        next_attempt_at: row::maybe_time(row, 10)?,
        response_dropped: dropped(row)?.response,
        body: body(row, kind)?,
        notes: row::maybe_json(row, 13)?.unwrap_or_default(),
    })
}

fn headers(row: &Row, at: usize) -> Result<Headers, Error> {
    let Some(packed) = row::get::<Option<&[u8]>>(row, at)? else { return Ok(Headers::new()) };
    Headers::of_packed(packed).map_err(|error| Error::Corrupt(error.to_string()))
}

fn dropped(row: &Row) -> Result<Dropped, Error> {
    Ok(Dropped::of_bits(row::get::<Option<i64>>(row, 14)?.unwrap_or(0)))
}

fn body(row: &Row, failure: Option<FailureKind>) -> Result<SentBody, Error> {
    let dialect: Option<&str> = row::get(row, 12)?;
    Ok(sent_body_of(row::get(row, 11)?, dropped(row)?.request, failure, dialect))
}
