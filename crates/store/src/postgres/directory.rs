//! This node's copy of the directory: only changes are read again.

use std::sync::Arc;

use super::node_context::NodeContext;
use super::param::Uuid;
use super::session::Session;
use super::{endpoints, keys, project_dialects, projects, row};
use crate::Error;
use crate::directory::Directory;
use crate::feed::CommitNotice;
use crate::shard;

/// Revision of a directory that has not been read yet.
pub(super) const UNREAD: i64 = -1;

impl NodeContext {
    /// Brings the directory up to date and returns it.
    pub(super) async fn refresh(&self, session: &Session) -> Result<Arc<Directory>, Error> {
        let row = session.query_one("SELECT revision FROM directory", &[]).await?;
        self.refresh_to(session, row::get(&row, 0)?).await
    }

    /// Brings the directory up to date if it is not of this revision.
    pub(super) async fn refresh_to(&self, session: &Session, revision: i64) -> Result<Arc<Directory>, Error> {
        let mut known = self.revision.lock().await;
        let before = self.published.directory.load_full();
        if revision <= *known {
            return Ok(before);
        }
        let changes = match *known {
            UNREAD => None,
            known => changes_since(session, known).await?,
        };
        let (after, notices) = match changes {
            Some(changes) => {
                let mut after = Directory::clone(&before);
                let notices = changes.apply(self, session, &mut after).await?;
                (after, notices)
            }
            None => {
                let after = read(self, session).await?;
                // Endpoints that are gone changed too.
                let notices =
                    before.endpoints().chain(after.endpoints()).map(|endpoint| CommitNotice::Changed(endpoint.id));
                let notices = notices.collect();
                (after, notices)
            }
        };
        let after = Arc::new(after);
        self.published.directory.store(after.clone());
        *known = revision;
        let ours =
            |notice: &CommitNotice| !matches!(notice, CommitNotice::Changed(id) if !self.lease.holds(shard::of(*id)));
        self.published.notices(notices.into_iter().filter(ours).collect());
        Ok(after)
    }
}

async fn read(context: &NodeContext, session: &Session) -> Result<Directory, Error> {
    let mut directory = Directory::default();
    for project in projects::read(session, None).await? {
        directory.put_project(project);
    }
    project_dialects::read(session, None, &mut directory).await?;
    for key in keys::read(session, None).await? {
        directory.put_key(key);
    }
    for endpoint in endpoints::read(session, &context.seal, None).await? {
        directory.put_endpoint(endpoint);
    }
    Ok(directory)
}

/// The ids of what changed since a revision, by kind.
#[derive(Default)]
struct Changes {
    projects: Vec<Uuid>,
    keys: Vec<Uuid>,
    endpoints: Vec<Uuid>,
}

/// Returns `None` if the changes since then are no longer known.
async fn changes_since(session: &Session, revision: i64) -> Result<Option<Changes>, Error> {
    let rows = session
        .query("SELECT kind, id, revision FROM changes WHERE revision > $1 ORDER BY revision", &[&revision])
        .await?;
    let oldest: Option<i64> = rows.first().map(|row| row::get(row, 2)).transpose()?;
    if oldest.is_none_or(|oldest| oldest > revision + 1) {
        return Ok(None);
    }
    let mut changes = Changes::default();
    for row in &rows {
        let id: Uuid = row::get(row, 1)?;
        let changed = match row::get::<i16>(row, 0)? {
            0 => &mut changes.projects,
            1 => &mut changes.keys,
            _ => &mut changes.endpoints,
        };
        if !changed.contains(&id) {
            changed.push(id);
        }
    }
    Ok(Some(changes))
}

impl Changes {
    async fn apply(
        &self,
        context: &NodeContext,
        session: &Session,
        directory: &mut Directory,
    ) -> Result<Vec<CommitNotice>, Error> {
        let mut notices = Vec::new();
        if !self.projects.is_empty() {
            let found = projects::read(session, Some(&self.projects)).await?;
            for gone in self.projects.iter().filter(|id| !found.iter().any(|project| Uuid::from(project.id) == **id)) {
                notices.extend(
                    directory.endpoints_of((*gone).into()).iter().map(|endpoint| CommitNotice::Changed(endpoint.id)),
                );
                directory.remove_project((*gone).into());
            }
            for project in found {
                let id = project.id;
                directory.put_project(project);
                notices.extend(directory.endpoints_of(id).iter().map(|endpoint| CommitNotice::Changed(endpoint.id)));
            }
            project_dialects::read(session, Some(&self.projects), directory).await?;
        }
        if !self.keys.is_empty() {
            self.keys.iter().for_each(|id| directory.remove_key((*id).into()));
            keys::read(session, Some(&self.keys)).await?.into_iter().for_each(|key| directory.put_key(key));
        }
        if !self.endpoints.is_empty() {
            let found = endpoints::read(session, &context.seal, Some(&self.endpoints)).await?;
            for gone in self.endpoints.iter().filter(|id| !found.iter().any(|found| Uuid::from(found.id) == **id)) {
                directory.remove_endpoint((*gone).into());
            }
            for endpoint in found {
                directory.put_endpoint(endpoint);
            }
            notices.extend(self.endpoints.iter().map(|id| CommitNotice::Changed((*id).into())));
        }
        Ok(notices)
    }
}
