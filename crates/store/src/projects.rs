//! Projects: made, changed, deleted. The one called `default` is always there.

use std::sync::Arc;

use model::id::ProjectId;
use model::key::Key;
use model::project::Project;

use crate::sqlite;
use crate::{Error, Store};

/// The slug is another project's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlugTaken;

impl Store {
    /// Makes a project with its first key.
    pub async fn create_project(&self, project: Project, key: Key) -> Result<Result<Arc<Project>, SlugTaken>, Error> {
        self.write(move |batch| sqlite::projects::create(batch, &project, Some(&key))).await
    }

    /// Puts `project` in the place of the one with its id. `None` if there is none.
    pub async fn update_project(&self, project: Project) -> Result<Option<Result<Arc<Project>, SlugTaken>>, Error> {
        self.write(move |batch| sqlite::projects::update(batch, &project)).await
    }

    /// Deletes a project with its keys and endpoints; pending deliveries are cancelled. False if there is none.
    pub async fn delete_project(&self, id: ProjectId) -> Result<bool, Error> {
        let endpoints: Vec<_> = self.directory().endpoints_of(id).iter().map(|endpoint| endpoint.id).collect();
        for endpoint in endpoints {
            self.delete_endpoint(id, endpoint).await?;
        }
        let Some(late) = self.write(move |batch| sqlite::projects::delete(batch, id)).await? else {
            return Ok(false);
        };
        for endpoint in late {
            self.cancel_pending(endpoint).await?;
        }
        Ok(true)
    }
}
