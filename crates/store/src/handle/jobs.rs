//! Verbs about jobs: created, listed, cancelled, and taken a step further.

use model::actor::Actor;
use model::id::{EndpointId, JobId, ProjectId};
use model::job::{Job, Task};
use tokio::time::Instant;

use crate::handle::Database;
use crate::jobs::Step;
use crate::search::{Page, Paging};
use crate::{Error, Store};
use crate::{postgres, sqlite};

impl Store {
    /// Creates a job and counts its items.
    pub async fn create_job(&self, by: &Actor, project: ProjectId, task: Task) -> Result<Job, Error> {
        let (directory, now, about) = (self.directory().clone(), self.now(), task.clone());
        let total = match self.database() {
            Database::Embedded(db) => {
                db.count(project, move |db| sqlite::jobs::count(db, &directory, project, &about, now)).await?
            }
            Database::Cluster(db) => postgres::jobs::count(&db.context, &directory, project, &about, now).await?,
        };
        let job = match self.database() {
            Database::Embedded(db) => {
                db.write(by, None, move |txn| sqlite::jobs::create(txn, project, &task, total)).await?
            }
            Database::Cluster(db) => postgres::jobs::create(by, &db.context, project, &task, total).await?,
        };
        self.wake_jobs();
        Ok(job)
    }

    pub async fn job(&self, project: ProjectId, id: JobId) -> Result<Option<Job>, Error> {
        match self.database() {
            Database::Embedded(db) => db.read(move |db| sqlite::jobs::find(db, project, id)).await,
            Database::Cluster(db) => postgres::jobs::find(&db.context, project, id).await,
        }
    }

    /// A project's jobs, newest first.
    pub async fn jobs(&self, project: ProjectId, paging: Paging) -> Result<Page<Job>, Error> {
        match self.database() {
            Database::Embedded(db) => db.read(move |db| sqlite::jobs::list(db, project, paging)).await,
            Database::Cluster(db) => postgres::jobs::list(&db.context, project, paging).await,
        }
    }

    /// Stops a running job; one that has ended stays as it is. `None` if the project has no such job.
    pub async fn cancel_job(&self, by: &Actor, project: ProjectId, id: JobId) -> Result<Option<Job>, Error> {
        match self.database() {
            Database::Embedded(db) => db.write(by, None, move |txn| sqlite::jobs::cancel(txn, project, id)).await,
            Database::Cluster(db) => postgres::jobs::cancel(by, &db.context, project, id).await,
        }
    }

    /// The running jobs, oldest first: the work that is left after a restart.
    pub async fn running_jobs(&self) -> Result<Vec<JobId>, Error> {
        match self.database() {
            Database::Embedded(db) => db.read(sqlite::jobs::running).await,
            Database::Cluster(db) => postgres::jobs::running(&db.context).await,
        }
    }

    /// True if an endpoint has fewer than `enough` deliveries pending, so that a job may add some.
    pub async fn has_room(&self, endpoint: EndpointId, enough: usize) -> Result<bool, Error> {
        let backlog = match self.database() {
            Database::Embedded(db) => db.read(move |db| sqlite::jobs::backlog(db, endpoint, enough)).await?,
            Database::Cluster(db) => postgres::jobs::backlog(&db.context, endpoint, enough).await?,
        };
        Ok(backlog < enough)
    }

    /// The endpoint of a job that is about one alone.
    pub async fn job_endpoint(&self, id: JobId) -> Result<Option<EndpointId>, Error> {
        match self.database() {
            Database::Embedded(db) => db.read(move |db| sqlite::jobs::endpoint(db, id)).await,
            Database::Cluster(db) => postgres::jobs::endpoint(&db.context, id).await,
        }
    }

    /// Does the next items of a job, at most [`STEP`]. Rests afterwards, in proportion to the time it took.
    pub async fn step_job(&self, id: JobId) -> Result<Step, Error> {
        let (directory, now) = (self.directory().clone(), self.now());
        let mut began = Instant::now();
        let step = match self.database() {
            Database::Embedded(db) => {
                let filtered = db.read(move |db| sqlite::jobs::evaluate(db, &directory, id, now)).await?;
                began = Instant::now();
                db.write_aside(&Actor::System, None, move |txn| sqlite::jobs::step(txn, id, &filtered)).await?
            }
            Database::Cluster(db) => postgres::jobs::step(&db.context, &directory, id, now).await?,
        };
        self.leave_room(began).await;
        Ok(step)
    }
}
