//! The SQL of projects.

use std::sync::Arc;

use model::id::{EndpointId, ProjectId};
use model::key::Key;
use model::project::{Project, Slug, Tenants};
use model::speech::Speech;
use rusqlite::{Connection, params};
use serde::Serialize;

use super::commit::txn::WriteTxn;
use super::{keys, outbox, project_dialects, retention, row};
use crate::Error;
use crate::projects::SlugTaken;

pub(crate) fn create(
    txn: &mut WriteTxn<'_>,
    project: &Project,
    key: Option<&Key>,
) -> Result<Result<Arc<Project>, SlugTaken>, Error> {
    if txn.directory.project_called(&project.slug).is_some() {
        return Ok(Err(SlugTaken));
    }
    insert(txn.db()?, project)?;
    let project = txn.directory_mut().put_project(project.clone());
    if let Some(key) = key {
        keys::create(txn, key)?;
    }
    Ok(Ok(project))
}

pub(crate) fn change<E: From<SlugTaken>>(
    txn: &mut WriteTxn<'_>,
    id: ProjectId,
    change: &mut dyn FnMut(&Project, &Speech) -> Result<Project, E>,
) -> Result<Option<Result<Arc<Project>, E>>, Error> {
    let Some(before) = txn.directory.project(id).cloned() else { return Ok(None) };
    let project = match change(&before, &txn.directory.project_dialects(id)) {
        Ok(project) => &Project { id, ..project },
        Err(refusal) => return Ok(Some(Err(refusal))),
    };
    if txn.directory.project_called(&project.slug).is_some_and(|other| other.id != project.id) {
        return Ok(Some(Err(SlugTaken.into())));
    }
    txn.db()?
        .prepare_cached(
            "UPDATE projects SET slug = ?, name = ?, dialect = ?, admins = ?, retention = ?, tenants = ? WHERE id = ?",
        )?
        .execute(params![
            project.slug.as_str(),
            project.name,
            project.dialect,
            json(&project.admins)?,
            json(&project.retention)?,
            tenants(project),
            project.id.as_bytes(),
        ])?;
    if project.retention != before.retention {
        retention::reset(txn.db()?)?;
    }
    let project = txn.directory_mut().put_project(project.clone());
    txn.announce_changes(project.id);
    Ok(Some(Ok(project)))
}

/// Returns the endpoints that were deleted with the project; `None` if there is no such project.
pub(crate) fn delete(txn: &mut WriteTxn<'_>, id: ProjectId) -> Result<Option<Vec<EndpointId>>, Error> {
    if txn.directory.project(id).is_none() {
        return Ok(None);
    }
    // Endpoints that were made since the caller deleted those it saw.
    let late: Vec<_> = txn.directory.endpoints_of(id).iter().map(|endpoint| endpoint.id).collect();
    for endpoint in &late {
        super::endpoints::delete(txn, id, *endpoint)?;
    }
    txn.db()?.prepare_cached("DELETE FROM api_keys WHERE project = ?")?.execute([id.as_bytes()])?;
    project_dialects::delete(txn.db()?, id)?;
    // Mail that came since the caller deleted the rest; anything more is deleted after this.
    outbox::delete_slice(txn.db()?, id)?;
    txn.db()?.prepare_cached("DELETE FROM projects WHERE id = ?")?.execute([id.as_bytes()])?;
    txn.directory_mut().remove_project(id);
    Ok(Some(late))
}

pub(super) fn insert(db: &Connection, project: &Project) -> Result<(), Error> {
    db.prepare_cached(
        "INSERT INTO projects (id, slug, name, dialect, admins, retention, created_at, tenants) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )?
    .execute(params![
        project.id.as_bytes(),
        project.slug.as_str(),
        project.name,
        project.dialect,
        json(&project.admins)?,
        json(&project.retention)?,
        project.created_at.as_millis(),
        tenants(project),
    ])?;
    Ok(())
}

fn tenants(project: &Project) -> u8 {
    u8::from(project.tenants == Tenants::Required)
}

fn json(value: &impl Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Corrupt(error.to_string()))
}

pub(super) fn all(db: &Connection) -> Result<Vec<Project>, Error> {
    let mut statement =
        db.prepare("SELECT id, slug, name, dialect, admins, retention, created_at, tenants FROM projects")?;
    let rows = statement.query_map([], |row| {
        Ok(Project {
            id: row::id(row, 0)?,
            slug: row::text::<Slug>(row, 1)?,
            name: row.get(2)?,
            dialect: row.get(3)?,
            admins: row::json(row, 4)?,
            retention: row::json(row, 5)?,
            created_at: row::time(row, 6)?,
            tenants: if row.get(7)? { Tenants::Required } else { Tenants::Optional },
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
