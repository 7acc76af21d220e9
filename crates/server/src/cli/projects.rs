//! `posthaste projects …`: products apart from each other on one server.

use std::collections::BTreeMap;

use clap::Subcommand;

use super::call::{Call, Column, Deleted, Paging, RequestBody, View};
use super::typed;

#[derive(Debug, Subcommand)]
pub(crate) enum Projects {
    /// Make a project; prints its id and its API key
    Create(Create),
    /// List the projects
    List(Paging),
    /// Show a project
    Show(One),
    /// Change a project
    Update(Update),
    /// Delete a project with all that is in it
    Delete(Deleted),
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Id of the project (prj_…)
    #[arg(value_parser = typed::id)]
    id: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// What you call it
    #[arg(long)]
    name: String,
    /// Its name in --project; made from the name unless given
    #[arg(long)]
    slug: Option<String>,
    /// How its webhooks speak [standard]
    #[arg(long)]
    dialect: Option<String>,
    #[command(flatten)]
    retention: Retention,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Retention {
    /// How long its events, deliveries and attempts are kept: 90d, forever, default (as the server keeps them)
    #[arg(long, value_name = "DURATION")]
    retention_contents: Option<String>,
    /// How long its attempts keep their bodies: 14d, forever, default (as the server keeps them)
    #[arg(long, value_name = "DURATION")]
    retention_attempt_bodies: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Update {
    #[command(flatten)]
    one: One,
    /// What you call it
    #[arg(long)]
    name: Option<String>,
    /// Its name in --project
    #[arg(long)]
    slug: Option<String>,
    /// How its webhooks speak
    #[arg(long)]
    dialect: Option<String>,
    /// Whether endpoints and events without a tenant are taken (optional) or refused (required)
    #[arg(long, value_name = "WHETHER", value_parser = ["optional", "required"])]
    tenants: Option<String>,
    #[command(flatten)]
    retention: Retention,
}

const COLUMNS: &[Column] = &[
    Column { title: "ID", members: &["id"] },
    Column { title: "SLUG", members: &["slug"] },
    Column { title: "NAME", members: &["name"] },
    Column { title: "DIALECT", members: &["dialect"] },
    Column { title: "CREATED", members: &["created_at"] },
];

const CREATED: View = View::One { inside: None, fields: None, note: Some("The API key is not shown again.") };

impl Projects {
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Create(Create { name, slug, dialect, retention }) => {
                let body = RequestBody::default().with("name", name).with_some("slug", slug.as_ref());
                let body = body.with_some("dialect", dialect.as_ref()).with_some("retention", retention.members());
                Call::post(&["projects"], Some(body)).view(CREATED)
            }
            Self::List(paging) => Call::list(&["projects"], COLUMNS, paging),
            Self::Show(One { id }) => Call::get(&["projects", id]),
            Self::Update(Update { one, name, slug, dialect, tenants, retention }) => {
                let body = RequestBody::default().with_some("name", name.as_ref()).with_some("slug", slug.as_ref());
                let body = body.with_some("tenants", tenants.as_ref());
                let body = body.with_some("dialect", dialect.as_ref()).with_some("retention", retention.members());
                Call::patch(&["projects", &one.id], body)
            }
            Self::Delete(deleted) => {
                let consequence = "the project is deleted with its endpoints, events, deliveries and keys.";
                Call::ask_and_delete("projects", deleted, "deleted", consequence)
            }
        }
    }
}

/// What is typed for: as the server has it.
const SERVERS: &str = "default";

impl Retention {
    /// Those that were typed.
    fn members(&self) -> Option<BTreeMap<&'static str, Option<&str>>> {
        let typed = [("contents", &self.retention_contents), ("attempt_bodies", &self.retention_attempt_bodies)];
        let mut members = BTreeMap::new();
        for (name, text) in typed {
            if let Some(text) = text.as_deref() {
                members.insert(name, Some(text).filter(|text| *text != SERVERS));
            }
        }
        (!members.is_empty()).then_some(members)
    }
}
