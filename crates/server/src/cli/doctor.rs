//! `posthaste doctor`: what is wrong with a running server, its cluster and its files, and what would be right.

mod check;
mod cluster;
mod files;

use std::path::PathBuf;
use std::process::ExitCode;

use hyper::Method;
use serde::Serialize;

use self::check::Check;
use self::cluster::Cluster;
use super::connection::{Connection, Output};
use super::outcome::{CommandError, Printed, finish};
use crate::client::{Client, Error, Request};
use crate::config::{self, Environment};
use crate::output;

#[derive(Debug)]
pub struct DoctorCommand {
    pub(super) connection: Connection,
    pub(super) args: DoctorWords,
}

#[derive(Debug, clap::Args)]
pub(super) struct DoctorWords {
    /// Read every row of the embedded database too, and check that all of it fits together; it takes a while
    #[arg(long)]
    deep: bool,
    /// Data directory to look at [the one that `serve` would use here, for a server on this machine]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

/// What was looked at, in order.
#[derive(Debug, Serialize)]
struct Report {
    /// Nothing is wrong; there may be warnings.
    ok: bool,
    checks: Vec<Check>,
}

/// Exits 0 when all is well, 1 when something is not, 3 when there are warnings alone.
pub async fn run_doctor(command: &DoctorCommand, environment: &Environment) -> ExitCode {
    finish(examine(command, environment).await, command.connection.output)
}

async fn examine(command: &DoctorCommand, environment: &Environment) -> Result<Printed, CommandError> {
    let DoctorCommand { connection, args } = command;
    let server = connection.server(environment)?;
    let local = args.local(environment, server.is_here());
    let client = Client::new(server)?;
    let mut checks = checks(&client).await;
    checks.extend(local.into_iter().flat_map(|data_dir| files::checks(&data_dir, args.deep)));
    let report = Report { ok: checks.iter().all(|check| check.ok), checks };
    let printed = Printed { text: report.text(connection.output), note: None };
    match report.ok {
        true if report.warns() => Err(CommandError::Warned(printed)),
        true => Ok(printed),
        false => Err(CommandError::No(printed)),
    }
}

impl DoctorWords {
    /// The data directory to look at, if there is one on this machine or one was asked for.
    fn local(&self, environment: &Environment, server_is_here: bool) -> Option<PathBuf> {
        let data_dir = self.data_dir.clone().unwrap_or_else(|| config::data_dir(environment));
        let wanted = self.deep || self.data_dir.is_some() || (server_is_here && data_dir.is_dir());
        wanted.then_some(data_dir)
    }
}

/// Stops where nothing more can be found out.
async fn checks(client: &Client) -> Vec<Check> {
    let get = |path: &str| Request { method: Method::GET, path: path.to_owned(), headers: vec![], body: None };
    let mut checks = vec![];
    match client.send(&get("/healthz")).await {
        Ok(answer) if is_healthy(&answer.body) => checks.push(Check::fine("server", "it answers")),
        Ok(_) => {
            let stranger = client.stranger("/healthz is not answered as Posthaste does");
            checks.push(Check::trouble("server", stranger.to_string(), NAME_IT));
            return checks;
        }
        Err(error) => {
            checks.push(Check::trouble(
                "server",
                error.to_string(),
                "start it with `posthaste serve`, or name it with --server",
            ));
            return checks;
        }
    }
    match client.send(&get("/readyz")).await {
        Ok(_) => checks.push(Check::fine("ready", "its database answers, and it can deliver")),
        Err(error) => {
            let remedy = "see that the database runs and that the server reaches it; the server's log says more";
            checks.push(Check::trouble("ready", error.to_string(), remedy));
        }
    }
    match client.send(&get("/v1/cluster")).await {
        Ok(answer) => match serde_json::from_str::<Cluster>(&answer.body) {
            Ok(cluster) => checks.extend(cluster.checks()),
            Err(error) => {
                let remedy = "ask with the `posthaste` of the server's own version";
                checks.push(Check::trouble("cluster", client.stranger(&error.to_string()).to_string(), remedy));
            }
        },
        Err(Error::Refused(problem)) if problem.is_ours() && [401, 403].contains(&problem.status()) => {
            let remedy =
                "name the admin key with --api-key or POSTHASTE_API_KEY: a project's key does not show the nodes";
            checks.push(Check::trouble("key", problem.to_string(), remedy));
        }
        Err(Error::Refused(problem)) if problem.is_ours() && problem.status() == 404 => {
            checks.push(Check::trouble(
                "cluster",
                problem.to_string(),
                "name a node that serves the API, with --server",
            ));
        }
        Err(Error::Refused(problem)) if !problem.is_ours() => {
            let stranger = client.stranger(&format!("it answered {} to /v1/cluster", problem.status()));
            checks.push(Check::trouble("cluster", stranger.to_string(), NAME_IT));
        }
        Err(error) => checks.push(Check::trouble("cluster", error.to_string(), "see the server's log")),
    }
    checks
}

const NAME_IT: &str = "name the address that `posthaste serve` printed, with --server or POSTHASTE_SERVER";

fn is_healthy(body: &str) -> bool {
    serde_json::from_str::<serde_json::Value>(body).is_ok_and(|body| body["status"] == "ok")
}

impl Report {
    fn text(&self, format: Output) -> String {
        if format == Output::Json {
            let raw = serde_json::value::to_raw_value(self).expect("a report is JSON");
            return output::pretty(&raw) + "\n";
        }
        let mut text = String::new();
        for Check { check, ok, warning, found, remedy } in &self.checks {
            let mark = match (ok, warning) {
                (false, _) => "WRONG",
                (true, true) => "look",
                (true, false) => "fine",
            };
            let found = output::harmless(found).replace('\n', " ");
            text.push_str(&format!("{mark:<5}  {check:<10}  {found}\n"));
            text.extend(remedy.iter().map(|remedy| format!("{:19}{remedy}\n", "")));
        }
        text.push_str(match self.ok {
            false => "Something is wrong.\n",
            true if self.warns() => "Nothing is wrong, but see to what is marked.\n",
            true => "All is well.\n",
        });
        text
    }

    fn warns(&self) -> bool {
        self.checks.iter().any(|check| check.warning)
    }
}
