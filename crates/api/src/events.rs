//! Events: taken in, looked up, sent again.

pub(crate) mod batch;
mod idempotency;
mod view;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use dialect::Dialect;
use model::env::Env;
use model::id::EventId;
use model::job::Task;
use model::key::Scope;
use model::project::Project;
use model::subscription::EventType;
use rules::event_types::Hints;
use rules::events::new_event::{ENVELOPE, NewEvent, ValidEvent};
use store::ingest::{Accepted, Clash, Intake};
use store::search::{DeliveryFilter, EventFilter, Paging};
use web::answers::Answer;
use web::body::{SMALL, Sent};
use web::caller::Caller;
use web::json;
use web::path::Named;
use web::problem::{Code, Problem};
use web::query::{LARGEST_PAGE, Listed, Query};
use web::responses::{Lookup, Writing};

use self::idempotency::IdempotencyKey;
use self::view::{EventView, FullEvent, Taken};
use crate::Api;
use crate::jobs::JobView;

/// Bytes of an event times subschemas that it may be held against: two milliseconds' work.
const LIGHT: usize = 64 * 1024;

/// Send an event
///
/// `202` means that the event is on disk, with its deliveries or, if they are more than 256, with the list of those who
/// get one: none is lost. A repeat with the same `id` or
/// `Idempotency-Key` is answered `200` with what the first was answered, and makes nothing new.
#[utoipa::path(post, path = "/v1/events", tag = "Events", operation_id = "send_event",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the request: 1 to 255 ASCII characters.")),
    request_body = NewEvent<'_>,
    responses(
        (status = 202, description = "Accepted: on disk, deliveries under way.", body = Taken),
        (status = 200, description = "Accepted before: the first answer again.", body = Taken),
        Writing,
    ))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    key: IdempotencyKey,
    body: Sent,
) -> Result<(StatusCode, Json<Taken>), Problem> {
    let project = caller.may(Scope::EventsWrite)?.whole()?;
    let dialect = api.dialect(project).await?;
    let text = body.json(project.id, dialect.limits.payload_bytes + ENVELOPE).await?;
    let (intake, _room) = if is_light(&text, &dialect) {
        (judged(&text, project, &dialect, key, &*api.env)?, text.into_room())
    } else {
        let (own, env) = (project.clone(), api.env.clone());
        let judge = move || Ok((judged(&text, &own, &dialect, key, &*env)?, text.into_room()));
        api.work(project.id, judge).await?
    };
    let event_type = intake.event.event_type.clone();
    answer(api.store.ingest(&caller.actor(), intake).await?, event_type).map(|(status, taken)| (status, Json(taken)))
}

fn judged(
    text: &str,
    project: &Project,
    dialect: &Dialect,
    key: IdempotencyKey,
    env: &dyn Env,
) -> Result<Intake, Problem> {
    let event = json::object::<NewEvent<'_>>(text)?.judge(project, dialect, key.alone(), env, &Hints::default())?;
    Ok(intake(event))
}

/// What the store takes in.
fn intake(ValidEvent { event, chose_id, idempotency_key, fingerprint }: ValidEvent) -> Intake {
    Intake { event, chose_id, idempotency_key, fingerprint }
}

/// Whether reading it, and holding it against any schema of the dialect, is done within a request's turn.
fn is_light(text: &str, dialect: &Dialect) -> bool {
    text.len() <= SMALL && text.len().saturating_mul(dialect.catalogue.heaviest()) <= LIGHT
}

/// What became of an event, as its sender is told.
fn answer(accepted: Accepted, event_type: EventType) -> Result<(StatusCode, Taken), Problem> {
    match accepted {
        Accepted::New { id, deliveries } => Ok((StatusCode::ACCEPTED, Taken { id, event_type, deliveries })),
        Accepted::Again { id, event_type, deliveries } => Ok((StatusCode::OK, Taken { id, event_type, deliveries })),
        Accepted::Conflict(Clash::Id) => {
            let message = "an event with this id was accepted before, and its request was another one";
            Err(Problem::at(Code::IdempotencyConflict, "/id", message))
        }
        Accepted::Conflict(Clash::IdempotencyKey) => {
            let message = "an event with this key was accepted before, and its request was another one";
            Err(Problem::at(Code::IdempotencyConflict, idempotency::NAME.as_str(), message))
        }
    }
}

/// List events
///
/// Newest first, without their data.
#[utoipa::path(get, path = "/v1/events", tag = "Events", operation_id = "list_events",
    params(
        ("type" = Option<String>, Query, description = "Of this type."),
        ("tenant" = Option<String>, Query, description = "Of this tenant."),
        ("since" = Option<String>, Query, description = "Accepted at or after, RFC 3339."),
        ("until" = Option<String>, Query, description = "Accepted before, RFC 3339."),
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of events.", body = Listed<EventView>), Lookup))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Answer<Listed<EventView>>, Problem> {
    let grant = caller.may(Scope::Read)?;
    let project = grant.project;
    let filter = EventFilter {
        event_type: query.take("type"),
        tenant: grant.tenant_of_list(query.take("tenant"))?,
        since: query.take("since"),
        until: query.take("until"),
    };
    let paging = query.paging();
    query.finish()?;
    let share = api.answers.page(project.id, paging.limit).await?;
    let page = api.store.events(project.id, filter, paging).await?;
    Ok(Answer::of(Listed::of(page, EventView::of), share))
}

/// Show an event
///
/// With its data and its deliveries, also when there are none. Of more than 250 deliveries the newest are shown;
/// `GET /v1/deliveries?event=ID` lists all.
#[utoipa::path(get, path = "/v1/events/{id}", tag = "Events", operation_id = "show_event",
    params(("id" = String, Path, description = "The event's id.")),
    responses((status = 200, description = "The event.", body = FullEvent), Lookup))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EventId>,
) -> Result<Answer<FullEvent>, Problem> {
    let project = caller.may(Scope::Read)?.whole()?;
    let not_found = || Problem::not_found("event", id.as_str());
    let weight = api.store.weight_of_event(project.id, id.clone()).await?.ok_or_else(not_found)?;
    let share = api.answers.bodies(project.id, weight).await?;
    let stored = api.store.event(project.id, id.clone()).await?.ok_or_else(not_found)?;
    let filter = DeliveryFilter { event: Some(id), ..DeliveryFilter::default() };
    let deliveries = api.store.deliveries(project.id, filter, Paging { limit: LARGEST_PAGE, after: None }).await?;
    Ok(Answer::of(FullEvent::of(stored.event, deliveries.items), share))
}

/// Send an event again
///
/// To every active endpoint that wants it now. Receivers see the same `webhook-id`. The answer is a job.
#[utoipa::path(post, path = "/v1/events/{id}/replay", tag = "Events", operation_id = "replay_event",
    params(("id" = String, Path, description = "The event's id.")),
    responses((status = 202, description = "Under way.", body = JobView), Lookup))]
pub(crate) async fn replay(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<EventId>,
) -> Result<(StatusCode, Json<JobView>), Problem> {
    let project = caller.may(Scope::EventsWrite)?.whole()?;
    let found = api.store.weight_of_event(project.id, id.clone()).await?;
    found.ok_or_else(|| Problem::not_found("event", id.as_str()))?;
    let job = api.store.create_job(&caller.actor(), project.id, Task::Replay { event: id }).await?;
    Ok((StatusCode::ACCEPTED, Json(JobView::of(&job))))
}
