//! The SQL of endpoints: their rows, and what follows from changing them.

use std::sync::Arc;

use model::delivery::Cancelled;
use model::endpoint::{Endpoint, Ordering, Status};
use model::health::Health;
use model::id::{DeliveryId, EndpointId, ProjectId};
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::commit::txn::WriteTxn;
use super::row;
use crate::Error;
use crate::endpoints::{Condition, LastDelivery};
use crate::seal::Seal;
use crate::settings::{self, Written};
use crate::slice;

/// Deliveries at the head of the order that get new keys when strict order ends: more than are under way at an
/// endpoint.
const IN_LINE: usize = 1000;

pub(crate) fn create(txn: &mut WriteTxn<'_>, endpoint: &Endpoint) -> Result<Arc<Endpoint>, Error> {
    txn.db()?
        .prepare_cached(
            "INSERT INTO endpoints (id, project, url, settings, sealed, status, created_at, updated_at)
             VALUES (?, ?, '', '', x'', 0, ?, ?)",
        )?
        .execute(params![
            endpoint.id.as_bytes(),
            endpoint.project.as_bytes(),
            endpoint.created_at.as_millis(),
            endpoint.updated_at.as_millis(),
        ])?;
    put(txn, endpoint.clone())
}

pub(crate) fn change<E>(
    txn: &mut WriteTxn<'_>,
    project: ProjectId,
    id: EndpointId,
    change: &mut dyn FnMut(&Endpoint) -> Result<Endpoint, E>,
) -> Result<Option<Result<Arc<Endpoint>, E>>, Error> {
    let Some(before) = txn.directory.endpoint(id).filter(|endpoint| endpoint.project == project).cloned() else {
        return Ok(None);
    };
    let after = match change(&before) {
        Ok(after) => Endpoint { updated_at: txn.now, ..after },
        Err(refusal) => return Ok(Some(Err(refusal))),
    };
    if before.status == Status::Disabled && after.status != Status::Disabled {
        super::health::forgive(txn, id)?;
    }
    if before.settings.ordering == Ordering::Fifo && after.settings.ordering == Ordering::None {
        leave_strict_order(txn, id)?;
    }
    put(txn, after).map(|endpoint| Some(Ok(endpoint)))
}

/// Writes an endpoint over its row, puts it into the directory and announces it to the engine.
pub(super) fn put(txn: &mut WriteTxn<'_>, endpoint: Endpoint) -> Result<Arc<Endpoint>, Error> {
    let Written { url, kept, sealed } = settings::write(&endpoint, txn.seal, txn.env)?;
    txn.db()?
        .prepare_cached(
            "UPDATE endpoints SET url = ?, settings = ?, sealed = ?, status = ?, disabled_reason = ?, updated_at = ?
             WHERE id = ?",
        )?
        .execute(params![
            url,
            kept,
            sealed,
            row::endpoint_status_number(endpoint.status),
            endpoint.disabled_reason,
            endpoint.updated_at.as_millis(),
            endpoint.id.as_bytes(),
        ])?;
    txn.announce_change(endpoint.id);
    Ok(txn.directory_mut().put_endpoint(endpoint))
}

