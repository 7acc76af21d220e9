//! A store of its own for every test, on a clock that the test controls, and short helpers for common steps.

mod clock;
pub(crate) mod cluster;
mod draft;
mod endpoints;
mod hold;
mod look;
mod place;
mod road;
mod sweeping;

use std::sync::Arc;
use std::time::Duration;

use model::actor::Actor;
use model::env::Env;
use model::id::{KeyId, ProjectId};
use model::key::{Key, Scope};
use model::project::Project;
use model::time::Timestamp;
use store::handle::Postgres;
use store::projects::SlugTaken;
use store::seal::MasterKey;
use store::{Error, Store};

pub(crate) use clock::Clock;
pub(crate) use endpoints::subscription;
pub(crate) use hold::Hold;
pub(crate) use look::{facts, news};
pub(crate) use place::Place;
pub(crate) use road::{EXHAUSTED, FINAL, tried};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// An open store. Its verbs are called on it directly.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) clock: Arc<Clock>,
    pub(crate) key: MasterKey,
    pub(crate) place: Place,
    /// The default project, which events and endpoints are of unless a test says otherwise.
    pub(crate) project: ProjectId,
}

impl std::ops::Deref for Opened {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl Opened {
    /// A store with nothing in it but the default project.
    pub(crate) async fn fresh() -> Self {
        Self::new_at(Place::fresh().await).await
    }

    /// A [`Self::fresh`] store in the embedded database, whatever this run is on.
    pub(crate) async fn embedded() -> Self {
        Self::new_at(Place::embedded()).await
    }

    pub(crate) async fn new_at(place: Place) -> Self {
        let clock = Arc::new(Clock::default());
        let key = MasterKey::generate(&*clock);
        Self::at(place, key, clock).await.unwrap()
    }

    /// Another node on the same PostgreSQL and the same clock.
    pub(crate) async fn beside(&self, change: impl FnOnce(&mut Postgres)) -> Result<Self, Error> {
        let store::handle::Backend::Postgres(mut postgres) = self.place.place() else { panic!("it is on PostgreSQL") };
        change(&mut postgres);
        Self::at(Place::Shared(Box::new(postgres)), self.key.clone(), self.clock.clone()).await
    }

    /// The first node on a PostgreSQL.
    pub(crate) async fn try_on(postgres: Postgres) -> Result<Self, Error> {
        let clock = Arc::new(Clock::default());
        let key = MasterKey::generate(&*clock);
        Self::at(Place::Shared(Box::new(postgres)), key, clock).await
    }

    /// Opens the store at `place`.
    pub(crate) async fn at(place: Place, key: MasterKey, clock: Arc<Clock>) -> Result<Self, Error> {
        let store = place.open(&key, clock.clone()).await?;
        let project = store.directory().project_called(&slug("default")).unwrap().id;
        Ok(Self { store, clock, key, place, project })
    }

    /// Stops the store as SIGTERM does and starts it again.
    pub(crate) async fn reopen(self) -> Self {
        let (place, key, clock) = self.shut().await;
        Self::at(place, key, clock).await.unwrap()
    }

    /// Stops the store and returns everything needed to open it again.
    pub(crate) async fn shut(self) -> (Place, MasterKey, Arc<Clock>) {
        let Self { store, clock, key, place, .. } = self;
        store.close().await;
        drop(store);
        (place, key, clock)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// Another project beside the default one.
    pub(crate) async fn project_called(&self, name: &str) -> Arc<Project> {
        let project = self.new_project(name);
        let key = self.new_key(project.id);
        self.create_project(&Actor::Admin, project, key).await.unwrap().unwrap()
    }

    /// Replaces the project with the same id.
    pub(crate) async fn put_project(&self, project: Project) -> Option<Result<Arc<Project>, SlugTaken>> {
        self.change_project(&Actor::Admin, project.id, move |_, _| Ok(project.clone())).await.unwrap()
    }

    /// A project that is not stored yet.
    pub(crate) fn new_project(&self, name: &str) -> Project {
        Project {
            id: ProjectId::new(&*self.clock),
            slug: slug(name),
            name: name.to_owned(),
            dialect: "standard".to_owned(),
            admins: vec!["admin@example.com".to_owned()],
            retention: model::retention::Chosen::default(),
            tenants: model::project::Tenants::Optional,
            created_at: self.now(),
        }
    }

    /// A key that is not stored yet, with a hash that no other has.
    pub(crate) fn new_key(&self, project: ProjectId) -> Key {
        let mut hash = [0; 32];
        self.clock.fill(&mut hash);
        Key {
            id: KeyId::new(&*self.clock),
            project,
            name: "ci".to_owned(),
            scopes: vec![Scope::EventsWrite, Scope::Read],
            hash,
            created_at: self.now(),
        }
    }
}

pub(crate) fn slug(text: &str) -> model::project::Slug {
    text.parse().unwrap()
}
