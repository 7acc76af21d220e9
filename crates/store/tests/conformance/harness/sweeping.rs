//! Retention's part in a test: deleting data past its period.

use std::sync::Arc;

use model::id::ProjectId;
use model::project::Project;
use model::retention::{Chosen, Period, Retention};
use model::time::Timestamp;
use store::handle::retention::RetentionPass;
use store::retention::{Deleted, Step};

use super::Opened;

impl Opened {
    /// Deletes everything past its period, as a server does that has just started.
    pub(crate) async fn sweep_up(&self) -> Deleted {
        self.finish_sweep(&mut self.store.begin_retention(Retention::default())).await.0
    }

    /// Goes on until nothing past its period is left; returns what was deleted, and when there will be more.
    pub(crate) async fn finish_sweep(&self, sweep: &mut RetentionPass) -> (Deleted, Timestamp) {
        let mut all = Deleted::default();
        loop {
            match self.continue_retention(sweep).await.unwrap() {
                Step::Went { deleted, .. } => all += deleted,
                Step::Rest(at) => return (all, at),
            }
        }
    }

    /// Sets a project's retention periods; empty for the server's.
    pub(crate) async fn keep(&self, project: ProjectId, contents: &str, attempt_bodies: &str) -> Arc<Project> {
        let period = |text: &str| (!text.is_empty()).then(|| text.parse::<Period>().unwrap());
        let retention = Chosen { contents: period(contents), attempt_bodies: period(attempt_bodies) };
        let before = self.directory().project(project).unwrap().clone();
        self.put_project(Project { retention, ..Project::clone(&before) }).await.unwrap().unwrap()
    }
}
