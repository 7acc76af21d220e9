//! What every handler is given.

use std::ops::Deref;
use std::sync::Arc;

use dialect::Dialect;
use dialect::dialects::Dialects;
use model::env::Env;
use model::id::ProjectId;
use model::network::Policy;
use model::project::Project;
use store::Store;

use crate::answers::Answers;
use crate::problem::Problem;
use crate::room::Room;
use crate::workers::Workers;

/// What a handler needs, shared by all of them. Cloning is cheap.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

pub struct Shared {
    pub store: Store,
    pub env: Arc<dyn Env>,
    /// Where webhooks may go.
    pub policy: Arc<Policy>,
    /// SHA-256 of the admin key.
    pub admin_key_hash: [u8; 32],
    /// Bytes that a batch of events may have.
    pub(crate) batch_bytes: usize,
    /// How the world reaches us, without a slash at the end. In the OpenAPI document, so that its examples run.
    pub public_url: Option<Arc<str>>,
    /// Memory for large bodies.
    pub(crate) room: Room,
    workers: Workers,
    /// Room for answers that are made in memory.
    pub(crate) answers: Answers,
    dialects: Arc<Dialects>,
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Api {
    pub fn new(
        store: Store,
        env: Arc<dyn Env>,
        dialects: Arc<Dialects>,
        policy: Arc<Policy>,
        admin_key_hash: [u8; 32],
        batch_bytes: usize,
        public_url: Option<Arc<str>>,
    ) -> Self {
        let room = Room::new(env.clone(), batch_bytes);
        Self(Arc::new(Shared {
            store,
            env,
            policy,
            admin_key_hash,
            batch_bytes,
            public_url,
            room,
            answers: Answers::default(),
            workers: Workers::start(),
            dialects,
        }))
    }

    /// Does what would take the processor for too long on a thread of the runtime.
    pub(crate) async fn work<T, F>(&self, project: ProjectId, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        self.workers.run(project, work).await
    }

    /// How a project speaks. Made by the workers if it is not there yet.
    pub(crate) async fn dialect(&self, project: &Project) -> Result<Arc<Dialect>, Problem> {
        let speech = self.store.directory().project_dialects(project.id);
        match self.dialects.ready(project, &speech) {
            Some(dialect) => dialect.ok_or_else(|| unknown_dialect(project)),
            None => {
                let (api, project) = (self.clone(), project.clone());
                self.work(project.id, move || api.dialect_of(&project)).await
            }
        }
    }

    /// The same for those who may take their time. A project whose dialect this version does not have cannot be served.
    pub(crate) fn dialect_of(&self, project: &Project) -> Result<Arc<Dialect>, Problem> {
        let speech = self.store.directory().project_dialects(project.id);
        self.dialects.of(project, &speech).ok_or_else(|| unknown_dialect(project))
    }
}

fn unknown_dialect(project: &Project) -> Problem {
    Problem::broken(format!("project {} has the dialect {:?}, which is not known here", project.id, project.dialect))
}
