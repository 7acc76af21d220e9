//! The SQL of the outbox.

use model::endpoint::Endpoint;
use model::id::{MailId, ProjectId};
use model::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::commit::txn::WriteTxn;
use super::row;
use crate::Error;
use crate::outbox::{self, Mail, Next, Report, What};
use crate::slice;

/// Puts a mail for each admin of the endpoint's project into the outbox. False if none is put.
pub(super) fn put(txn: &mut WriteTxn<'_>, endpoint: &Endpoint, what: What) -> Result<bool, Error> {
    let project = outbox::recipients(&txn.directory, endpoint, txn.is_mailing).cloned();
    let Some(project) = project else { return Ok(false) };
    let waiting = waiting(txn, project.id)?;
    if !outbox::fits(&project, endpoint, waiting) {
        return Ok(false);
    }
    let report = Report::of(&project, endpoint, what).to_json()?;
    for admin in &project.admins {
        insert(txn, project.id, admin, &report)?;
    }
    txn.mailed = true;
    Ok(true)
}

fn waiting(txn: &mut WriteTxn<'_>, project: ProjectId) -> Result<usize, Error> {
    let waiting: i64 = txn
        .db()?
        .prepare_cached("SELECT count(*) FROM mails WHERE project = ?")?
        .query_row([project.as_bytes()], |row| row.get(0))?;
    Ok(usize::try_from(waiting).unwrap_or(0))
}

fn insert(txn: &mut WriteTxn<'_>, project: ProjectId, recipient: &str, report: &str) -> Result<(), Error> {
    txn.db()?
        .prepare_cached(
            "INSERT INTO mails (id, project, recipient, report, due_at, created_at) VALUES (?, ?, ?, ?, ?5, ?5)",
        )?
        .execute(params![
            MailId::new(txn.env).as_bytes(),
            project.as_bytes(),
            recipient,
            report,
            txn.now.as_millis()
        ])?;
    Ok(())
}

pub(crate) fn next(db: &Connection, now: Timestamp) -> Result<Next, Error> {
    let first = db
        .prepare_cached(
            "SELECT due_at, id, project, recipient, report, failures, created_at FROM mails ORDER BY due_at, seq LIMIT 1",
        )?
        .query_row([], |row| Ok((row::time(row, 0)?, mail(row, 1)?)))
        .optional()?;
    Ok(match first {
        Some((due_at, mail)) if due_at <= now => Next::Due(Box::new(mail)),
        Some((due_at, _)) => Next::At(due_at),
        None => Next::Nothing,
    })
}

fn mail(row: &Row<'_>, at: usize) -> rusqlite::Result<Mail> {
    Ok(Mail {
        id: row::id(row, at)?,
        project: row::id(row, at + 1)?,
        recipient: row.get(at + 2)?,
        report: row::json(row, at + 3)?,
        failures: row.get(at + 4)?,
        created_at: row::time(row, at + 5)?,
    })
}

pub(crate) fn remove(txn: &mut WriteTxn<'_>, id: MailId) -> Result<(), Error> {
    txn.db()?.prepare_cached("DELETE FROM mails WHERE id = ?")?.execute([id.as_bytes()])?;
    Ok(())
}

pub(crate) fn put_off(txn: &mut WriteTxn<'_>, id: MailId, due_at: Timestamp) -> Result<(), Error> {
    txn.db()?
        .prepare_cached("UPDATE mails SET failures = failures + 1, due_at = ? WHERE id = ?")?
        .execute(params![due_at.as_millis(), id.as_bytes()])?;
    Ok(())
}

/// Deletes a slice of the mail of a project that is being deleted. True if more may be left.
pub(crate) fn delete_slice(db: &Connection, project: ProjectId) -> Result<bool, Error> {
    let deleted = db
        .prepare_cached("DELETE FROM mails WHERE seq IN (SELECT seq FROM mails WHERE project = ? LIMIT ?)")?
        .execute(params![project.as_bytes(), row::limit(slice::ROWS)])?;
    Ok(deleted == slice::ROWS)
}
