//! Conversions between rows and nouns: numbers for closed sets, and columns that only Posthaste writes.

use std::str::FromStr;

use model::attempt::FailureKind;
use model::delivery::Cancelled;
use model::event::Event;
use model::json::Json;
use model::time::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::param::Uuid;
use crate::Error;

/// The columns that [`event`] reads, of `events AS e`.
pub(super) const EVENT: &str = "e.id, e.project, e.type, e.tenant, e.data, e.brand, e.workflow, e.summary, \
     e.occurred_at, e.created_at, e.deliver_at, e.expires_at, e.test";
/// Number of these columns.
pub(super) const EVENT_WIDTH: usize = 13;

/// An event from [`EVENT`]'s columns, which begin at `at`.
pub(super) fn event(row: &Row, at: usize) -> Result<Event, Error> {
    let json = |at| Ok::<_, Error>(get::<Option<&str>>(row, at)?.map(Json::trusted));
    Ok(Event {
        id: text(row, at)?,
        project: id(row, at + 1)?,
        event_type: text(row, at + 2)?,
        tenant: get(row, at + 3)?,
        data: Json::trusted(get::<&str>(row, at + 4)?),
        brand: json(at + 5)?,
        workflow: json(at + 6)?,
        summary: get(row, at + 7)?,
        occurred_at: time(row, at + 8)?,
        created_at: time(row, at + 9)?,
        deliver_at: maybe_time(row, at + 10)?,
        expires_at: maybe_time(row, at + 11)?,
        test: get(row, at + 12)?,
    })
}

pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, Error> {
    Ok(row.try_get(at)?)
}

pub(super) fn id<T: From<Uuid>>(row: &Row, at: usize) -> Result<T, Error> {
    get::<Uuid>(row, at).map(T::from)
}

pub(super) fn time(row: &Row, at: usize) -> Result<Timestamp, Error> {
    get(row, at).map(Timestamp::from_millis)
}

pub(super) fn maybe_time(row: &Row, at: usize) -> Result<Option<Timestamp>, Error> {
    Ok(get::<Option<i64>>(row, at)?.map(Timestamp::from_millis))
}

/// A count that is never negative.
pub(super) fn count(row: &Row, at: usize) -> Result<u32, Error> {
    let count: i32 = get(row, at)?;
    u32::try_from(count).map_err(|error| Error::Corrupt(error.to_string()))
}

/// The status code of a response, if there was one.
pub(super) fn status_code(row: &Row, at: usize) -> Result<Option<u16>, Error> {
    let code: Option<i32> = get(row, at)?;
    code.map(u16::try_from).transpose().map_err(|error| Error::Corrupt(error.to_string()))
}

/// The kind of an attempt's failure, if it failed.
pub(super) fn failure_kind(row: &Row, at: usize) -> Result<Option<FailureKind>, Error> {
    Ok(get::<Option<&str>>(row, at)?.and_then(FailureKind::named))
}

/// A `LIMIT` for SQL.
pub(super) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// A count for SQL, capped at the type's maximum.
pub(super) fn number(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A noun that is stored as its text.
pub(super) fn text<T>(row: &Row, at: usize) -> Result<T, Error>
where
    T: FromStr,
    T::Err: std::fmt::Display,
{
    get::<&str>(row, at)?.parse().map_err(|error: T::Err| Error::Corrupt(error.to_string()))
}

/// A value stored as JSON.
pub(super) fn json<T: serde::de::DeserializeOwned>(row: &Row, at: usize) -> Result<T, Error> {
    serde_json::from_str(get(row, at)?).map_err(|error| Error::Corrupt(error.to_string()))
}

pub(super) fn maybe_json<T: serde::de::DeserializeOwned>(row: &Row, at: usize) -> Result<Option<T>, Error> {
    get::<Option<&str>>(row, at)?.map(|_| json(row, at)).transpose()
}

/// A member of a closed set, stored as its position in `all`.
pub(super) fn member<T: Copy>(number: i16, all: &[T]) -> Result<T, Error> {
    let found = usize::try_from(number).ok().and_then(|number| all.get(number));
    found.copied().ok_or_else(|| Error::Corrupt(format!("the number {number} of a closed set")))
}

pub(super) fn position<T: PartialEq>(member: &T, all: &[T]) -> i16 {
    let position = all.iter().position(|other| other == member).expect("the list holds the whole set");
    i16::try_from(position).expect("a closed set is short")
}

pub(super) const REASONS: [Cancelled; 2] = [Cancelled::Expired, Cancelled::EndpointDeleted];

pub(super) fn to_json<T: serde::Serialize + ?Sized>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Corrupt(error.to_string()))
}
