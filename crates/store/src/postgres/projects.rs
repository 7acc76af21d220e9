//! The SQL of projects.

use std::sync::Arc;

use model::actor::Actor;
use model::id::{EndpointId, ProjectId};
use model::key::Key;
use model::project::{Project, Tenants};
use model::speech::Speech;
use tokio_postgres::Row;

use super::node_context::NodeContext;
use super::param::Uuid;
use super::session::Session;
use super::transaction::Subject;
use super::{endpoints, keys, outbox, project_dialects, row};
use crate::Error;
use crate::projects::SlugTaken;

pub(crate) async fn create(
    by: &Actor,
    db: &Arc<NodeContext>,
    project: Project,
    key: Key,
) -> Result<Result<Arc<Project>, SlugTaken>, Error> {
    let mut txn = db.change(by).await?;
    if txn.directory.project_called(&project.slug).is_some() {
        txn.undo().await?;
        return Ok(Err(SlugTaken));
    }
    let sql = "INSERT INTO projects (id, slug, name, dialect, admins, retention, created_at, tenants)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let (id, created_at) = (Uuid::from(project.id), project.created_at.as_millis());
    let [slug, name, dialect, admins, retention] = texts(&project)?;
    txn.execute(sql, &[&id, &slug, &name, &dialect, &admins, &retention, &created_at, &tenants(&project)]).await?;
    txn.touch(Subject::Project(project.id));
    keys::insert(&mut txn, &key).await?;
    let directory = txn.commit().await?;
    Ok(Ok(directory.project(project.id).cloned().unwrap_or_else(|| Arc::new(project))))
}

pub(crate) async fn change<E: From<SlugTaken>>(
    by: &Actor,
    db: &Arc<NodeContext>,
    id: ProjectId,
    change: &mut (dyn FnMut(&Project, &Speech) -> Result<Project, E> + Send),
) -> Result<Option<Result<Arc<Project>, E>>, Error> {
    let mut txn = db.change(by).await?;
    let directory = txn.directory.clone();
    let Some(before) = directory.project(id) else {
        txn.undo().await?;
        return Ok(None);
    };
    let taken = |slug| directory.project_called(slug).is_some_and(|other| other.id != id);
    let project = match change(before, &directory.project_dialects(id)) {
        Ok(project) if !taken(&project.slug) => Project { id, ..project },
        refused => {
            txn.undo().await?;
            return Ok(Some(Err(refused.err().unwrap_or_else(|| SlugTaken.into()))));
        }
    };
    let sql = "UPDATE projects SET slug = $2, name = $3, dialect = $4, admins = $5, retention = $6, tenants = $7 WHERE id = $1";
    let [slug, name, dialect, admins, retention] = texts(&project)?;
    let tenants = tenants(&project);
    txn.execute(sql, &[&Uuid::from(id), &slug, &name, &dialect, &admins, &retention, &tenants]).await?;
    txn.touch(Subject::Project(id));
    let directory = txn.commit().await?;
    Ok(Some(Ok(directory.project(id).cloned().unwrap_or_else(|| Arc::new(project)))))
}

/// Returns the endpoints that were deleted with it; `None` if there is no such project.
pub(crate) async fn delete(by: &Actor, db: &Arc<NodeContext>, id: ProjectId) -> Result<Option<Vec<EndpointId>>, Error> {
    let mut txn = db.change(by).await?;
    if txn.directory.project(id).is_none() {
        txn.undo().await?;
        return Ok(None);
    }
    // Endpoints that were created since the caller deleted those it saw.
    let late: Vec<EndpointId> = txn.directory.endpoints_of(id).iter().map(|endpoint| endpoint.id).collect();
    for endpoint in &late {
        endpoints::mark_deleted(&mut txn, *endpoint).await?;
    }
    txn.execute("DELETE FROM api_keys WHERE project = $1", &[&Uuid::from(id)]).await?;
    project_dialects::delete(&txn, id).await?;
    // Mails that were added since the caller deleted the others: one slice. Any further ones are deleted after this.
    outbox::delete_slice_in(txn.session(), id).await?;
    txn.execute("DELETE FROM projects WHERE id = $1", &[&Uuid::from(id)]).await?;
    txn.touch(Subject::Project(id));
    txn.commit().await?;
    Ok(Some(late))
}

/// Inserts a project unless there is one with its slug. Running nodes are notified as of any other change.
pub(super) async fn insert_missing(session: &Session, project: &Project) -> Result<(), Error> {
    let sql = "WITH made AS (
                   INSERT INTO projects (id, slug, name, dialect, admins, retention, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (slug) DO NOTHING RETURNING id),
               next AS (
                   UPDATE directory SET revision = revision + 1 WHERE EXISTS (SELECT 1 FROM made) RETURNING revision)
               INSERT INTO changes (revision, kind, id) SELECT next.revision, $8, made.id FROM next, made";
    let (id, created_at) = (Uuid::from(project.id), project.created_at.as_millis());
    let [slug, name, dialect, admins, retention] = texts(project)?;
    let kind = Subject::Project(project.id).kind();
    session.execute(sql, &[&id, &slug, &name, &dialect, &admins, &retention, &created_at, &kind]).await?;
    Ok(())
}

/// The columns of a project that can change: slug, name, dialect, admins and retention.
fn texts(project: &Project) -> Result<[String; 5], Error> {
    let (slug, name, dialect) = (project.slug.as_str().to_owned(), project.name.clone(), project.dialect.clone());
    Ok([slug, name, dialect, row::to_json(&project.admins)?, row::to_json(&project.retention)?])
}

fn tenants(project: &Project) -> i16 {
    row::position(&project.tenants, &Tenants::ALL)
}

/// All projects, or those of `only`.
pub(super) async fn read(session: &Session, only: Option<&[Uuid]>) -> Result<Vec<Project>, Error> {
    let select = "SELECT id, slug, name, dialect, admins, retention, created_at, tenants FROM projects";
    session.query_of(select, "id", only).await?.iter().map(project).collect()
}

fn project(row: &Row) -> Result<Project, Error> {
    Ok(Project {
        id: row::id(row, 0)?,
        slug: row::text(row, 1)?,
        name: row::get(row, 2)?,
        dialect: row::get(row, 3)?,
        admins: row::json(row, 4)?,
        retention: row::json(row, 5)?,
        created_at: row::time(row, 6)?,
        tenants: row::member(row::get(row, 7)?, &Tenants::ALL)?,
    })
}
