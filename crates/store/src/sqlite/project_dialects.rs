//! The SQL of projects' dialect files and event types.

use std::sync::Arc;

use model::catalogue::EventType;
use model::id::ProjectId;
use model::json::Json;
use model::speech::{File, Speech};
use model::subscription;
use rusqlite::{Connection, Row, params};

use super::commit::txn::WriteTxn;
use super::row;
use crate::Error;
use crate::directory::Directory;
use crate::project_dialects::InUse;

pub(crate) fn put_dialect(
    txn: &mut WriteTxn<'_>,
    project: ProjectId,
    name: &str,
    text: &Arc<str>,
) -> Result<bool, Error> {
    if txn.directory.project(project).is_none() {
        return Ok(false);
    }
    txn.db()?
        .prepare_cached("INSERT OR REPLACE INTO dialects (project, name, file, updated_at) VALUES (?, ?, ?, ?)")?
        .execute(params![project.as_bytes(), name, text, txn.now.as_millis()])?;
    let file = File { text: text.clone(), updated_at: txn.now };
    change(txn, project, |speech| drop(speech.files.insert(name.to_owned(), file)));
    Ok(true)
}

pub(crate) fn remove_dialect(
    txn: &mut WriteTxn<'_>,
    project: ProjectId,
    name: &str,
) -> Result<Option<Result<(), InUse>>, Error> {
    if !txn.directory.project_dialects(project).files.contains_key(name) {
        return Ok(None);
    }
    if txn.directory.project(project).is_some_and(|project| project.dialect == name) {
        return Ok(Some(Err(InUse)));
    }
    txn.db()?
        .prepare_cached("DELETE FROM dialects WHERE project = ? AND name = ?")?
        .execute(params![project.as_bytes(), name])?;
    change(txn, project, |speech| drop(speech.files.remove(name)));
    Ok(Some(Ok(())))
}

pub(crate) fn put_event_type(
    txn: &mut WriteTxn<'_>,
    project: ProjectId,
    event_type: &Arc<EventType>,
) -> Result<bool, Error> {
    if txn.directory.project(project).is_none() {
        return Ok(false);
    }
    txn.db()?
        .prepare_cached(
            "INSERT OR REPLACE INTO event_types (project, name, type_group, description, schema, example)
             VALUES (?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            project.as_bytes(),
            event_type.name.as_str(),
            event_type.group,
            event_type.description,
            event_type.schema.as_ref().map(Json::as_str),
            event_type.example.as_ref().map(Json::as_str),
        ])?;
    change(txn, project, |speech| drop(speech.event_types.insert(event_type.name.clone(), event_type.clone())));
    Ok(true)
}

pub(crate) fn remove_event_type(
    txn: &mut WriteTxn<'_>,
    project: ProjectId,
    name: &subscription::EventType,
) -> Result<bool, Error> {
    if !txn.directory.project_dialects(project).event_types.contains_key(name) {
        return Ok(false);
    }
    txn.db()?
        .prepare_cached("DELETE FROM event_types WHERE project = ? AND name = ?")?
        .execute(params![project.as_bytes(), name.as_str()])?;
    change(txn, project, |speech| drop(speech.event_types.remove(name)));
    Ok(true)
}

/// Changes a project's dialects in the directory, and announces to the engine that its endpoints' requests change.
fn change(txn: &mut WriteTxn<'_>, project: ProjectId, change: impl FnOnce(&mut Speech)) {
    if let Some(speech) = txn.directory_mut().speech_mut(project) {
        change(speech);
    }
    txn.announce_changes(project);
}

/// Deletes the files and types of a project that is being deleted.
pub(super) fn delete(db: &Connection, project: ProjectId) -> Result<(), Error> {
    db.prepare_cached("DELETE FROM dialects WHERE project = ?")?.execute([project.as_bytes()])?;
    db.prepare_cached("DELETE FROM event_types WHERE project = ?")?.execute([project.as_bytes()])?;
    Ok(())
}

/// Reads the dialect files and event types of all projects into the directory.
pub(super) fn read(db: &Connection, directory: &mut Directory) -> Result<(), Error> {
    let mut statement = db.prepare("SELECT project, name, file, updated_at FROM dialects")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let file = File { text: row.get::<_, String>(2)?.into(), updated_at: row::time(row, 3)? };
        if let Some(speech) = directory.speech_mut(row::id(row, 0)?) {
            speech.files.insert(row.get(1)?, file);
        }
    }
    let mut statement =
        db.prepare("SELECT project, name, type_group, description, schema, example FROM event_types")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let event_type = event_type(row)?;
        if let Some(speech) = directory.speech_mut(row::id(row, 0)?) {
            speech.event_types.insert(event_type.name.clone(), Arc::new(event_type));
        }
    }
    Ok(())
}

fn event_type(row: &Row<'_>) -> rusqlite::Result<EventType> {
    let json = |at| Ok::<_, rusqlite::Error>(row.get::<_, Option<String>>(at)?.map(Json::trusted));
    Ok(EventType {
        name: row::text(row, 1)?,
        group: row.get(2)?,
        description: row.get(3)?,
        schema: json(4)?,
        example: json(5)?,
    })
}
