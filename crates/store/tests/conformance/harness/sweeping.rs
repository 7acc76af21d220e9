//! Retention's part in a test: deleting what has been kept long enough.

use std::sync::Arc;

use model::id::ProjectId;
use model::project::Project;
use model::retention::{Chosen, Period, Retention};
use model::time::Timestamp;
use store::handle::retention::RetentionPass;
use store::retention::{Deleted, Step};

use super::Opened;

impl Opened {
    /// Deletes all that has been kept long enough, as a server does that has just started.
    pub(crate) async fn sweep_up(&self) -> Deleted {
        self.finish_sweep(&mut self.store.begin_retention(Retention::default())).await.0
    }

    /// Goes on until nothing is left that has been kept long enough; answers what went, and when there will be more.
    pub(crate) async fn finish_sweep(&self, sweep: &mut RetentionPass) -> (Deleted, Timestamp) {
        let mut all = Deleted::default();
        loop {
            match self.continue_retention(sweep).await.unwrap() {
                Step::Went { deleted, .. } => all += deleted,
                Step::Rest(at) => return (all, at),
            }
        }
    }

    /// Has a project keep its data for so long; empty for as long as the server.
    pub(crate) async fn keep(&self, project: ProjectId, contents: &str, attempt_bodies: &str) -> Arc<Project> {
        let period = |text: &str| (!text.is_empty()).then(|| text.parse::<Period>().unwrap());
        let retention = Chosen { contents: period(contents), attempt_bodies: period(attempt_bodies) };
        let before = self.directory().project(project).unwrap().clone();
        self.put_project(Project { retention, ..Project::clone(&before) }).await.unwrap().unwrap()
    }
}
