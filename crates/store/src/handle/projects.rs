//! Verbs about projects.

use std::sync::Arc;

use model::actor::Actor;
use model::id::ProjectId;
use model::key::Key;
use model::project::Project;
use model::speech::Speech;

use crate::handle::Database;
use crate::projects::SlugTaken;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// Creates a project with its first key.
    pub async fn create_project(
        &self,
        by: &Actor,
        project: Project,
        key: Key,
    ) -> Result<Result<Arc<Project>, SlugTaken>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::projects::create(txn, &project, Some(&key))).await
            }
            Database::Cluster(db) => postgres::projects::create(by, &db.context, project, key).await,
        }
    }

    /// Changes a project in one step: no other change comes in between. `change` is given the project and its dialects
    /// as they are and returns the new project, or refuses. `None` if there is no such project.
    pub async fn change_project<F, E>(
        &self,
        by: &Actor,
        id: ProjectId,
        mut change: F,
    ) -> Result<Option<Result<Arc<Project>, E>>, Error>
    where
        F: FnMut(&Project, &Speech) -> Result<Project, E> + Send + 'static,
        E: From<SlugTaken> + Send + 'static,
    {
        match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::projects::change(txn, id, &mut change)).await
            }
            Database::Cluster(db) => postgres::projects::change(by, &db.context, id, &mut change).await,
        }
    }

    /// Deletes a project with its keys, endpoints and mail; pending deliveries are cancelled. False if there is none.
    pub async fn delete_project(&self, by: &Actor, id: ProjectId) -> Result<bool, Error> {
        let endpoints: Vec<_> = self.directory().endpoints_of(id).iter().map(|endpoint| endpoint.id).collect();
        for endpoint in endpoints {
            self.delete_endpoint(by, id, endpoint).await?;
        }
        self.delete_mails(id).await?;
        let deleted = match self.database() {
            Database::Embedded(db) => db.write(by, None, move |txn| sqlite::projects::delete(txn, id)).await?,
            Database::Cluster(db) => postgres::projects::delete(by, &db.context, id).await?,
        };
        let Some(late) = deleted else { return Ok(false) };
        for endpoint in late {
            self.cancel_pending(endpoint).await?;
        }
        self.delete_mails(id).await?;
        Ok(true)
    }
}
