//! The command line: what a user types, read into what is to be done.

mod call;
mod connection;
mod deliveries;
mod dialects;
mod doctor;
mod events;
pub mod exit;
mod input;
mod jobs;
mod keys;
mod outcome;
mod projects;
mod run;
mod show;
#[cfg(test)]
mod tests;
mod typed;
mod webhooks;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{self, Environment, Flags};
use crate::output;

pub use self::dialects::{DialectsCommand, run_dialects};
pub use self::doctor::{DoctorCommand, run_doctor};
pub use self::run::{ClientCommand, run_client};

use self::connection::Connection;
use self::run::Resource;

/// What is to be done.
#[derive(Debug)]
pub enum Command {
    Serve(Flags),
    Demo(Demo),
    Migrate(Flags),
    RotateMasterKey(RotateMasterKey),
    OpenApi,
    Config(ConfigWords),
    /// Something to ask of a running server: [`run_client`] does it.
    Client(Box<ClientCommand>),
    /// Files of dialects, and those that a server keeps: [`run_dialects`] does it.
    Dialects(Box<DialectsCommand>),
    /// What is wrong with a running server: [`run_doctor`] finds out.
    Doctor(Box<DoctorCommand>),
}

/// Reads the words of a command line, the program's name first. The error may also be a page of help: clap's `print`
/// puts either where it belongs, and its `use_stderr` tells them apart.
pub fn parse(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Command, clap::Error> {
    let mut command = command();
    let mut matches = command.try_get_matches_from_mut(args)?;
    let args = Words::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))?;
    Ok(args.into_command())
}

/// Sends webhooks: takes events in, signs them, delivers them, and shows what became of each
#[derive(Parser)]
#[command(name = "posthaste", version, max_term_width = 110, after_help = AFTERWORD)]
struct Words {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    connection: Connection,
}

const AFTERWORD: &str = "\
`posthaste demo` shows it all at once. `posthaste serve` runs a server; most other commands ask one.

Examples:
  posthaste serve --allow-http --allow-network 127.0.0.0/8
  posthaste webhooks register --name=shop --on=order.created --url=https://example.com/hook
  posthaste events send order.created --data '{\"id\": 7}'
  posthaste deliveries list --status failed --since 24h

`posthaste help COMMAND` says more.";

#[derive(Subcommand)]
enum Verb {
    /// Run a server
    Serve(Flags),
    /// Run a server on a temporary database, with receivers and live traffic
    Demo(Demo),
    /// Endpoints that events are sent to
    #[command(subcommand, visible_alias = "endpoints")]
    Webhooks(Box<webhooks::Webhooks>),
    /// What happened: send events, look them up, send them again
    #[command(subcommand)]
    Events(events::Events),
    /// Events on their way to endpoints, with every attempt
    #[command(subcommand)]
    Deliveries(deliveries::Deliveries),
    /// Products apart from each other on one server (admin key)
    #[command(subcommand)]
    Projects(projects::Projects),
    /// API keys of a project, and the key that secrets are encrypted with
    #[command(subcommand)]
    Keys(Keys),
    /// How webhooks speak: look at dialects, check and compare their files, find the one of another system
    #[command(subcommand)]
    Dialects(dialects::Dialects),
    /// Long work: recovering a webhook, replaying an event
    #[command(subcommand)]
    Jobs(jobs::Jobs),
    /// Say what is wrong with a running server, its cluster and its files, and what would be right (admin key)
    Doctor(doctor::DoctorWords),
    /// The configuration of `serve`
    #[command(subcommand)]
    Config(ConfigWords),
    /// Bring the database to this version, without serving
    Migrate(Flags),
    /// Print the OpenAPI document
    #[command(name = "openapi")]
    OpenApi,
}

#[derive(Subcommand)]
enum Keys {
    #[command(flatten)]
    OfProject(keys::Keys),
    /// Encrypt all secrets anew, with a new master key; the server must not be running
    RotateMaster(RotateMasterKey),
}

