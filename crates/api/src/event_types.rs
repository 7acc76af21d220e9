//! Event types: those of the project's dialect, and its own over them.

use aws_lc_rs::digest;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use data_encoding::BASE64URL_NOPAD;
use dialect::Dialect;
use model::catalogue::EventType;
use model::json::Json as Written;
use model::key::Scope;
use model::project::Project;
use model::speech::Speech;
use model::subscription;
use rules::event_types::{Description, judge_name};
use serde::Serialize;
use utoipa::ToSchema;
use web::body::{SETTINGS, Sent};
use web::caller::{Caller, no_project};
use web::json;
use web::path::Named;
use web::problem::{Code, Problem};
use web::query::{Listed, Query, USUAL_PAGE};
use web::responses::{Lookup, Writing};

use crate::Api;

/// Types of its own that a project may have.
const MOST_OWN: usize = 1000;

/// A type and what is known about its events.
#[derive(Serialize, ToSchema)]
#[schema(as = EventType)]
pub(crate) struct EventTypeView {
    #[schema(value_type = String, example = "invoice.paid")]
    name: subscription::EventType,
    /// Under which heading it is listed.
    #[schema(required = true, example = "Invoices")]
    group: Option<String>,
    #[schema(required = true, example = "An invoice was paid in full.")]
    description: Option<String>,
    /// A JSON Schema: the data of every such event fits it.
    #[schema(required = true, value_type = Option<Value>, example = json!({ "type": "object", "required": ["id"] }))]
    schema: Option<Written>,
    /// Data of such an event. What a test sends.
    #[schema(required = true, value_type = Option<Value>, example = json!({ "id": "inv_1", "amount": 4200 }))]
    example: Option<Written>,
    /// `dialect`, or `project` if it is the project's own.
    #[schema(value_type = String, example = "project")]
    source: Source,
}

/// Who says what a type is.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    Dialect,
    Project,
}

impl EventTypeView {
    fn of(event_type: &EventType, speech: &Speech) -> Self {
        let own = speech.event_types.contains_key(&event_type.name);
        Self {
            name: event_type.name.clone(),
            group: event_type.group.clone(),
            description: event_type.description.clone(),
            schema: event_type.schema.clone(),
            example: event_type.example.clone(),
            source: if own { Source::Project } else { Source::Dialect },
        }
    }
}

/// List event types
///
/// The dialect's in the order of its file, then the project's own.
#[utoipa::path(get, path = "/v1/event-types", tag = "Event types", operation_id = "list_event_types",
    params(
        ("group" = Option<String>, Query, description = "Of this group."),
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of event types.", body = Listed<EventTypeView>), Lookup))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Json<Listed<EventTypeView>>, Problem> {
    // What can happen is every tenant's to know.
    let project = caller.may(Scope::Read)?.project;
    let dialect = api.dialect(project).await?;
    let group: Option<String> = query.take("group");
    let limit = query.limit(USUAL_PAGE);
    let start = query.take_with("cursor", |cursor| place_after(cursor, &dialect)).unwrap_or_default();
    query.finish()?;
    let wanted = |event_type: &&EventType| group.is_none() || event_type.group == group;
    let all = dialect.catalogue.types().skip(start).map(|known| &*known.event_type);
    let mut page: Vec<&EventType> = all.filter(wanted).take(limit + 1).collect();
    let next_cursor = if page.len() > limit {
        page.truncate(limit);
        page.last().and_then(|last| cursor_behind(&last.name, &dialect))
    } else {
        None
    };
    let speech = api.store.directory().project_dialects(project.id);
    Ok(Json(Listed {
        data: page.into_iter().map(|event_type| EventTypeView::of(event_type, &speech)).collect(),
        next_cursor,
    }))
}

/// A cursor is the place behind the last type of the page before, and a mark of its name.
fn cursor_behind(last: &subscription::EventType, dialect: &Dialect) -> Option<String> {
    let place = dialect.catalogue.types().position(|known| known.event_type.name == *last)? as u64 + 1;
    Some(BASE64URL_NOPAD.encode(&[place.to_be_bytes(), mark(last)].concat()))
}

