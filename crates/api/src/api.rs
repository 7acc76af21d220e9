//! What every handler is given.

use std::ops::Deref;
use std::sync::Arc;

use dialect::Dialect;
use dialect::dialects::Dialects;
use model::env::Env;
use model::network::Policy;
use model::project::Project;
use store::Store;
use tokio::sync::Semaphore;

use crate::answers::Answers;
use crate::openapi::{Document, Documents};
use crate::problem::Problem;

/// Bytes of large bodies that are held in memory at once, over all requests. Further ones wait their turn.
const ROOM: usize = 256 * 1024 * 1024;

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
    /// Kibibytes of large bodies that may still be read.
    pub(crate) room: Arc<Semaphore>,
    /// Room for answers that are made in memory.
    pub(crate) answers: Answers,
    pub(crate) documents: Arc<Documents>,
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
        // There is room for one batch at least.
        let room = Arc::new(Semaphore::new(ROOM.max(batch_bytes).div_ceil(1024)));
        let documents = Arc::new(Documents::of(public_url.as_deref(), &policy));
        Self(Arc::new(Shared {
            store,
            env,
            policy,
            admin_key_hash,
            batch_bytes,
            public_url,
            room,
            answers: Answers::default(),
            documents,
            dialects,
        }))
    }

    /// How a project speaks. A project whose dialect this version does not have cannot be served.
    pub(crate) fn dialect_of(&self, project: &Project) -> Result<Arc<Dialect>, Problem> {
        let speech = self.store.directory().speech(project.id);
        self.dialects.of(project, &speech).ok_or_else(|| {
            let cause =
                format!("project {} has the dialect {:?}, which is not known here", project.id, project.dialect);
            Problem::broken(cause)
        })
    }
}

/// The OpenAPI 3.1 document, as `/openapi.json` gives it.
pub fn openapi() -> Document {
    Document::of(None, &Policy::default())
}
