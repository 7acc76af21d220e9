//! What the HTTP kit is given and shares: the store, and room and threads for what requests bring.

use std::ops::Deref;
use std::sync::Arc;

use model::env::Env;
use model::id::ProjectId;
use store::Store;

use crate::answers::Answers;
use crate::problem::Problem;
use crate::room::Room;
use crate::workers::Workers;

/// Shared by all routers of the process. A router's state answers it by `FromRef`, so that extractors find it. Cloning is
/// cheap.
#[derive(Clone)]
pub struct Context(Arc<Shared>);

pub struct Shared {
    pub store: Store,
    pub env: Arc<dyn Env>,
    /// SHA-256 of the admin key.
    pub admin_key_hash: [u8; 32],
    /// Room for answers that are made in memory.
    pub answers: Answers,
    /// Memory for large bodies.
    pub(crate) room: Room,
    workers: Workers,
}

impl Deref for Context {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Context {
    /// `largest_body` is the most bytes that any route takes.
    pub fn new(store: Store, env: Arc<dyn Env>, admin_key_hash: [u8; 32], largest_body: usize) -> Self {
        let room = Room::new(env.clone(), largest_body);
        let (answers, workers) = (Answers::default(), Workers::start());
        Self(Arc::new(Shared { store, env, admin_key_hash, answers, room, workers }))
    }

    /// Does what would take the processor for too long on a thread of the runtime.
    pub async fn work<T, F>(&self, project: ProjectId, work: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, Problem> + Send + 'static,
    {
        self.workers.run(project, work).await
    }
}