/// Endpoints that an earlier version wrote with their URL's query in plain text.
pub(crate) fn with_open_query(db: &Connection) -> Result<Vec<EndpointId>, Error> {
    let mut statement = db.prepare("SELECT id FROM endpoints WHERE deleted = 0 AND instr(url, '?') > 0")?;
    let rows = statement.query_map([], |row| row::id(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Writes an endpoint's row anew, in the form of this version.
pub(crate) fn rewrite(txn: &mut WriteTxn<'_>, id: EndpointId) -> Result<(), Error> {
    match txn.directory.endpoint(id).cloned() {
        Some(endpoint) => put(txn, Endpoint::clone(&endpoint)).map(|_| ()),
        None => Ok(()),
    }
}

/// Gives deliveries order keys by their due times. In strict order only the first in line, and what was under way
/// beside it when the order became strict, can be due later than their keys.
fn leave_strict_order(txn: &mut WriteTxn<'_>, id: EndpointId) -> Result<(), Error> {
    txn.db()?
        .prepare_cached(
            "UPDATE deliveries SET place = next_attempt_at WHERE place <> next_attempt_at AND id IN (
                 SELECT id FROM deliveries INDEXED BY deliveries_pending
                 WHERE status = 0 AND endpoint = ? ORDER BY place, id LIMIT ?)",
        )?
        .execute(params![id.as_bytes(), row::limit(IN_LINE)])?;
    Ok(())
}

pub(crate) fn delete(txn: &mut WriteTxn<'_>, project: ProjectId, id: EndpointId) -> Result<bool, Error> {
    if txn.directory.endpoint(id).is_none_or(|endpoint| endpoint.project != project) {
        return Ok(false);
    }
    txn.db()?
        .prepare_cached("UPDATE endpoints SET deleted = 1, url = '', sealed = x'', updated_at = ? WHERE id = ?")?
        .execute(params![txn.now.as_millis(), id.as_bytes()])?;
    txn.failure_streaks.remove(&id);
    txn.directory_mut().remove_endpoint(id);
    txn.announce_change(id);
    Ok(true)
}

/// Cancels a slice of what is pending for a deleted endpoint. False when nothing is left.
pub(crate) fn cancel_slice(txn: &mut WriteTxn<'_>, id: EndpointId) -> Result<bool, Error> {
    let cancelled = txn
        .db()?
        .prepare_cached(
            "UPDATE deliveries SET status = 3, reason = ?2 WHERE id IN (
                 SELECT id FROM deliveries INDEXED BY deliveries_pending
                 WHERE status = 0 AND endpoint = ?1 ORDER BY place, id LIMIT ?3)",
        )?
        .execute(params![id.as_bytes(), row::reason_number(Cancelled::EndpointDeleted), row::limit(slice::ROWS)])?;
    if cancelled > 0 {
        return Ok(true);
    }
    txn.db()?.prepare_cached("UPDATE endpoints SET deleted = 2 WHERE id = ?")?.execute([id.as_bytes()])?;
    Ok(false)
}

pub(crate) fn half_deleted(db: &Connection) -> Result<Vec<EndpointId>, Error> {
    let mut statement = db.prepare("SELECT id FROM endpoints WHERE deleted = 1")?;
    let rows = statement.query_map([], |row| row::id(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(crate) fn condition(db: &Connection, id: EndpointId) -> Result<Condition, Error> {
    let health = db
        .prepare_cached("SELECT failure_count, failing_since FROM endpoints WHERE id = ?")?
        .query_row([id.as_bytes()], |row| {
            let failing_since = row.get::<_, Option<i64>>(1)?.map(Timestamp::from_millis);
            Ok(Health { failure_count: row.get(0)?, failing_since })
        })
        .optional()?
        .unwrap_or_default();
    let newest = super::search::newest_of(db, id, 1)?.pop();
    let last_delivery = db
        .prepare_cached("SELECT id, status, status_code FROM deliveries WHERE id = ?")?
        .query_row([newest.as_ref().map(DeliveryId::as_bytes)], |row| {
            let id = DeliveryId::from_bytes(row.get(0)?);
            let (status, status_code) = (row::status(row, 1)?, row.get(2)?);
            Ok(LastDelivery { id, status, status_code, created_at: id.created_at() })
        })
        .optional()?;
    Ok(Condition { health, last_delivery })
}

/// Endpoints whose last attempt failed.
pub(crate) fn failing(db: &Connection) -> Result<Vec<EndpointId>, Error> {
    let mut statement = db.prepare("SELECT id FROM endpoints WHERE deleted = 0 AND failure_count > 0")?;
    let rows = statement.query_map([], |row| row::id(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn all(db: &Connection, seal: &Seal) -> Result<Vec<Endpoint>, Error> {
    let mut statement = db.prepare(
        "SELECT id, project, url, settings, sealed, status, disabled_reason, created_at, updated_at
         FROM endpoints WHERE deleted = 0 ORDER BY id",
    )?;
    let mut rows = statement.query([])?;
    let mut endpoints = Vec::new();
    while let Some(row) = rows.next()? {
        endpoints.push(read(row, seal)?);
    }
    Ok(endpoints)
}

fn read(row: &Row<'_>, seal: &Seal) -> Result<Endpoint, Error> {
    let id: EndpointId = row::id(row, 0)?;
    let written = Written { url: row.get(2)?, kept: row.get(3)?, sealed: row.get(4)? };
    Ok(Endpoint {
        id,
        project: row::id(row, 1)?,
        settings: settings::read(id, &written, seal)?,
        status: row::endpoint_status(row, 5)?,
        disabled_reason: row.get(6)?,
        created_at: row::time(row, 7)?,
        updated_at: row::time(row, 8)?,
    })
}
