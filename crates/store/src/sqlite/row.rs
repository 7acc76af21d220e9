//! Conversion between rows and nouns: numbers for closed sets, and reading what only we wrote.

use std::str::FromStr;

use model::attempt::FailureKind;
use model::delivery::{Cancelled, Status};
use model::endpoint;
use model::event::Event;
use model::headers::Headers;
use model::id::{DeliveryId, Id, Kind};
use model::job;
use model::json::Json;
use model::time::Timestamp;
use rusqlite::Row;
use rusqlite::types::{Type, ValueRef};

use crate::retention::Dropped;
use crate::search::Delivery;

/// The columns that [`event`] reads, of `events AS e`.
pub(super) const EVENT: &str = "e.id, e.project, e.type, e.tenant, e.data, e.brand, e.workflow, e.summary, \
     e.occurred_at, e.created_at, e.deliver_at, e.expires_at, e.test";
/// Number of these columns.
pub(super) const EVENT_WIDTH: usize = 13;

/// Reads an event from [`EVENT`]'s columns, which begin at `at`.
pub(super) fn event(row: &Row<'_>, at: usize) -> rusqlite::Result<Event> {
    Ok(Event {
        id: text(row, at)?,
        project: id(row, at + 1)?,
        event_type: text(row, at + 2)?,
        tenant: row.get(at + 3)?,
        data: Json::trusted(row.get_ref(at + 4)?.as_str()?),
        brand: row.get::<_, Option<String>>(at + 5)?.map(Json::trusted),
        workflow: row.get::<_, Option<String>>(at + 6)?.map(Json::trusted),
        summary: row.get(at + 7)?,
        occurred_at: time(row, at + 8)?,
        created_at: time(row, at + 9)?,
        deliver_at: row.get::<_, Option<i64>>(at + 10)?.map(Timestamp::from_millis),
        expires_at: row.get::<_, Option<i64>>(at + 11)?.map(Timestamp::from_millis),
        test: row.get(at + 12)?,
    })
}

pub(super) fn id<K: Kind>(row: &Row<'_>, at: usize) -> rusqlite::Result<Id<K>> {
    row.get(at).map(Id::from_bytes)
}

pub(super) fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    row.get(at).map(Timestamp::from_millis)
}

/// A bound on rows, as SQL takes it.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A noun that is stored as it is written.
pub(super) fn text<T>(row: &Row<'_>, at: usize) -> rusqlite::Result<T>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get_ref(at)?.as_str()?.parse().map_err(|error| unreadable(at, error))
}

/// Headers, packed, or as the JSON that earlier versions stored; or none.
pub(super) fn headers(row: &Row<'_>, at: usize) -> rusqlite::Result<Headers> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(Headers::new()),
        ValueRef::Blob(packed) => Headers::of_packed(packed)
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(at, Type::Blob, error.into())),
        _ => {
            let headers: Vec<(String, String)> = json(row, at)?;
            Ok(headers.iter().map(|(name, value)| (&**name, &**value)).collect())
        }
    }
}

/// The bodies of an attempt that were dropped.
pub(super) fn dropped(row: &Row<'_>, at: usize) -> rusqlite::Result<Dropped> {
    Ok(Dropped::of_bits(row.get::<_, Option<i64>>(at)?.unwrap_or(0)))
}

pub(super) fn failure_kind(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<FailureKind>> {
    let name: Option<String> = row.get(at)?;
    Ok(name.and_then(|name| FailureKind::named(&name)))
}

/// A value stored as JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(row: &Row<'_>, at: usize) -> rusqlite::Result<T> {
    serde_json::from_str(row.get_ref(at)?.as_str()?).map_err(|error| unreadable(at, error))
}

pub(super) fn unreadable<E: std::error::Error + Send + Sync + 'static>(at: usize, error: E) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, Box::new(error))
}

/// A member of a closed set, stored as its position in `all`.
fn member<T: Copy>(row: &Row<'_>, at: usize, all: &[T]) -> rusqlite::Result<T> {
    let number: i64 = row.get(at)?;
    let found = usize::try_from(number).ok().and_then(|number| all.get(number));
    found.copied().ok_or(rusqlite::Error::IntegralValueOutOfRange(at, number))
}

fn position<T: PartialEq>(member: &T, all: &[T]) -> i64 {
    let position = all.iter().position(|other| other == member).expect("the list holds the whole set");
    i64::try_from(position).expect("a closed set is short")
}

pub(super) fn status(row: &Row<'_>, at: usize) -> rusqlite::Result<Status> {
    member(row, at, &Status::ALL)
}

pub(super) fn status_number(status: Status) -> i64 {
    position(&status, &Status::ALL)
}

pub(super) fn endpoint_status(row: &Row<'_>, at: usize) -> rusqlite::Result<endpoint::Status> {
    member(row, at, &endpoint::Status::ALL)
}

pub(super) fn endpoint_status_number(status: endpoint::Status) -> i64 {
    position(&status, &endpoint::Status::ALL)
}

pub(super) fn job_status(row: &Row<'_>, at: usize) -> rusqlite::Result<job::Status> {
    member(row, at, &job::Status::ALL)
}

pub(super) fn job_status_number(status: job::Status) -> i64 {
    position(&status, &job::Status::ALL)
}

const REASONS: [Cancelled; 2] = [Cancelled::Expired, Cancelled::EndpointDeleted];

pub(super) fn reason(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Cancelled>> {
    match row.get_ref(at)? {
        ValueRef::Null => Ok(None),
        _ => member(row, at, &REASONS).map(Some),
    }
}

pub(super) fn reason_number(reason: Cancelled) -> i64 {
    position(&reason, &REASONS)
}

/// Reads the columns of [`crate::search::DELIVERY`].
pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let delivery = DeliveryId::from_bytes(row.get(0)?);
    let status = status(row, 5)?;
    let next_attempt_at = time(row, 10)?;
    Ok(Delivery {
        id: delivery,
        endpoint: id(row, 1)?,
        event: text(row, 2)?,
        event_type: text(row, 3)?,
        tenant: row.get(4)?,
        status,
        attempts: row.get(6)?,
        manual: row.get(7)?,
        status_code: row.get(8)?,
        error_kind: failure_kind(row, 11)?,
        reason: reason(row, 9)?,
        next_attempt_at: (status == Status::Pending).then_some(next_attempt_at),
        created_at: delivery.created_at(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_versions_before_kept_are_read() {
        let db = rusqlite::Connection::open_in_memory().unwrap();
        let kept = |sql: &str| db.query_row(sql, [], |row| headers(row, 0)).unwrap();
        let json = r#"SELECT '[["X-A","1"],["x-a","ü"]]'"#;
        assert_eq!(kept(json), Headers::from([("X-A", "1"), ("x-a", "ü")]));
        assert_eq!(kept("SELECT NULL"), Headers::new());
        assert_eq!(kept("SELECT x'01'"), Headers::from([("content-type", "application/json")]));
    }
}