/// Where the page begins: behind that type, wherever it is by now, or if it is gone at its place.
fn place_after(cursor: &str, dialect: &Dialect) -> Result<usize, &'static str> {
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    let bytes = bytes.ok_or("not a cursor: send the next_cursor of the page before as it came")?;
    let (place, marked) = bytes.split_at(8);
    let found = dialect.catalogue.types().position(|known| mark(&known.event_type.name) == marked);
    let place = place.try_into().map(u64::from_be_bytes).unwrap_or(u64::MAX);
    Ok(found.map_or_else(|| usize::try_from(place.saturating_sub(1)).unwrap_or(usize::MAX), |found| found + 1))
}

/// The first bytes of its SHA-256.
fn mark(name: &subscription::EventType) -> [u8; 8] {
    let hash = digest::digest(&digest::SHA256, name.as_str().as_bytes());
    hash.as_ref()[..8].try_into().expect("a SHA-256 has 32 bytes")
}

/// Show an event type
#[utoipa::path(get, path = "/v1/event-types/{name}", tag = "Event types", operation_id = "show_event_type",
    params(("name" = String, Path, description = "The type's name, percent-encoded.")),
    responses((status = 200, description = "The type.", body = EventTypeView), Lookup))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    Named(name): Named<subscription::EventType>,
) -> Result<Json<EventTypeView>, Problem> {
    // What can happen is every tenant's to know.
    let project = caller.may(Scope::Read)?.project;
    let dialect = api.dialect(project).await?;
    let known = dialect.catalogue.find(&name).ok_or_else(|| Problem::not_found("event type", name.as_str()))?;
    Ok(Json(EventTypeView::of(&known.event_type, &api.store.directory().project_dialects(project.id))))
}

/// Put an event type
///
/// Makes a type of the project's own, or says anew what it is: all that is known about it afterwards is what is sent
/// here. Of a type that the dialect has as well, the project's own holds. Events are held against the new schema from
/// then on; those that were accepted before stay. A project has at most 1,000 types of its own.
#[utoipa::path(put, path = "/v1/event-types/{name}", tag = "Event types", operation_id = "put_event_type",
    params(("name" = String, Path, description = "The type's name: words of letters, digits and underscores between full stops, or as the dialect's `[catalogue] names` says; percent-encoded, a `/` as `%2F`.")),
    request_body = Description,
    responses(
        (status = 201, description = "Made.", body = EventTypeView),
        (status = 200, description = "As it is now.", body = EventTypeView),
        Writing,
    ))]
pub(crate) async fn put(
    caller: Caller,
    State(api): State<Api>,
    Named(name): Named<String>,
    body: Sent,
) -> Result<(StatusCode, Json<EventTypeView>), Problem> {
    let project = caller.may(Scope::Admin)?.whole()?;
    let dialect = api.dialect(project).await?;
    let name = judge_name(&name, &dialect)?;
    let text = body.json(project.id, SETTINGS).await?;
    let judge = move || Ok(json::object::<Description>(&text)?.judge(name, &dialect)?);
    let event_type = api.work(project.id, judge).await?;
    let own = &api.store.directory().project_dialects(project.id).event_types;
    let is_new = !own.contains_key(&event_type.name);
    if is_new && own.len() >= MOST_OWN {
        return Err(Problem::full(MOST_OWN, "event types"));
    }
    if !api.store.put_event_type(&caller.actor(), project.id, event_type.clone()).await? {
        return Err(no_project(project.slug.as_str()));
    }
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(EventTypeView::of(&event_type, &api.store.directory().project_dialects(project.id)))))
}

/// Delete an event type
///
/// Of the project's own. Where the dialect has one of that name, it holds again.
#[utoipa::path(delete, path = "/v1/event-types/{name}", tag = "Event types", operation_id = "delete_event_type",
    params(("name" = String, Path, description = "The type's name, percent-encoded.")),
    responses((status = 204, description = "Deleted."), Lookup))]
pub(crate) async fn delete(
    caller: Caller,
    State(api): State<Api>,
    Named(name): Named<subscription::EventType>,
) -> Result<StatusCode, Problem> {
    let project = caller.may(Scope::Admin)?.whole()?;
    if api.store.remove_event_type(&caller.actor(), project.id, name.clone()).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(not_own(&name, project, &*api.dialect(project).await?))
}

fn not_own(name: &subscription::EventType, project: &Project, dialect: &Dialect) -> Problem {
    if dialect.catalogue.find(name).is_none() {
        return Problem::not_found("event type", name.as_str());
    }
    let detail = format!(
        "{name} is a type of the dialect {}, not of the project {} itself: put one of that name to say otherwise about it.",
        dialect.name,
        project.slug.as_str()
    );
    Problem::new(Code::NotEditable, detail)
}
