//! `posthaste dialects …`: how webhooks speak. What is in the program or in a file is looked at without a server.

mod check;
mod diff;
mod file;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use hyper::Method;
use serde_json::{Value, json};

use self::file::Text;
use super::call::{Call, Column, Deleted, Paging, View};
use super::connection::{Connection, Output};
use super::outcome::{CommandError, Printed, finish};
use super::run;
use super::{show, typed};
use crate::client::{Client, Error, Request};
use crate::config::Environment;
use crate::output::{self, OutputStyle};

#[derive(Debug, Subcommand)]
pub(crate) enum Dialects {
    /// List the dialects: those that come with Posthaste, and the project's own if a server answers
    List(Paging),
    /// Print the file of a dialect (--output toml or json)
    Show(One),
    /// Say what is wrong with a dialect file, or which dialect a captured request is in; asks no server
    Check(Check),
    /// Say in which settings two dialects differ; ends with 1 if they do, with 2 if that cannot be said
    Diff(Diff),
    /// Give the project a dialect of its own, or change it
    Put(Put),
    /// Delete a dialect of the project's own
    Delete(Deleted),
}

#[derive(Debug, clap::Args)]
pub(crate) struct One {
    /// Name of the dialect
    #[arg(value_parser = typed::id)]
    name: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Dialect file in TOML or JSON, - for standard input
    #[arg(required_unless_present = "sample")]
    file: Option<PathBuf>,
    /// A captured request, {"method", "headers", "body" or "body_b64", "secret"} in JSON: prints a dialect file that makes
    /// such requests or, with FILE, says whether FILE does
    #[arg(long, value_name = "REQUEST.json")]
    sample: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// Name of a dialect, or a file (with a dot or a slash in its name)
    a: String,
    /// Another
    b: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Put {
    /// Dialect file in TOML or JSON, - for standard input
    file: PathBuf,
    /// Name of the dialect [the name in the file]
    #[arg(long, value_parser = typed::id)]
    name: Option<String>,
}

/// A command on dialects.
#[derive(Debug)]
pub struct DialectsCommand {
    pub(super) connection: Connection,
    pub(super) args: Dialects,
}

const COLUMNS: &[Column] = &[
    Column { title: "NAME", members: &["name"] },
    Column { title: "TITLE", members: &["title"] },
    Column { title: "BUILT IN", members: &["built_in"] },
    Column { title: "UPDATED", members: &["updated_at"] },
];

const TOML: &str = "application/toml";

/// Does it, prints what there is to say and says how the process ends. Needs a runtime with time and IO.
pub async fn run_dialects(command: &DialectsCommand, environment: &Environment) -> ExitCode {
    finish(command.perform(environment, OutputStyle::of_stdout(environment)).await, command.connection.output)
}

impl DialectsCommand {
    pub(super) async fn perform(&self, env: &Environment, style: OutputStyle) -> Result<Printed, CommandError> {
        let format = self.connection.output;
        match &self.args {
            Dialects::List(paging) => self.list(paging, env, style).await,
            Dialects::Show(One { name }) => self.show(name, env).await,
            Dialects::Check(args) => args.perform(format),
            Dialects::Diff(Diff { a, b }) => {
                // As `diff` has it: 1 is a difference, so what goes wrong is something else.
                let cannot = |failure: CommandError| CommandError::Input(failure.to_string());
                let (ours, theirs) =
                    (self.text(a, env).await.map_err(cannot)?, self.text(b, env).await.map_err(cannot)?);
                diff::between(&ours, &theirs, format, style)
            }
            Dialects::Put(args) => self.ask(args.call()?, env, style).await,
            Dialects::Delete(deleted) => {
                let call = Call::ask_and_delete("dialects", deleted, "deleted", "the dialect is deleted.");
                self.ask(call, env, style).await
            }
        }
    }

    fn client(&self, env: &Environment) -> Result<Client, Error> {
        Client::new(self.connection.server(env)?)
    }

    async fn ask(&self, call: Call, env: &Environment, style: OutputStyle) -> Result<Printed, CommandError> {
        run::ask(&self.client(env)?, call, self.connection.output, style).await
    }

    /// A server knows them all; without one there are those in this program.
    async fn list(&self, paging: &Paging, env: &Environment, style: OutputStyle) -> Result<Printed, CommandError> {
        let format = self.connection.output;
        let server = self.connection.server(env)?;
        let why = if server.key.is_none() {
            "there is no API key: name one with --api-key or POSTHASTE_API_KEY".to_owned()
        } else {
            let call = Call::list(&["dialects"], COLUMNS, paging);
            match run::ask(&Client::new(server)?, call, format, style).await {
                Err(CommandError::Client(error)) => error.to_string(),
                done => return done,
            }
        };
        let data: Vec<Value> = dialect::built_in_names()
            .filter_map(dialect::built_in)
            .map(
                |dialect| json!({ "name": dialect.name, "title": dialect.title, "built_in": true, "updated_at": null }),
            )
            .collect();
        let text = match format {
            Output::Json => format!("{:#}\n", json!({ "data": data, "next_cursor": null })),
            Output::Table | Output::Toml => show::table(COLUMNS, &data, style),
        };
        Ok(Printed { text, note: Some(format!("The project's own dialects are not shown: {why}")) })
    }

    async fn show(&self, name: &str, env: &Environment) -> Result<Printed, CommandError> {
        let text = self.named(name, env).await?;
        let text = match self.connection.output {
            Output::Toml | Output::Table => text.toml,
            Output::Json => {
                dialect::toml_json::json_from_toml(&text.toml).map_err(|mistakes| text.refused(&mistakes))?
            }
        };
        Ok(Printed { text: output::harmless(text.trim_end()) + "\n", note: None })
    }

    /// The dialect of a file or, where the words are no file's, of this name.
    async fn text(&self, args: &str, env: &Environment) -> Result<Text, CommandError> {
        if args == "-" || args.contains(['.', '/', '\\']) {
            Text::read(args.as_ref())
        } else {
            self.named(args, env).await
        }
    }

    async fn named(&self, name: &str, env: &Environment) -> Result<Text, CommandError> {
        if let Some(text) = dialect::built_in_text(name) {
            return Ok(Text {
                name: name.to_owned(),
                toml: text.to_owned(),
                json: None,
                format: self.connection.output,
            });
        }
        let request = Request::new(Method::GET, &["dialects", name]).with_header("accept", Some(TOML.to_owned()));
        let answer = self.client(env)?.send(&request).await.map_err(|error| match error {
            Error::NoServer { .. } => CommandError::Input(format!(
                "{name} does not come with Posthaste, and to look for it among the project's own: {error}\nFor a file, write ./{name} or its name with .toml."
            )),
            other => other.into(),
        })?;
        Ok(Text { name: name.to_owned(), toml: answer.body, json: None, format: self.connection.output })
    }
}

impl Put {
    fn call(&self) -> Result<Call, CommandError> {
        let text = Text::read(&self.file)?;
        let name = match &self.name {
            Some(name) => name.clone(),
            None => text.dialect()?.name,
        };
        let request = Request::new(Method::PUT, &["dialects", &name]);
        let request = match text.json {
            Some(json) => request.with_body(json),
            None => request.with_body(text.toml).with_header("content-type", Some(TOML.to_owned())),
        };
        Ok(Call::new(request, View::Done { verb: "put", id: name }))
    }
}
