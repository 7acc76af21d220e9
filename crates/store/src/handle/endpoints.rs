//! Verbs about endpoints: created, changed and deleted, and their condition.

use std::sync::Arc;

use model::actor::Actor;
use model::endpoint::Endpoint;
use model::id::{EndpointId, ProjectId};
use tokio::time::Instant;

use crate::endpoints::Condition;
use crate::handle::Database;
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    pub async fn create_endpoint(&self, by: &Actor, endpoint: Endpoint) -> Result<Arc<Endpoint>, Error> {
        match self.database() {
            Database::Embedded(db) => db.write(by, None, move |txn| sqlite::endpoints::create(txn, &endpoint)).await,
            Database::Cluster(db) => postgres::endpoints::create(by, &db.context, endpoint).await,
        }
    }

    /// Changes an endpoint in one step: no other change comes in between. `change` is given the endpoint as it is and
    /// returns the new one, or refuses. An endpoint that is no longer disabled starts with no failures. `None` if the
    /// project has no such endpoint.
    pub async fn change_endpoint<F, E>(
        &self,
        by: &Actor,
        project: ProjectId,
        id: EndpointId,
        mut change: F,
    ) -> Result<Option<Result<Arc<Endpoint>, E>>, Error>
    where
        F: FnMut(&Endpoint) -> Result<Endpoint, E> + Send + 'static,
        E: Send + 'static,
    {
        match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::endpoints::change(txn, project, id, &mut change)).await
            }
            Database::Cluster(db) => postgres::endpoints::change(by, &db.context, project, id, &mut change).await,
        }
    }

    /// Deletes an endpoint. Its pending deliveries are cancelled; all its deliveries stay listed. False if the project
    /// has no such endpoint.
    pub async fn delete_endpoint(&self, by: &Actor, project: ProjectId, id: EndpointId) -> Result<bool, Error> {
        let deleted = match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::endpoints::delete(txn, project, id)).await?
            }
            Database::Cluster(db) => postgres::endpoints::delete(by, &db.context, project, id).await?,
        };
        if deleted {
            // The engine finishes the rest if this caller leaves.
            self.wake_jobs();
            self.cancel_pending(id).await?;
        }
        Ok(deleted)
    }

    /// Cancels what is pending for a deleted endpoint, one slice per commit, so that no verb waits behind a long one.
    pub(crate) async fn cancel_pending(&self, id: EndpointId) -> Result<(), Error> {
        loop {
            let began = Instant::now();
            let more = match self.database() {
                Database::Embedded(db) => {
                    db.write_aside(&Actor::System, None, move |txn| sqlite::endpoints::cancel_slice(txn, id)).await?
                }
                Database::Cluster(db) => postgres::endpoints::cancel_slice(&db.context, id).await?,
            };
            if !more {
                return Ok(());
            }
            self.leave_room(began).await;
        }
    }

    /// Encrypts queries of URLs that an earlier version stored in plain text. Nothing is left to do from the second
    /// start on.
    pub(crate) async fn seal_urls(&self) -> Result<(), Error> {
        let open = match self.database() {
            Database::Embedded(db) => db.read(sqlite::endpoints::with_open_query).await?,
            Database::Cluster(db) => postgres::endpoints::with_open_query(&db.context).await?,
        };
        for id in open {
            match self.database() {
                Database::Embedded(db) => {
                    db.write(&Actor::System, None, move |txn| sqlite::endpoints::rewrite(txn, id)).await?;
                }
                Database::Cluster(db) => postgres::endpoints::rewrite(&db.context, id).await?,
            }
        }
        Ok(())
    }

    /// The condition of each of `ids`, in their order.
    pub async fn conditions(&self, ids: Vec<EndpointId>) -> Result<Vec<Condition>, Error> {
        match self.database() {
            Database::Embedded(db) => {
                db.read(move |db| ids.iter().map(|id| sqlite::endpoints::condition(db, *id)).collect()).await
            }
            Database::Cluster(db) => postgres::endpoints::conditions(&db.context, &ids).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::endpoint::Settings;
    use model::env::Env;
    use model::network::Policy;
    use model::url::EndpointUrl;
    use testkit::clock::TestEnv;

    use super::*;
    use crate::handle::{Backend, Options};
    use crate::seal::MasterKey;

    async fn kept_url(store: &Store) -> String {
        let Database::Embedded(db) = store.database() else { panic!("it is embedded") };
        db.read(|db| Ok(db.query_row("SELECT url FROM endpoints", [], |row| row.get(0))?)).await.unwrap()
    }

    #[tokio::test]
    async fn a_query_that_an_earlier_version_kept_in_the_open_is_sealed_at_the_next_start() {
        let directory = tempfile::TempDir::new().unwrap();
        let env: Arc<dyn Env> = Arc::new(TestEnv::new());
        let master_key = MasterKey::generate(&*env);
        let open = async || {
            let place = Backend::Embedded { data_dir: directory.path().to_owned() };
            let options = Options {
                backend: place,
                master_key: master_key.clone(),
                env: env.clone(),
                mail: false,
                accept_journal_loss: false,
            };
            Store::open(options).await.unwrap()
        };
        let typed = "https://example.com/hook?token=hush";
        let store = open().await;
        let project = store.directory().projects().next().expect("the default project").id;
        let endpoint = Endpoint {
            id: EndpointId::new(&*env),
            project,
            settings: Settings::of(EndpointUrl::parse(typed, &Policy::default()).unwrap()),
            status: model::endpoint::Status::Active,
            disabled_reason: None,
            created_at: env.now(),
            updated_at: env.now(),
        };
        let made = store.create_endpoint(&Actor::Admin, endpoint).await.unwrap();
        assert_eq!(kept_url(&store).await, "https://example.com/hook");
        let Database::Embedded(db) = store.database() else { panic!("it is embedded") };
        db.write(&Actor::System, None, move |txn| Ok(txn.db()?.execute("UPDATE endpoints SET url = ?", [typed])?))
            .await
            .unwrap();
        store.close().await;
        drop(store);

        let store = open().await;
        assert_eq!(kept_url(&store).await, "https://example.com/hook");
        let directory = store.directory();
        let shown = directory.endpoint(made.id).unwrap();
        assert_eq!((shown.settings.url.as_str(), shown.updated_at), (typed, made.updated_at));
    }
}
