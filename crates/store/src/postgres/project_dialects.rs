//! The SQL of projects' dialect files and event types.

use std::collections::HashMap;
use std::sync::Arc;

use model::actor::Actor;
use model::catalogue::EventType;
use model::id::ProjectId;
use model::json::Json;
use model::speech::{File, Speech};
use model::subscription;
use tokio_postgres::Row;

use super::node_context::NodeContext;
use super::param::Uuid;
use super::row;
use super::session::Session;
use super::transaction::{Subject, WriteTxn};
use crate::Error;
use crate::directory::Directory;
use crate::project_dialects::InUse;

pub(crate) async fn put_dialect(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: ProjectId,
    name: &str,
    text: &Arc<str>,
) -> Result<bool, Error> {
    let mut txn = db.change(by).await?;
    if txn.directory.project(project).is_none() {
        txn.undo().await?;
        return Ok(false);
    }
    let sql = "INSERT INTO dialects (project, name, file, updated_at) VALUES ($1, $2, $3, $4)
               ON CONFLICT (project, name) DO UPDATE SET file = excluded.file, updated_at = excluded.updated_at";
    txn.execute(sql, &[&Uuid::from(project), &name, &&**text, &txn.now.as_millis()]).await?;
    txn.touch(Subject::Project(project));
    txn.commit().await?;
    Ok(true)
}

pub(crate) async fn remove_dialect(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: ProjectId,
    name: &str,
) -> Result<Option<Result<(), InUse>>, Error> {
    let mut txn = db.change(by).await?;
    if !txn.directory.project_dialects(project).files.contains_key(name) {
        txn.undo().await?;
        return Ok(None);
    }
    if txn.directory.project(project).is_some_and(|project| project.dialect == name) {
        txn.undo().await?;
        return Ok(Some(Err(InUse)));
    }
    let sql = "DELETE FROM dialects WHERE project = $1 AND name = $2";
    txn.execute(sql, &[&Uuid::from(project), &name]).await?;
    txn.touch(Subject::Project(project));
    txn.commit().await?;
    Ok(Some(Ok(())))
}

pub(crate) async fn put_event_type(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: ProjectId,
    event_type: &Arc<EventType>,
) -> Result<bool, Error> {
    let mut txn = db.change(by).await?;
    if txn.directory.project(project).is_none() {
        txn.undo().await?;
        return Ok(false);
    }
    let sql = "INSERT INTO event_types (project, name, type_group, description, schema, example)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (project, name) DO UPDATE SET type_group = excluded.type_group,
                   description = excluded.description, schema = excluded.schema, example = excluded.example";
    let json = |json: &Option<Json>| json.as_ref().map(|json| json.as_str().to_owned());
    let (schema, example) = (json(&event_type.schema), json(&event_type.example));
    let name = event_type.name.as_str();
    txn.execute(sql, &[&Uuid::from(project), &name, &event_type.group, &event_type.description, &schema, &example])
        .await?;
    txn.touch(Subject::Project(project));
    txn.commit().await?;
    Ok(true)
}

pub(crate) async fn remove_event_type(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: ProjectId,
    name: &subscription::EventType,
) -> Result<bool, Error> {
    let mut txn = db.change(by).await?;
    if !txn.directory.project_dialects(project).event_types.contains_key(name) {
        txn.undo().await?;
        return Ok(false);
    }
    let sql = "DELETE FROM event_types WHERE project = $1 AND name = $2";
    txn.execute(sql, &[&Uuid::from(project), &name.as_str()]).await?;
    txn.touch(Subject::Project(project));
    txn.commit().await?;
    Ok(true)
}

/// Deletes the files and types of a project that is being deleted.
pub(super) async fn delete(txn: &WriteTxn, project: ProjectId) -> Result<(), Error> {
    txn.execute("DELETE FROM dialects WHERE project = $1", &[&Uuid::from(project)]).await?;
    txn.execute("DELETE FROM event_types WHERE project = $1", &[&Uuid::from(project)]).await?;
    Ok(())
}

/// Replaces every project's files and types in the directory, or those of `only`.
pub(super) async fn read(session: &Session, only: Option<&[Uuid]>, directory: &mut Directory) -> Result<(), Error> {
    let mut read: HashMap<ProjectId, Speech> = match only {
        Some(only) => only.iter().map(|id| ((*id).into(), Speech::default())).collect(),
        None => HashMap::new(),
    };
    let select = "SELECT project, name, file, updated_at FROM dialects";
    for row in session.query_of(select, "project", only).await? {
        let file = File { text: row::get::<&str>(&row, 2)?.into(), updated_at: row::time(&row, 3)? };
        read.entry(row::id(&row, 0)?).or_default().files.insert(row::get(&row, 1)?, file);
    }
    let select = "SELECT project, name, type_group, description, schema, example FROM event_types";
    for row in session.query_of(select, "project", only).await? {
        let event_type = event_type(&row)?;
        let speech = read.entry(row::id(&row, 0)?).or_default();
        speech.event_types.insert(event_type.name.clone(), Arc::new(event_type));
    }
    for (project, speech) in read {
        // Unchanged ones stay the same value: dialects compiled from it need not be compiled again.
        if *directory.project_dialects(project) != speech {
            directory.put_speech(project, speech);
        }
    }
    Ok(())
}

fn event_type(row: &Row) -> Result<EventType, Error> {
    let json = |at| Ok::<_, Error>(row::get::<Option<&str>>(row, at)?.map(Json::trusted));
    Ok(EventType {
        name: row::text(row, 1)?,
        group: row::get(row, 2)?,
        description: row::get(row, 3)?,
        schema: json(4)?,
        example: json(5)?,
    })
}
