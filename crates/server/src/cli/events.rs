//! `posthaste events …`: what happened.

use std::io;
use std::path::PathBuf;

use clap::Subcommand;
use model::json::Json;
use model::time::Timestamp;

use super::call::{Call, Column, Paging, RequestBody};
use super::input;
use super::outcome::CommandError;
use super::typed::{self, When};

#[derive(Debug, Subcommand)]
pub(crate) enum Events {
    /// Send an event
    Send(Box<Send>),
    /// List events, newest first
    List(List),
    /// Show an event with its deliveries
    Show(One),
    /// Send an event again to every webhook that wants it
    Replay(One),
    /// List the types of events that there are, or show one
    Types(Types),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Send {
    /// Type of the event, for example order.created
    #[arg(value_name = "TYPE")]
    event_type: String,
    #[command(flatten)]
    data: Data,
    /// Id of your own; sending it twice gives the first answer again
    #[arg(long)]
    id: Option<String>,
    /// Whose event it is
    #[arg(long)]
    tenant: Option<String>,
    /// Sending the same key twice gives the first answer again
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// When it happened, if not now: RFC 3339, or how long ago (5m)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    occurred_at: Option<When>,
    /// Deliver no earlier: RFC 3339, or how far from now (1h)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    deliver_at: Option<When>,
    /// Deliver no later: RFC 3339, or how far from now (24h)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    expires_at: Option<When>,
}

/// Without any of these the data is `{}`.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct Data {
    /// The data, as JSON [{}]
    #[arg(long = "data", value_name = "JSON", value_parser = typed::json)]
    inline: Option<Json>,
    /// File with the data; - is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Read the data from standard input
    #[arg(value_name = "-", value_parser = ["-"], hide_possible_values = true)]
    stdin: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Events of this type
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<String>,
    /// This tenant's events
    #[arg(long)]
    tenant: Option<String>,
    /// Taken in at this time or later: RFC 3339, or how long ago (24h)
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    since: Option<When>,
    /// Taken in before this time
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    until: Option<When>,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Id of the event
    #[arg(value_parser = typed::id)]
    id: String,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Types {
    #[command(subcommand)]
    verb: Option<TypesVerb>,
    /// Types of this group
    #[arg(long)]
    group: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

#[derive(Debug, Subcommand)]
enum TypesVerb {
    /// Show a type with its schema and its example
    Show {
        /// Name of the type, for example order.created
        #[arg(value_name = "TYPE", value_parser = typed::id)]
        name: String,
    },
}

const TYPES: &[Column] = &[
    Column { title: "NAME", members: &["name"] },
    Column { title: "GROUP", members: &["group"] },
    Column { title: "SOURCE", members: &["source"] },
    Column { title: "DESCRIPTION", members: &["description"] },
];

const COLUMNS: &[Column] = &[
    Column { title: "ID", members: &["id"] },
    Column { title: "TYPE", members: &["type"] },
    Column { title: "CREATED", members: &["created_at"] },
    Column { title: "DELIVERIES", members: &["deliveries"] },
    Column { title: "TENANT", members: &["tenant"] },
];

impl Events {
    pub(super) fn call(&self, now: Timestamp) -> Result<Call, CommandError> {
        match self {
            Self::Send(args) => args.call(now),
            Self::List(args) => Ok(args.call(now)),
            Self::Show(One { id }) => Ok(Call::get(&["events", id])),
            Self::Types(args) => Ok(args.call()),
            Self::Replay(One { id }) => Ok(Call::post(&["events", id, "replay"], None)),
        }
    }
}

impl Send {
    fn call(&self, now: Timestamp) -> Result<Call, CommandError> {
        let body = RequestBody::default()
            .with("type", &self.event_type)
            .with("data", self.data.read()?)
            .with_some("id", self.id.as_ref())
            .with_some("tenant", self.tenant.as_ref())
            .with_some("occurred_at", self.occurred_at.map(|when| when.before(now)))
            .with_some("deliver_at", self.deliver_at.map(|when| when.after(now)))
            .with_some("expires_at", self.expires_at.map(|when| when.after(now)));
        Ok(Call::post(&["events"], Some(body)).header("idempotency-key", self.idempotency_key.clone()))
    }
}

impl List {
    fn call(&self, now: Timestamp) -> Call {
        Call::list(&["events"], COLUMNS, &self.paging)
            .query("type", self.event_type.as_ref())
            .query("tenant", self.tenant.as_ref())
            .query("since", self.since.map(|since| since.before(now)))
            .query("until", self.until.map(|until| until.before(now)))
    }
}

impl Types {
    fn call(&self) -> Call {
        match &self.verb {
            Some(TypesVerb::Show { name }) => Call::get(&["event-types", name]),
            None => Call::list(&["event-types"], TYPES, &self.paging).query("group", self.group.as_ref()),
        }
    }
}

impl Data {
    fn read(&self) -> Result<Json, CommandError> {
        if let Some(json) = &self.inline {
            return Ok(json.clone());
        }
        match &self.file {
            Some(path) if path.as_os_str() != "-" => input::read_file(path),
            None if self.stdin.is_none() => Ok(Json::trusted("{}")),
            _ => input::read(io::stdin().lock(), "standard input"),
        }
    }
}
