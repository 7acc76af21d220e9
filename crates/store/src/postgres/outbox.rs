//! The SQL of the outbox.

use std::sync::Arc;

use model::endpoint::Endpoint;
use model::id::{MailId, ProjectId};
use model::time::Timestamp;
use tokio_postgres::Row;

use super::node_context::NodeContext;
use super::param::Uuid;
use super::row;
use super::session::Session;
use super::transaction::WriteTxn;
use crate::Error;
use crate::outbox::{self, Mail, Next, Report, What};
use crate::{shard, slice};

/// Adds a mail for each admin of the endpoint's project. False if there is no recipient.
pub(super) async fn put(txn: &mut WriteTxn, endpoint: &Endpoint, what: What) -> Result<bool, Error> {
    let is_mailing = txn.context.published.outbox.is_some();
    let project = outbox::recipients(&txn.directory, endpoint, is_mailing).cloned();
    let Some(project) = project else { return Ok(false) };
    let waiting = waiting(txn, project.id).await?;
    if !outbox::fits(&project, endpoint, waiting) {
        return Ok(false);
    }
    let report = Report::of(&project, endpoint, what).to_json()?;
    let ids: Vec<Uuid> = project.admins.iter().map(|_| MailId::new(&*txn.context.env).into()).collect();
    txn.execute(
        "INSERT INTO mails (id, project, shard, recipient, report, due_at, created_at)
             SELECT mail.id, $3, $4, mail.recipient, $5, $6, $6 FROM unnest($1, $2) AS mail (id, recipient)",
        &[
            &ids,
            &project.admins,
            &Uuid::from(project.id),
            &i16::from(shard::of(project.id)),
            &report,
            &txn.now.as_millis(),
        ],
    )
    .await?;
    txn.mailed = true;
    Ok(true)
}

async fn waiting(txn: &WriteTxn, project: ProjectId) -> Result<usize, Error> {
    let sql = "SELECT count(*) FROM mails WHERE project = $1";
    let row = txn.session().query_one(sql, &[&Uuid::from(project)]).await?;
    Ok(usize::try_from(row::get::<i64>(&row, 0)?).unwrap_or(0))
}

/// The next mail that is this node's to send: a seek for each shard, however many wait.
pub(crate) async fn next(db: &Arc<NodeContext>, now: Timestamp) -> Result<Next, Error> {
    let shards: Vec<i16> = db.lease.held().iter().map(i16::from).collect();
    let sql = "SELECT m.due_at, m.id, m.project, m.recipient, m.report, m.failures, m.created_at
               FROM unnest($1) AS held (shard), LATERAL (
                   SELECT * FROM mails WHERE mails.shard = held.shard ORDER BY due_at, seq LIMIT 1) AS m
               ORDER BY m.due_at, m.seq LIMIT 1";
    let Some(first) = db.session().await?.query_opt(sql, &[&shards]).await? else { return Ok(Next::Nothing) };
    let due_at = row::time(&first, 0)?;
    if due_at > now {
        return Ok(Next::At(due_at));
    }
    mail(&first, 1).map(|mail| Next::Due(Box::new(mail)))
}

fn mail(row: &Row, at: usize) -> Result<Mail, Error> {
    Ok(Mail {
        id: row::id(row, at)?,
        project: row::id(row, at + 1)?,
        recipient: row::get(row, at + 2)?,
        report: row::json(row, at + 3)?,
        failures: row::count(row, at + 4)?,
        created_at: row::time(row, at + 5)?,
    })
}

pub(crate) async fn remove(db: &Arc<NodeContext>, id: MailId) -> Result<(), Error> {
    db.session().await?.execute("DELETE FROM mails WHERE id = $1", &[&Uuid::from(id)]).await?;
    Ok(())
}

pub(crate) async fn put_off(db: &Arc<NodeContext>, id: MailId, due_at: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE mails SET failures = failures + 1, due_at = $2 WHERE id = $1";
    db.session().await?.execute(sql, &[&Uuid::from(id), &due_at.as_millis()]).await?;
    Ok(())
}

/// Deletes a slice of the mails of a project that is being deleted. True if more may be left.
pub(crate) async fn delete_slice(db: &Arc<NodeContext>, project: ProjectId) -> Result<bool, Error> {
    delete_slice_in(&db.session().await?, project).await
}

pub(super) async fn delete_slice_in(session: &Session, project: ProjectId) -> Result<bool, Error> {
    let sql = "DELETE FROM mails WHERE seq IN (SELECT seq FROM mails WHERE project = $1 LIMIT $2)";
    let deleted = session.execute(sql, &[&Uuid::from(project), &row::limit(slice::ROWS)]).await?;
    Ok(usize::try_from(deleted).is_ok_and(|deleted| deleted == slice::ROWS))
}
