//! Runs jobs and finishes deletions: a step of each job in turn, never so fast that an endpoint's live events wait
//! behind recovered ones.

use std::sync::Arc;
use std::time::Duration;

use model::id::JobId;
use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// Pending deliveries of an endpoint from which on a job adds no more.
const BACKLOG: usize = 1_000;

/// Wait before the next round when no job could go on.
const PAUSE: Duration = Duration::from_millis(250);

/// Runs jobs until stopped. A step under way is finished.
pub(crate) async fn run(ctx: Arc<Context>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let went_on = match go_round(&ctx, &stop).await {
            Ok(went_on) => went_on,
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "round of jobs failed; it will be repeated");
                Round::Held
            }
        };
        match went_on {
            Round::WentOn => {}
            Round::Held => tokio::select! {
                () = stop.cancelled() => {}
                () = ctx.env.sleep(PAUSE) => {}
            },
            Round::Empty => tokio::select! {
                () = stop.cancelled() => {}
                () = ctx.store.jobs_woken() => {}
            },
        }
    }
}

/// Result of a round over all jobs.
enum Round {
    WentOn,
    /// There are jobs, and each waits for its endpoint.
    Held,
    Empty,
}

async fn go_round(ctx: &Context, stop: &CancellationToken) -> Result<Round, store::Error> {
    ctx.store.finish_deletions().await?;
    let jobs = ctx.store.running_jobs().await?;
    let mut round = if jobs.is_empty() { Round::Empty } else { Round::Held };
    for job in jobs {
        if stop.is_cancelled() {
            break;
        }
        if has_room(ctx, job).await? {
            ctx.store.step_job(job).await?;
            round = Round::WentOn;
        }
    }
    Ok(round)
}

async fn has_room(ctx: &Context, job: JobId) -> Result<bool, store::Error> {
    match ctx.store.job_endpoint(job).await? {
        Some(endpoint) => ctx.store.has_room(endpoint, BACKLOG).await,
        None => Ok(true),
    }
}
