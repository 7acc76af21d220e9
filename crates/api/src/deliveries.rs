//! Deliveries: looked up with every attempt, and tried once more by hand.

pub(crate) mod view;

use axum::extract::State;
use axum::http::StatusCode;
use model::delivery::Status;
use model::id::{DeliveryId, EndpointId, EventId, ProjectId};
use model::key::Scope;
use model::project::Project;
use store::retries::Retried;
use store::search::{Bodies, DeliveryFilter, Paging};
use web::answers::Answer;
use web::caller::{Caller, Grant};
use web::path::Named;
use web::problem::{Code, Problem};
use web::query::{Listed, Query};
use web::responses::Lookup;

use self::view::{DeliveryView, FullDelivery, Shown};
use crate::Api;
use crate::sight::Sight;

/// List deliveries
///
/// Newest first.
#[utoipa::path(get, path = "/v1/deliveries", tag = "Deliveries", operation_id = "list_deliveries",
    params(
        ("status" = Option<String>, Query, description = "`pending`, `delivered`, `failed` or `cancelled`."),
        ("event_type" = Option<String>, Query, description = "Of events of this type."),
        ("event" = Option<String>, Query, description = "Of the event with this id."),
        ("endpoint" = Option<String>, Query, description = "To the endpoint with this id."),
        ("tenant" = Option<String>, Query, description = "Of this tenant's events."),
        ("status_code" = Option<u16>, Query, description = "Whose last attempt was answered with this status."),
        ("since" = Option<String>, Query, description = "Made at or after, RFC 3339."),
        ("until" = Option<String>, Query, description = "Made before, RFC 3339."),
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of deliveries.", body = Listed<DeliveryView>), Lookup))]
pub(crate) async fn list(
    caller: Caller,
    State(api): State<Api>,
    mut query: Query,
) -> Result<Answer<Listed<DeliveryView>>, Problem> {
    let grant = caller.may(Scope::Read)?;
    let endpoint = query.take("endpoint");
    let filter = filter(&mut query, grant, endpoint)?;
    page(&api, grant.project, filter, query).await
}

/// List an endpoint's deliveries
///
/// Newest first. Deliveries of a deleted endpoint stay listed.
#[utoipa::path(get, path = "/v1/endpoints/{id}/deliveries", tag = "Deliveries", operation_id = "list_endpoint_deliveries",
    params(
        ("id" = String, Path, description = "The endpoint's id."),
        ("status" = Option<String>, Query, description = "`pending`, `delivered`, `failed` or `cancelled`."),
        ("event_type" = Option<String>, Query, description = "Of events of this type."),
        ("event" = Option<String>, Query, description = "Of the event with this id."),
        ("tenant" = Option<String>, Query, description = "Of this tenant's events."),
        ("status_code" = Option<u16>, Query, description = "Whose last attempt was answered with this status."),
        ("since" = Option<String>, Query, description = "Made at or after, RFC 3339."),
        ("until" = Option<String>, Query, description = "Made before, RFC 3339."),
        ("limit" = Option<u32>, Query, description = "1 to 250, usually 50."),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page of deliveries.", body = Listed<DeliveryView>), Lookup))]
pub(crate) async fn list_of_endpoint(
    caller: Caller,
    State(api): State<Api>,
    Named(endpoint): Named<EndpointId>,
    mut query: Query,
) -> Result<Answer<Listed<DeliveryView>>, Problem> {
    let grant = caller.may(Scope::Read)?;
    let filter = filter(&mut query, grant, Some(endpoint))?;
    if !was_ever(&api, grant.project.id, endpoint).await? {
        return Err(Problem::not_found("endpoint", &endpoint.to_string()));
    }
    page(&api, grant.project, filter, query).await
}

/// Show a delivery
///
/// With the body that was sent and every attempt.
#[utoipa::path(get, path = "/v1/deliveries/{id}", tag = "Deliveries", operation_id = "show_delivery",
    params(
        ("id" = String, Path, description = "The delivery's id, a UUID."),
        ("bodies" = Option<bool>, Query, description = "`false` leaves out `request_body` and each `response_body`."),
    ),
    responses((status = 200, description = "The delivery.", body = FullDelivery), Lookup))]
pub(crate) async fn show(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<DeliveryId>,
    mut query: Query,
) -> Result<Answer<FullDelivery>, Problem> {
    caller.may(Scope::Read)?.whole()?;
    let bodies = match query.take::<bool>("bodies") {
        Some(false) => Bodies::Without,
        Some(true) | None => Bodies::With,
    };
    query.finish()?;
    full(&api, &caller, id, bodies).await
}

