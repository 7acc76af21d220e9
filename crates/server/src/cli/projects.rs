//! `posthaste projects …`: products apart from each other on one server.

use clap::Subcommand;

use super::call::{Body, Call, Column, Paging, View};
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
    Delete(One),
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
            Self::Create(Create { name, slug, dialect }) => {
                let body = Body::default().with("name", name).with_some("slug", slug.as_ref());
                let body = body.with_some("dialect", dialect.as_ref());
                Call::post(&["projects"], Some(body)).view(CREATED)
            }
            Self::List(paging) => Call::list(&["projects"], COLUMNS, paging),
            Self::Show(One { id }) => Call::get(&["projects", id]),
            Self::Update(Update { one, name, slug, dialect }) => {
                let body = Body::default().with_some("name", name.as_ref()).with_some("slug", slug.as_ref());
                let body = body.with_some("dialect", dialect.as_ref());
                Call::patch(&["projects", &one.id], body)
            }
            Self::Delete(One { id }) => Call::delete(["projects", id], "deleted"),
        }
    }
}
