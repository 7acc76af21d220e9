//! `posthaste keys …`: API keys of a project.

use clap::Subcommand;
use model::key::Scope;

use super::call::{Call, Column, Deleted, Paging, RequestBody, View};

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make an API key and print it
    Create(Create),
    /// List the API keys
    List(Paging),
    /// Make an API key useless
    Revoke(Deleted),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// What you call it
    #[arg(long)]
    name: String,
    /// What it may do
    #[arg(long, value_name = "SCOPE[,SCOPE]", value_delimiter = ',', required = true, value_parser = Scope::ALL.map(Scope::name))]
    scopes: Vec<String>,
}

const COLUMNS: &[Column] = &[
    Column { title: "ID", members: &["id"] },
    Column { title: "NAME", members: &["name"] },
    Column { title: "SCOPES", members: &["scopes"] },
    Column { title: "CREATED", members: &["created_at"] },
];

const CREATED: View = View::One { inside: None, fields: None, note: Some("The API key is not shown again.") };

impl Keys {
    pub(super) fn call(&self) -> Call {
        match self {
            Self::Create(Create { name, scopes }) => {
                let body = RequestBody::default().with("name", name).with("scopes", scopes);
                Call::post(&["keys"], Some(body)).view(CREATED)
            }
            Self::List(paging) => Call::list(&["keys"], COLUMNS, paging),
            Self::Revoke(deleted) => {
                Call::ask_and_delete("keys", deleted, "revoked", "the API key does not work any more.")
            }
        }
    }
}
