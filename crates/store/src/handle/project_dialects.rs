//! Verbs about projects' dialects: files and event types.

use std::sync::Arc;

use model::actor::Actor;
use model::catalogue::EventType;
use model::id::ProjectId;
use model::subscription;

use crate::handle::Database;
use crate::project_dialects::InUse;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// Puts a dialect file, in the place of one with its name. False if there is no such project.
    pub async fn put_dialect(
        &self,
        by: &Actor,
        project: ProjectId,
        name: String,
        text: Arc<str>,
    ) -> Result<bool, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::project_dialects::put_dialect(txn, project, &name, &text)).await
            }
            Database::Cluster(db) => {
                postgres::project_dialects::put_dialect(by, &db.context, project, &name, &text).await
            }
        }
    }

    /// Removes a dialect file. `None` if the project has no such dialect.
    pub async fn remove_dialect(
        &self,
        by: &Actor,
        project: ProjectId,
        name: String,
    ) -> Result<Option<Result<(), InUse>>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::project_dialects::remove_dialect(txn, project, &name)).await
            }
            Database::Cluster(db) => postgres::project_dialects::remove_dialect(by, &db.context, project, &name).await,
        }
    }

    /// Puts an event type, in the place of one with its name. False if there is no such project.
    pub async fn put_event_type(&self, by: &Actor, project: ProjectId, event_type: EventType) -> Result<bool, Error> {
        let event_type = Arc::new(event_type);
        match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::project_dialects::put_event_type(txn, project, &event_type)).await
            }
            Database::Cluster(db) => {
                postgres::project_dialects::put_event_type(by, &db.context, project, &event_type).await
            }
        }
    }

    /// Removes an event type. False if the project has no such type of its own.
    pub async fn remove_event_type(
        &self,
        by: &Actor,
        project: ProjectId,
        name: subscription::EventType,
    ) -> Result<bool, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::project_dialects::remove_event_type(txn, project, &name)).await
            }
            Database::Cluster(db) => {
                postgres::project_dialects::remove_event_type(by, &db.context, project, &name).await
            }
        }
    }
}
