//! Jobs: how far a recovery or a replay has come, and how to stop it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use model::id::JobId;
use model::job::{Job, Status};
use model::key::Scope;
use model::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use web::caller::Caller;
use web::path::Named;
use web::problem::{Code, Problem};
use web::query::{Listed, Query};
use web::responses::Lookup;

use crate::Api;

/// Work that goes on after its request was answered, and after a restart.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobView {
    #[schema(value_type = String, example = "job_06f3m5q9kx6v0f0v8c9z1k2m3n")]
    id: JobId,
    /// `recover` or `replay`.
    #[schema(example = "recover")]
    kind: &'static str,
    /// `running`, `done`, `cancelled` or `failed`.
    #[schema(value_type = String, example = "running")]
    status: Status,
    /// Deliveries there were to make when the job was made.
    #[schema(example = 1200)]
    total: u64,
    /// Put on the road so far.
    #[schema(example = 500)]
    done: u64,
    /// That could not be put on the road.
    #[schema(example = 0)]
    failed: u64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl JobView {
    pub(crate) fn of(job: &Job) -> Self {
        Self {
            id: job.id,
            kind: job.task.kind(),
            status: job.status,
            total: job.total,
            done: job.done,
            failed: job.failed,
            created_at: job.created_at,
        }
    }
}

/// List jobs
///
/// Newest first. Jobs that ended are kept as long as the project's contents.
#[utoipa::path(get, path = "/v1/jobs", tag = "Jobs", operation_id = "list_jobs",
    params(
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of jobs.", body = Listed<JobView>), Lookup))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Json<Listed<JobView>>, Problem> {
    let project = caller.may(Scope::Read)?.whole()?;
    let paging = query.paging();
    query.finish()?;
    let page = api.store.jobs(project.id, paging).await?;
    Ok(Json(Listed::of(page, |job| JobView::of(&job))))
}

/// Show a job
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "Jobs", operation_id = "show_job",
    params(("id" = String, Path, description = "The job's id.")),
    responses((status = 200, description = "The job.", body = JobView), Lookup))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<JobId>,
) -> Result<Json<JobView>, Problem> {
    let project = caller.may(Scope::Read)?.whole()?;
    let job = api.store.job(project.id, id).await?;
    job.map(|job| Json(JobView::of(&job))).ok_or_else(|| Problem::not_found("job", &id.to_string()))
}

/// Cancel a job
///
/// What it has put on the road stays there. One that has ended cannot be cancelled.
#[utoipa::path(delete, path = "/v1/jobs/{id}", tag = "Jobs", operation_id = "cancel_job",
    params(("id" = String, Path, description = "The job's id.")),
    responses((status = 204, description = "It goes on no more."), Lookup))]
pub(crate) async fn cancel(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<JobId>,
) -> Result<StatusCode, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let missing = || Problem::not_found("job", &id.to_string());
    let before = api.store.job(project.id, id).await?.ok_or_else(missing)?;
    if before.status != Status::Running {
        return Err(ended(&before));
    }
    let after = api.store.cancel_job(&caller.actor(), project.id, id).await?.ok_or_else(missing)?;
    // It may have ended in between.
    if after.status == Status::Cancelled { Ok(StatusCode::NO_CONTENT) } else { Err(ended(&after)) }
}

fn ended(job: &Job) -> Problem {
    let detail = format!("The job {} has ended ({}): there is nothing left to cancel.", job.id, job.status.name());
    Problem::new(Code::Conflict, detail)
}
