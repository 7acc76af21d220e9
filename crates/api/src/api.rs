//! What every handler is given.

use std::ops::Deref;
use std::sync::Arc;

use axum::extract::FromRef;
use dialect::Dialect;
use dialect::dialects::Dialects;
use model::network::Policy;
use model::project::Project;
use web::context::Context;
use web::problem::Problem;

/// What a handler needs, shared by all of them. Cloning is cheap.
#[derive(Clone)]
pub struct Api(Arc<Shared>);

/// What the HTTP kit has, and what is the API's own.
pub struct Shared {
    context: Context,
    /// Where webhooks may go.
    pub policy: Arc<Policy>,
    /// Bytes that a batch of events may have.
    pub(crate) batch_bytes: usize,
    /// How the world reaches us, without a slash at the end. In the OpenAPI document, so that its examples run.
    pub public_url: Option<Arc<str>>,
    dialects: Arc<Dialects>,
}

impl Deref for Api {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Deref for Shared {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

/// Where the HTTP kit's extractors find what they need.
impl FromRef<Api> for Context {
    fn from_ref(api: &Api) -> Self {
        api.context.clone()
    }
}

impl Api {
    pub fn new(
        context: Context,
        dialects: Arc<Dialects>,
        policy: Arc<Policy>,
        batch_bytes: usize,
        public_url: Option<Arc<str>>,
    ) -> Self {
        Self(Arc::new(Shared { context, policy, batch_bytes, public_url, dialects }))
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
