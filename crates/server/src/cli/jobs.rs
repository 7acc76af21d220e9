//! `posthaste jobs …`: work that outlives a request.

use clap::Subcommand;

use super::call::Call;
use super::typed;

#[derive(Debug, Subcommand)]
pub(crate) enum Jobs {
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

impl Jobs {
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Show(One { id }) => Call::get(&["jobs", id]),
            Self::Cancel(One { id }) => Call::delete(["jobs", id], "ended"),
        }
    }
}