#[derive(Debug, clap::Args)]
pub struct Demo {
    /// Address and port to listen on [127.0.0.1:8600]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// Nothing may run on the database meanwhile.
#[derive(Debug, clap::Args)]
pub struct RotateMasterKey {
    /// File with the new key, 32 bytes in base64; without it a key is made
    #[arg(long, value_name = "FILE")]
    pub new_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub flags: Flags,
}

#[derive(Debug, Subcommand)]
pub enum ConfigWords {
    /// Print a configuration file with every key, its meaning and its default
    Print,
    /// Say what is wrong with the file, the environment and the flags of `serve`, all at once
    Check(Flags),
}

/// Commands that ask no server: the flags for that would be noise on their help pages.
const WITHOUT_A_SERVER: [&str; 5] = ["serve", "demo", "config", "migrate", "openapi"];

/// The settings that commands on a database heed. They take the others of `serve` too, so that one set of flags does
/// for all.
const OF_THE_DATABASE: [&str; 7] =
    ["config", "data_dir", "database_url", "database.direct_url", "network.ca_file", "master_key_file", "new_key_file"];

fn command() -> clap::Command {
    let mut command = Words::command();
    // Only now do subcommands have the global flags.
    command.build();
    let silent = |command: clap::Command, name| command.mut_subcommand(name, |inner| hide(inner, &is_of_a_server));
    let on_database = |command: clap::Command| hide(command, &|id| !OF_THE_DATABASE.contains(&id));
    WITHOUT_A_SERVER
        .into_iter()
        .fold(command, silent)
        .mut_subcommand("migrate", on_database)
        .mut_subcommand("keys", |keys| keys.mut_subcommand("rotate-master", on_database))
        .mut_subcommand("dialects", |dialects| silent(dialects, "check"))
}

fn is_of_a_server(id: &str) -> bool {
    Connection::FLAGS.contains(&id)
}

/// Leaves out flags on the help pages of a command and all below it.
fn hide(command: clap::Command, is_noise: &dyn Fn(&str) -> bool) -> clap::Command {
    let hidden = |arg: clap::Arg| match arg.get_id().as_str() {
        "help" => arg,
        id if is_noise(id) => arg.hide(true),
        _ => arg,
    };
    let names: Vec<String> = command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
    let below = |command: clap::Command, name| command.mut_subcommand(name, |inner| hide(inner, is_noise));
    names.into_iter().fold(command.mut_args(hidden), below)
}

impl Words {
    fn into_command(self) -> Command {
        let resource = match self.verb {
            Verb::Serve(flags) => return Command::Serve(flags),
            Verb::Demo(demo) => return Command::Demo(demo),
            Verb::Migrate(flags) => return Command::Migrate(flags),
            Verb::OpenApi => return Command::OpenApi,
            Verb::Config(args) => return Command::Config(args),
            Verb::Keys(Keys::RotateMaster(args)) => return Command::RotateMasterKey(args),
            Verb::Keys(Keys::OfProject(keys)) => Resource::Keys(keys),
            Verb::Webhooks(webhooks) => Resource::Webhooks(webhooks),
            Verb::Events(events) => Resource::Events(events),
            Verb::Deliveries(deliveries) => Resource::Deliveries(deliveries),
            Verb::Projects(projects) => Resource::Projects(projects),
            Verb::Jobs(jobs) => Resource::Jobs(jobs),
            Verb::Doctor(args) => {
                return Command::Doctor(Box::new(DoctorCommand { connection: self.connection, args }));
            }
            Verb::Dialects(args) => {
                return Command::Dialects(Box::new(DialectsCommand { connection: self.connection, args }));
            }
        };
        Command::Client(Box::new(ClientCommand { connection: self.connection, resource }))
    }
}

/// `config print` and `config check`.
pub fn run_config(args: &ConfigWords, environment: &Environment) -> ExitCode {
    let text = match args {
        ConfigWords::Print => config::example(),
        ConfigWords::Check(flags) => match config::load(flags, environment) {
            Ok(_) => "The configuration is fine.\n".to_owned(),
            Err(mistakes) => return bad_configuration(&mistakes),
        },
    };
    match output::print(&text) {
        Ok(()) => ExitCode::from(exit::DONE),
        Err(error) => {
            output::print_error(&format!("error: standard output cannot be written: {error}"));
            ExitCode::from(exit::FAILED)
        }
    }
}

/// Tells every mistake on a line of its own.
pub fn bad_configuration(mistakes: &[config::ConfigDiagnostic]) -> ExitCode {
    for mistake in mistakes {
        output::print_error(&mistake.to_string());
    }
    ExitCode::from(exit::BAD_CONFIGURATION)
}
