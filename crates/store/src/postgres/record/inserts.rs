//! Inserts of attempts, once it is known which of them count: the second of the two round trips to the database.

use std::collections::HashMap;

use model::attempt::Attempt;
use model::delivery::Status;
use model::id::EndpointId;
use model::time::Timestamp;

use crate::Error;
use crate::directory::Directory;
use crate::health::FailureStreak;
use crate::occurrences::Noted;
use crate::postgres::columns::{Columns, column};
use crate::postgres::health::{HEALTH, health_columns};
use crate::postgres::occurrences::{self, Fresh};
use crate::postgres::param::Uuid;
use crate::postgres::row;
use crate::postgres::rows::Statements;
use crate::postgres::session::Session;
use crate::record::Record;
use crate::rules::attempt::{kept_body, may_repeat_a_body, named_dialect, notes};
use crate::rules::delivery;

const ATTEMPTS: &str =
    "INSERT INTO attempts (delivery, number, started_at, duration_ms, status_code, error_kind, error,
                       request_headers, response_headers, response_body, truncated, next_attempt_at, request_body,
                       dialect, notes)
     SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
/// The insert for attempts whose body may equal that of an earlier one, which is then not written again.
const LATER_ATTEMPTS: &str =
    "INSERT INTO attempts (delivery, number, started_at, duration_ms, status_code, error_kind, error,
                       request_headers, response_headers, response_body, truncated, next_attempt_at, request_body,
                       dialect, notes, same_as)
     SELECT a.delivery, a.number, a.started_at, a.duration_ms, a.status_code, a.error_kind, a.error, a.request_headers,
            a.response_headers, a.response_body, a.truncated, a.next_attempt_at,
            CASE WHEN same.number IS NULL THEN a.request_body END, a.dialect, a.notes, same.number
     FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) AS a (
              delivery, number, started_at, duration_ms, status_code, error_kind, error, request_headers,
              response_headers, response_body, truncated, next_attempt_at, request_body, dialect, notes)
     LEFT JOIN LATERAL (
         SELECT k.number FROM (
             SELECT l.delivery, coalesce(l.same_as, l.number) AS number FROM attempts AS l
             WHERE l.delivery = a.delivery AND l.number < a.number
               AND (l.request_body IS NOT NULL OR l.same_as IS NOT NULL)
             ORDER BY l.number DESC LIMIT 1) AS last
         JOIN attempts AS k ON k.delivery = last.delivery AND k.number = last.number
         WHERE k.request_body = a.request_body) AS same ON true";
const SETTLED: &str = "DELETE FROM pending WHERE delivery = ANY($1)";
const AGAIN: &str = "UPDATE pending AS p SET place = a.place, status_code = a.status_code
     FROM unnest($1, $2, $3) AS a (delivery, place, status_code) WHERE p.delivery = a.delivery";

/// The statements for the attempts that count.
pub(super) async fn inserts(
    session: &Session,
    directory: &Directory,
    tried: &[(&Record, Status)],
    runs: &HashMap<EndpointId, FailureStreak>,
    noted: &mut Noted,
) -> Result<Statements, Error> {
    let mut ready = Statements::default();
    let (later, first): (Vec<_>, Vec<_>) =
        tried.iter().copied().partition(|(record, _)| may_repeat_a_body(&record.attempt));
    for (sql, tried) in [(ATTEMPTS, first), (LATER_ATTEMPTS, later)] {
        if !tried.is_empty() {
            ready.add(session, sql, attempt_columns(&tried)?).await?;
        }
    }
    let (again, settled): (Vec<_>, Vec<_>) = tried.iter().partition(|(_, status)| *status == Status::Pending);
    if !settled.is_empty() {
        ready.add(session, SETTLED, vec![column(&settled, |(record, _)| Uuid::from(record.due.id))]).await?;
    }
    if !again.is_empty() {
        let columns = vec![
            column(&again, |(record, _)| Uuid::from(record.due.id)),
            column(&again, |(record, _)| delivery::after(record, directory).order_key.as_millis()),
            column(&again, |(record, _)| record.attempt.outcome.status().map(i32::from)),
        ];
        ready.add(session, AGAIN, columns).await?;
    }
    if !runs.is_empty() {
        let mut runs: Vec<(EndpointId, FailureStreak)> = runs.iter().map(|(id, run)| (*id, *run)).collect();
        runs.sort_unstable_by_key(|(id, _)| *id);
        ready.add(session, HEALTH, health_columns(&runs)).await?;
    }
    let mut fresh = Fresh::beside(noted);
    tried.iter().for_each(|(record, status)| fresh.outcome(record, *status));
    if let Some(columns) = fresh.columns() {
        ready.add(session, occurrences::INSERT, columns).await?;
    }
    Ok(ready)
}

fn attempt_columns(tried: &[(&Record, Status)]) -> Result<Columns, Error> {
    let notes = tried.iter().map(|(record, _)| notes(&record.attempt)).collect::<Result<Vec<_>, Error>>()?;
    let attempts: Vec<&Attempt> = tried.iter().map(|(record, _)| &record.attempt).collect();
    let failures: Vec<_> = attempts.iter().map(|attempt| attempt.outcome.failure()).collect();
    Ok(vec![
        column(tried, |(record, _)| Uuid::from(record.due.id)),
        column(&attempts, |attempt| row::number(attempt.number)),
        column(&attempts, |attempt| attempt.started_at.as_millis()),
        column(&attempts, |attempt| i64::try_from(attempt.duration.as_millis()).unwrap_or(i64::MAX)),
        column(&attempts, |attempt| attempt.outcome.answer().map(|answer| i32::from(answer.status))),
        column(&failures, |failure| failure.as_ref().map(|failure| failure.kind.name().to_owned())),
        column(&failures, |failure| failure.as_ref().map(|failure| failure.message.clone())),
        column(&attempts, |attempt| attempt.request_headers.packed().to_vec()),
        column(&attempts, |attempt| attempt.outcome.answer().map(|answer| answer.headers.packed().to_vec())),
        column(&attempts, |attempt| {
            let body = attempt.outcome.answer().map(|answer| answer.body.to_vec());
            body.filter(|body| !body.is_empty())
        }),
        column(&attempts, |attempt| attempt.outcome.answer().is_some_and(|answer| answer.truncated)),
        column(&attempts, |attempt| attempt.next_attempt_at.map(Timestamp::as_millis)),
        column(&attempts, |attempt| kept_body(attempt).map(<[u8]>::to_vec)),
        column(&attempts, |attempt| named_dialect(attempt).map(str::to_owned)),
        Box::new(notes),
    ])
}