/// Try once more
///
/// One attempt now. A delivery that had ended gets no schedule behind it; one that is pending keeps its own.
#[utoipa::path(post, path = "/v1/deliveries/{id}/retry", tag = "Deliveries", operation_id = "retry_delivery",
    params(("id" = String, Path, description = "The delivery's id, a UUID.")),
    responses((status = 202, description = "Due now.", body = FullDelivery), Lookup))]
pub(crate) async fn retry(
    caller: Caller,
    State(api): State<Api>,
    Named(id): Named<DeliveryId>,
) -> Result<(StatusCode, Answer<FullDelivery>), Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    match api.store.retry(&caller.actor(), project.id, id).await? {
        None => Err(Problem::not_found("delivery", &id.to_string())),
        Some(Retried::NoEndpoint) => {
            let detail = "The endpoint of this delivery was deleted: there is nowhere to send it.";
            Err(Problem::new(Code::Conflict, detail))
        }
        Some(Retried::Due) => Ok((StatusCode::ACCEPTED, full(&api, &caller, id, Bodies::With).await?)),
    }
}

/// A delivery with all that is known about it.
pub(crate) async fn full(
    api: &Api,
    caller: &Caller,
    id: DeliveryId,
    bodies: Bodies,
) -> Result<Answer<FullDelivery>, Problem> {
    let project = caller.project();
    let found = find(api, project, id, bodies).await?;
    let sent = match (bodies, found.value().attempt_with_body()) {
        (Bodies::With, Some(number)) => api.store.sent_body(project.id, id, number).await?,
        (Bodies::With, None) | (Bodies::Without, _) => None,
    };
    // What was sent is shown also where the dialect it was sent in is gone.
    let dialect = api.dialect(project).await.ok();
    let shown = Shown { dialect: dialect.as_deref(), sight: Sight::of(caller), bodies };
    Ok(found.map(|found| FullDelivery::of(found, sent, &shown)))
}

/// As the store has it, with room for its bodies.
pub(crate) async fn find(
    api: &Api,
    project: &Project,
    id: DeliveryId,
    bodies: Bodies,
) -> Result<Answer<store::search::FullDelivery>, Problem> {
    let not_found = || Problem::not_found("delivery", &id.to_string());
    let weight = api.store.weight_of_delivery(project.id, id).await?.ok_or_else(not_found)?;
    let share = api.answers.bodies(project.id, weight).await?;
    let found = api.store.delivery(project.id, id, bodies).await?.ok_or_else(not_found)?;
    Ok(Answer::of(found, share))
}

fn filter(query: &mut Query, grant: Grant<'_>, endpoint: Option<EndpointId>) -> Result<DeliveryFilter, Problem> {
    Ok(DeliveryFilter {
        endpoint,
        event: query.take::<EventId>("event"),
        status: query.take_with("status", |name| {
            Status::named(name).ok_or("a status is pending, delivered, failed or cancelled")
        }),
        event_type: query.take("event_type"),
        tenant: grant.tenant_of_list(query.take("tenant"))?,
        status_code: query.take_with("status_code", |text| {
            text.parse().ok().filter(|code| (100..1000).contains(code)).ok_or("a status code is a number like 503")
        }),
        since: query.take("since"),
        until: query.take("until"),
    })
}

async fn page(
    api: &Api,
    project: &Project,
    filter: DeliveryFilter,
    mut query: Query,
) -> Result<Answer<Listed<DeliveryView>>, Problem> {
    let paging = query.paging();
    query.finish()?;
    let share = api.answers.page(project.id, paging.limit).await?;
    let page = api.store.deliveries(project.id, filter, paging).await?;
    Ok(Answer::of(Listed::of(page, DeliveryView::of), share))
}

/// Whether the project has this endpoint, or had it and deliveries are left.
async fn was_ever(api: &Api, project: ProjectId, id: EndpointId) -> Result<bool, Problem> {
    if api.store.directory().endpoint(id).is_some_and(|endpoint| endpoint.project == project) {
        return Ok(true);
    }
    let filter = DeliveryFilter { endpoint: Some(id), ..DeliveryFilter::default() };
    let any = api.store.deliveries(project, filter, Paging { limit: 1, after: None }).await?;
    Ok(!any.items.is_empty())
}
