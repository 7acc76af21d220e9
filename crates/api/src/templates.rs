//! Templates tried out: what body one would make of an event.

use axum::Json;
use axum::extract::State;
use dialect::Dialect;
use dialect::template::{EndpointInfo, RenderContext, Template};
use model::event::Event;
use model::id::{DeliveryId, EndpointId, EventId};
use model::invalid::Fault;
use model::json::Json as Written;
use model::key::Scope;
use model::object::Object;
use model::project::Project;
use rules::endpoints::values::template_text;
use rules::event_types::{self, Hints};
use rules::events::new_event::NewEvent;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use web::body::{SETTINGS, Sent};
use web::caller::Caller;
use web::json;
use web::problem::{Code, Problem};
use web::responses::Writing;

use crate::Api;

/// A template, and what it is to be tried with: an event, or the example of a type.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemplateTrial, example = json!({
    "template": { "text": "{{event.type}}: {{event.data.id}}" },
    "event": { "type": "invoice.paid", "data": { "id": "inv_1" } },
}))]
pub(crate) struct Trial<'a> {
    /// As an endpoint's: JSON, or text that is JSON, whose strings may hold slots.
    #[schema(required = true, nullable = false, value_type = Value)]
    template: Option<Written>,
    /// As it would be sent with `POST /v1/events`.
    #[serde(borrow)]
    #[schema(value_type = Option<NewEvent<'static>>)]
    event: Option<Object<NewEvent<'a>>>,
    /// In its place: a type whose example is taken.
    #[schema(example = json!(null))]
    event_type: Option<String>,
}

/// What would be sent.
#[derive(Serialize, ToSchema)]
#[schema(as = TemplatePreview)]
pub(crate) struct Preview {
    /// The body, to the byte, but for the ids of endpoint and delivery.
    #[schema(example = "{\"text\":\"invoice.paid: inv_1\"}")]
    body: String,
    /// Slots that the event has nothing for.
    #[schema(example = json!([]))]
    missing: Vec<String>,
}

/// Preview a template
///
/// Renders it as for an endpoint, and sends nothing.
#[utoipa::path(post, path = "/v1/templates/preview", tag = "Endpoints", operation_id = "preview_template",
    request_body = Trial<'_>,
    responses((status = 200, description = "What would be sent.", body = Preview), Writing))]
pub(crate) async fn preview(caller: Caller, State(api): State<Api>, body: Sent) -> Result<Json<Preview>, Problem> {
    let project = caller.may(Scope::EndpointsWrite)?.whole()?;
    let dialect = api.dialect(project).await?;
    let text = body.json(project.id, SETTINGS + dialect.limits.payload_bytes).await?;
    let (own, judge) = (project.clone(), api.clone());
    api.work(project.id, move || tried(&text, &own, &dialect, &judge)).await.map(Json)
}

fn tried(text: &str, project: &Project, dialect: &Dialect, api: &Api) -> Result<Preview, Problem> {
    let Trial { template, event, event_type } = json::object(text)?;
    let template = template.ok_or_else(|| {
        Problem::at(
            Code::InvalidRequest,
            "/template",
            "required: JSON whose strings may hold slots like {{event.type}}",
        )
    })?;
    let event = match (event, event_type) {
        (Some(Object(event)), None) => {
            event
                .judge(project, dialect, None, &*api.env, &Hints::default())
                .map_err(|rejection| Problem::from(rejection).below("/event"))?
                .event
        }
        (None, Some(name)) => example(&name, project, dialect, api)?,
        _ => {
            let message =
                "what the template is tried with is an event, or the event_type whose example is taken: one of them";
            return Err(Problem::at(Code::InvalidRequest, "/event", message));
        }
    };
    let template = Template::parse(&template_text(&template)).map_err(invalid)?;
    rendered(&template, &event, api)
}

fn rendered(template: &Template, event: &Event, api: &Api) -> Result<Preview, Problem> {
    let occasion = RenderContext { event, delivery: DeliveryId::new(&*api.env), attempt: 1, at: api.env.now() };
    let addressee = EndpointInfo { id: EndpointId::new(&*api.env), name: None };
    let rendered = template.render(&occasion, &addressee).map_err(|failure| invalid(vec![failure.message]))?;
    let body = String::from_utf8(rendered.body).expect("JSON is UTF-8");
    Ok(Preview { body, missing: rendered.missing })
}

fn invalid(wrong: Vec<String>) -> Problem {
    Problem::of(Code::TemplateInvalid, wrong.into_iter().map(|message| Fault::new("/template", message)).collect())
}

fn example(name: &str, project: &Project, dialect: &Dialect, api: &Api) -> Result<Event, Problem> {
    let (event_type, data) = event_types::example(name, dialect)?;
    let now = api.env.now();
    Ok(Event { test: true, ..Event::of(EventId::new(&*api.env), project.id, event_type, data, now) })
}
