//! Projects: made, changed, deleted. The one called `default` is always there.

use std::sync::Arc;

use model::env::Env;
use model::id::ProjectId;
use model::key::Key;
use model::project::{Project, Slug, Tenants};
use model::retention::Chosen;
use model::speech::Speech;

use crate::store::Database;
use crate::{Error, Store};
use crate::{postgres, sqlite};

/// The slug is another project's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlugTaken;

/// The project that a new database has.
pub(crate) fn default_project(env: &dyn Env) -> Project {
    Project {
        id: ProjectId::new(env),
        slug: Slug::DEFAULT.parse().expect("the default slug is a slug"),
        name: "Default".to_owned(),
        dialect: "standard".to_owned(),
        admins: Vec::new(),
        retention: Chosen::default(),
        tenants: Tenants::default(),
        created_at: env.now(),
    }
}

impl Store {
    /// Makes a project with its first key.
    pub async fn create_project(&self, project: Project, key: Key) -> Result<Result<Arc<Project>, SlugTaken>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.write(None, move |batch| sqlite::projects::create(batch, &project, Some(&key))).await
            }
            Database::Cluster(db) => postgres::projects::create(db, project, key).await,
        }
    }

    /// Changes a project in one step: nobody else's change comes in between. `change` is given what it is now, and how it
    /// speaks, and answers what it shall be, or refuses. `None` if there is no such project.
    pub async fn change_project<F, E>(
        &self,
        id: ProjectId,
        mut change: F,
    ) -> Result<Option<Result<Arc<Project>, E>>, Error>
    where
        F: FnMut(&Project, &Speech) -> Result<Project, E> + Send + 'static,
        E: From<SlugTaken> + Send + 'static,
    {
        match self.database() {
            Database::Embedded(db) => {
                db.write(None, move |batch| sqlite::projects::change(batch, id, &mut change)).await
            }
            Database::Cluster(db) => postgres::projects::change(db, id, &mut change).await,
        }
    }

    /// Deletes a project with its keys, endpoints and mail; pending deliveries are cancelled. False if there is none.
    pub async fn delete_project(&self, id: ProjectId) -> Result<bool, Error> {
        let endpoints: Vec<_> = self.directory().endpoints_of(id).iter().map(|endpoint| endpoint.id).collect();
        for endpoint in endpoints {
            self.delete_endpoint(id, endpoint).await?;
        }
        self.delete_mails(id).await?;
        let deleted = match self.database() {
            Database::Embedded(db) => db.write(None, move |batch| sqlite::projects::delete(batch, id)).await?,
            Database::Cluster(db) => postgres::projects::delete(db, id).await?,
        };
        let Some(late) = deleted else { return Ok(false) };
        for endpoint in late {
            self.cancel_pending(endpoint).await?;
        }
        self.delete_mails(id).await?;
        Ok(true)
    }
}
