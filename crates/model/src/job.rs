//! Work that outlives a request: recovering an endpoint, replaying an event.

use serde::{Deserialize, Serialize};

use crate::id::{EndpointId, EventId, JobId, ProjectId};
use crate::time::Timestamp;

#[derive(Clone, Debug)]
pub struct Job {
    pub id: JobId,
    pub project: ProjectId,
    pub task: Task,
    pub status: Status,
    /// Items there were when the job was made.
    pub total: u64,
    /// Items scheduled for delivery so far.
    pub done: u64,
    /// Items that could not be scheduled.
    pub failed: u64,
    pub created_at: Timestamp,
}

/// The task of a job. Kept as JSON in the job's row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// Send an endpoint what failed or was missed in a stretch of time.
    Recover { endpoint: EndpointId, since: Timestamp, until: Timestamp, only: Only },
    /// Send an event again to every endpoint that wants it.
    Replay { event: EventId },
}

impl Task {
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Recover { .. } => "recover",
            Self::Replay { .. } => "replay",
        }
    }
}

/// The events that a recovery is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Only {
    /// Deliveries that were given up.
    Failed,
    /// Matching events that have no delivery: the endpoint was created later, paused or disabled.
    Missed,
    /// Both.
    #[default]
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Running,
    Done,
    Cancelled,
    Failed,
}

impl Status {
    pub const ALL: [Self; 4] = [Self::Running, Self::Done, Self::Cancelled, Self::Failed];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}
