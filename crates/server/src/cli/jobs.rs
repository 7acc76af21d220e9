//! `posthaste jobs …`: work that outlives a request.

use clap::Subcommand;

use super::call::{Call, Column, Paging};
use super::typed;

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
    /// List the jobs, newest first
    List(Paging),
    /// Show how far a job is
    Show(One),
    /// Stop a job; what it has sent stays sent
    Cancel(One),
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Id of the job (job_…)
    #[arg(value_parser = typed::id)]
    id: String,
}

const COLUMNS: &[Column] = &[
    Column { title: "ID", members: &["id"] },
    Column { title: "KIND", members: &["kind"] },
    Column { title: "STATUS", members: &["status"] },
    Column { title: "DONE", members: &["done"] },
    Column { title: "FAILED", members: &["failed"] },
    Column { title: "TOTAL", members: &["total"] },
    Column { title: "CREATED", members: &["created_at"] },
];

impl Jobs {
    pub(super) fn call(&self) -> Call {
        match self {
            Self::List(paging) => Call::list(&["jobs"], COLUMNS, paging),
            Self::Show(One { id }) => Call::get(&["jobs", id]),
            Self::Cancel(One { id }) => Call::delete(["jobs", id], "ended"),
        }
    }
}
