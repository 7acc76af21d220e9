//! Runs a command against a server: asks, goes on through the pages of a list, prints.

use std::process::ExitCode;

use model::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::call::{Call, Column, Paging, View};
use super::connection::{Connection, Output};
use super::outcome::{CommandError, Printed, finish};
use super::{deliveries, events, jobs, keys, projects, show, webhooks};
use crate::client::{ApiResponse, Client, Error, Request};
use crate::config::Environment;
use crate::output::{self, OutputStyle};

/// The API's longest page.
const LONGEST_PAGE: usize = 250;

/// A command that asks a server.
#[derive(Debug)]
pub struct ClientCommand {
    pub(super) connection: Connection,
    pub(super) resource: Resource,
}

#[derive(Debug)]
pub(super) enum Resource {
    Webhooks(Box<webhooks::Webhooks>),
    Events(events::Events),
    Deliveries(deliveries::Deliveries),
    Projects(projects::Projects),
    Keys(keys::Keys),
    Jobs(jobs::Jobs),
}

/// Asks, prints the answer or on standard error why there is none, and says how the process ends. `now` is what times
/// like `24h` are counted from. Needs a runtime with time and IO.
pub async fn run_client(command: &ClientCommand, environment: &Environment, now: Timestamp) -> ExitCode {
    let done = command.perform(environment, now, OutputStyle::of_stdout(environment)).await;
    finish(done, command.connection.output)
}

impl ClientCommand {
    pub(super) async fn perform(
        &self,
        env: &Environment,
        now: Timestamp,
        style: OutputStyle,
    ) -> Result<Printed, CommandError> {
        let client = Client::new(self.connection.server(env)?)?;
        let call = self.resource.call(now)?;
        ask(&client, call, self.connection.output, style).await
    }
}

/// Asks, and puts the answer into the form that is wanted.
pub(super) async fn ask(
    client: &Client,
    call: Call,
    format: Output,
    style: OutputStyle,
) -> Result<Printed, CommandError> {
    if format == Output::Toml {
        return Err(CommandError::Input(
            "only `dialects show` prints TOML: write --output json or --output table".to_owned(),
        ));
    }
    if let View::List { columns, paging } = &call.view {
        let list = fetch(client, &call.request, paging).await?;
        return Ok(if format == Output::Json { list.json() } else { list.table(columns, style) });
    }
    if let Some(question) = &call.question
        && !output::confirmed(question)?
    {
        return Err(CommandError::Declined);
    }
    let answer = client.send(&call.request).await?;
    let printed = match (format, call.view) {
        (Output::Json, _) if answer.body.trim().is_empty() => Printed::default(),
        (Output::Json, _) => Printed { text: output::pretty(read(client, &answer)?) + "\n", note: None },
        (_, View::Done { verb, id }) => Printed { text: format!("{verb} {id}\n"), note: None },
        (_, view) => view.printed(read(client, &answer)?, style),
    };
    match call.is_no {
        Some(is_no) if is_no(&read(client, &answer)?) => Err(CommandError::No(printed)),
        _ => Ok(printed),
    }
}

impl Resource {
    pub(super) fn call(&self, now: Timestamp) -> Result<Call, CommandError> {
        match self {
            Self::Events(events) => events.call(now),
            Self::Webhooks(webhooks) => Ok(webhooks.call(now)),
            Self::Deliveries(deliveries) => Ok(deliveries.call(now)),
            Self::Projects(projects) => Ok(projects.call()),
            Self::Keys(keys) => Ok(keys.call()),
            Self::Jobs(jobs) => Ok(jobs.call()),
        }
    }
}

/// A list as the API gives it, one page or many.
#[derive(Serialize, Deserialize)]
struct List {
    data: Vec<Box<RawValue>>,
    next_cursor: Option<String>,
}

/// Follows the list to its end, or until enough is there.
async fn fetch(client: &Client, request: &Request, paging: &Paging) -> Result<List, CommandError> {
    let limit = paging.limit();
    let mut list = List { data: vec![], next_cursor: paging.cursor.clone() };
    loop {
        let length = (limit - list.data.len()).min(LONGEST_PAGE);
        let request = request.clone().with_query("limit", Some(length)).with_query("cursor", list.next_cursor.as_ref());
        let answer = client.send(&request).await?;
        let page: List = read(client, &answer)?;
        let is_empty = page.data.is_empty();
        list.data.extend(page.data.into_iter().take(length));
        list.next_cursor = page.next_cursor;
        if list.data.len() >= limit || list.next_cursor.is_none() || is_empty {
            return Ok(list);
        }
    }
}

impl List {
    fn json(&self) -> Printed {
        let raw = serde_json::value::to_raw_value(self).expect("raw JSON and text are JSON");
        Printed { text: output::pretty(&raw) + "\n", note: None }
    }

    fn table(&self, columns: &[Column], style: OutputStyle) -> Printed {
        let items: Vec<Value> = self.data.iter().filter_map(|raw| serde_json::from_str(raw.get()).ok()).collect();
        if items.is_empty() {
            return Printed { text: String::new(), note: Some("Nothing found.".to_owned()) };
        }
        let more = |cursor: &String| format!("There are more: raise --limit, or go on with --cursor {cursor}");
        Printed { text: show::table(columns, &items, style), note: self.next_cursor.as_ref().map(more) }
    }
}

fn read<'a, T: Deserialize<'a>>(client: &Client, answer: &'a ApiResponse) -> Result<T, Error> {
    serde_json::from_str(&answer.body).map_err(|error| client.stranger(&error.to_string()))
}

impl View {
    fn printed(&self, answer: &RawValue, style: OutputStyle) -> Printed {
        let Self::One { inside, fields, note } = self else { return Printed::default() };
        let inner = inside.and_then(|name| show::members(answer)?.remove(name));
        Printed { text: show::object(inner.unwrap_or(answer), *fields, style), note: note.map(str::to_owned) }
    }
}
