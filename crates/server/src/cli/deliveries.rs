//! `posthaste deliveries …`: events on their way to endpoints.

use clap::Subcommand;
use model::delivery::Status;
use model::time::Timestamp;

use super::call::{Call, Column, Paging};
use super::typed::{self, When};

#[derive(Debug, Subcommand)]
pub(crate) enum Deliveries {
    /// List deliveries, newest first
    List(List),
    /// Show a delivery: the body that was sent, and of every attempt the headers and the answer
    Show(One),
    /// Make one more attempt now
    Retry(One),
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Id of the delivery (a UUID)
    #[arg(value_parser = typed::id)]
    id: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Deliveries to this webhook
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Debug, clap::Args)]
pub(super) struct Filters {
    /// pending, delivered, failed or cancelled
    #[arg(long, value_name = "STATUS", value_parser = Status::ALL.map(Status::name), hide_possible_values = true)]
    status: Option<String>,
    /// Deliveries of events of this type
    #[arg(long, value_name = "TYPE")]
    event_type: Option<String>,
    /// Deliveries of this event
    #[arg(long, value_name = "ID")]
    event: Option<String>,
    /// Deliveries of this tenant's events
    #[arg(long)]
    tenant: Option<String>,
    /// Deliveries that were last answered so
    #[arg(long, value_name = "CODE", value_parser = clap::value_parser!(u16).range(100..=999))]
    status_code: Option<u16>,
    /// Made at this time or later: RFC 3339, or how long ago (24h)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Made before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
}

pub(super) const COLUMNS: &[Column] = &[
    Column { title: "ID", members: &["id"] },
    Column { title: "STATUS", members: &["status"] },
    Column { title: "CODE", members: &["status_code"] },
    Column { title: "ERROR", members: &["error_kind"] },
    Column { title: "EVENT TYPE", members: &["event_type"] },
    Column { title: "ATTEMPTS", members: &["attempt_count", "attempts"] },
    Column { title: "CREATED", members: &["created_at"] },
    Column { title: "NEXT ATTEMPT", members: &["next_attempt_at"] },
    Column { title: "ENDPOINT", members: &["endpoint_id", "endpoint"] },
    Column { title: "EVENT", members: &["event_id", "event"] },
    Column { title: "TENANT", members: &["tenant"] },
];

/// Of one delivery, at a glance: what was sent and answered stands below.
pub(super) const ATTEMPTS: &[Column] = &[
    Column { title: "NUMBER", members: &["number"] },
    Column { title: "STARTED", members: &["started_at"] },
    Column { title: "MS", members: &["duration_ms"] },
    Column { title: "CODE", members: &["status_code"] },
    Column { title: "ERROR", members: &["error.message"] },
    Column { title: "NEXT ATTEMPT", members: &["next_attempt_at"] },
];

impl Deliveries {
    pub(super) fn call(&self, now: Timestamp) -> Call {
        match self {
            Self::List(List { endpoint, filters, paging }) => {
                let call = Call::list(&["deliveries"], COLUMNS, paging).query("endpoint", endpoint.as_ref());
                filters.apply(call, now)
            }
            Self::Show(One { id }) => Call::get(&["deliveries", id]),
            Self::Retry(One { id }) => Call::post(&["deliveries", id, "retry"], None),
        }
    }
}

impl Filters {
    pub(super) fn apply(&self, call: Call, now: Timestamp) -> Call {
        call.query("status", self.status.as_ref())
            .query("event_type", self.event_type.as_ref())
            .query("event", self.event.as_ref())
            .query("tenant", self.tenant.as_ref())
            .query("status_code", self.status_code)
            .query("since", self.since.map(|since| since.before(now)))
            .query("until", self.until.map(|until| until.before(now)))
    }
}
