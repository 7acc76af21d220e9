//! The SQL of jobs: what is left to do, a step at a time.

use model::id::{EndpointId, JobId, ProjectId};
use model::job::{Job, Task};
use model::time::Timestamp;

use super::Cluster;
use crate::Error;
use crate::directory::Directory;
use crate::jobs::Step;

pub(crate) async fn count(
    _db: &Cluster,
    _directory: &Directory,
    _project: ProjectId,
    _task: &Task,
    _now: Timestamp,
) -> Result<u64, Error> {
    todo!()
}

pub(crate) async fn create(_db: &Cluster, _project: ProjectId, _task: &Task, _total: u64) -> Result<Job, Error> {
    todo!()
}

pub(crate) async fn find(_db: &Cluster, _project: ProjectId, _id: JobId) -> Result<Option<Job>, Error> {
    todo!()
}

pub(crate) async fn cancel(_db: &Cluster, _project: ProjectId, _id: JobId) -> Result<Option<Job>, Error> {
    todo!()
}

/// Those that are this node's to run.
pub(crate) async fn running(_db: &Cluster) -> Result<Vec<JobId>, Error> {
    todo!()
}

pub(crate) async fn endpoint(_db: &Cluster, _id: JobId) -> Result<Option<EndpointId>, Error> {
    todo!()
}

pub(crate) async fn backlog(_db: &Cluster, _endpoint: EndpointId, _enough: usize) -> Result<usize, Error> {
    todo!()
}

pub(crate) async fn step(_db: &Cluster, _directory: &Directory, _id: JobId, _now: Timestamp) -> Result<Step, Error> {
    todo!()
}
