//! The flags of every command that asks a server: which one, with which key, and how its answer is printed.

use crate::client::{Error, Server};
use crate::config::{self, Environment};

const USUAL_SERVER: &str = "http://127.0.0.1:8600";

#[derive(Clone, Default, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct Connection {
    /// Server to ask [POSTHASTE_SERVER; http://127.0.0.1:8600]
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// Key to ask with [POSTHASTE_API_KEY; else admin.key in the data directory that `serve` would use here, for a server on this machine]
    #[arg(long, global = true, value_name = "KEY")]
    api_key: Option<String>,
    /// Project that the admin key asks about [POSTHASTE_PROJECT; default]
    #[arg(long, global = true, value_name = "SLUG")]
    project: Option<String>,
    /// How answers are printed; json is as the server answered
    #[arg(long, global = true, value_name = "FORMAT", value_enum, default_value = "table")]
    pub output: Output,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Output {
    #[default]
    Table,
    Json,
    /// Of a dialect's file alone.
    #[value(hide = true)]
    Toml,
}

/// The key is not printed.
impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("server", &self.server).field("output", &self.output).finish_non_exhaustive()
    }
}

impl Connection {
    /// The flags' ids in clap.
    pub(super) const FLAGS: [&str; 4] = ["server", "api_key", "project", "output"];

    pub(super) fn server(&self, environment: &Environment) -> Result<Server, Error> {
        let said =
            |flag: &Option<String>, variable| flag.clone().or_else(|| environment.var(variable).map(str::to_owned));
        let url = said(&self.server, "POSTHASTE_SERVER");
        let project = said(&self.project, "POSTHASTE_PROJECT");
        let key = said(&self.api_key, "POSTHASTE_API_KEY");
        let mut server = Server::new(url.as_deref().unwrap_or(USUAL_SERVER), key, project)?;
        // A local server's admin key is not for others to see.
        if server.key.is_none() && server.is_here() {
            server.key = local_admin_key(environment);
        }
        Ok(server)
    }
}

fn local_admin_key(environment: &Environment) -> Option<String> {
    let key = std::fs::read_to_string(config::data_dir(environment).join("admin.key")).ok()?;
    Some(key.trim().to_owned()).filter(|key| !key.is_empty())
}
