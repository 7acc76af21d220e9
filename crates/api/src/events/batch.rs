//! Many events in one request: each answered by its position, when all that are right are on disk.

use std::fmt;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use dialect::Dialect;
use model::env::Env;
use model::key::Scope;
use model::project::Project;
use rules::event_types::Hints;
use rules::events::new_event::NewEvent;
use serde::Serialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::{RawValue, to_raw_value};
use store::ingest::{Accepted, Intake};
use utoipa::ToSchema;
use web::body::{Media, Sent, unsupported};
use web::caller::Caller;
use web::frame::RequestId;
use web::json;
use web::problem::{Code, Document, Problem};
use web::responses::Writing;

use super::idempotency::IdempotencyKey;
use super::view::Taken;
use crate::Api;

/// Events in one request.
const MOST_ITEMS: usize = 10_000;

/// Items that are read before others get a turn.
const TURN: usize = 64;

/// Answers to items that are written on the runtime; more are a worker's to write.
const FEW: usize = 500;

/// How the items stand in the body, and how the answers to them do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    List,
    Lines,
}

/// What became of the events, by their positions.
#[derive(Serialize, ToSchema)]
pub(crate) struct Results {
    results: Vec<Item>,
}

/// What became of one event.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ItemResult)]
enum Item {
    Taken(Taken),
    #[schema(title = "Refused")]
    Refused {
        #[schema(value_type = Document<'static>)]
        error: Box<RawValue>,
    },
}

/// Send many events
///
/// A JSON list of events, or with `Content-Type: application/x-ndjson` one event a line, up to 10,000. Each is answered
/// by its position; one that is not right keeps none of the others back. The answer comes when all that are right are
/// on disk, in commits of some hundred rows: if the server fails in between, those that are stored are told as stored and
/// the others with their problem. Lines are answered in lines. An `Idempotency-Key` counts for each event with its position.
#[utoipa::path(post, path = "/v1/events/batch", tag = "Events", operation_id = "send_events",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes it safe to repeat the request: 1 to 255 ASCII characters.")),
    request_body(content((Vec<NewEvent<'static>> = "application/json"), (String = "application/x-ndjson"))),
    responses(
        (status = 200, description = "What became of each.", content((Results = "application/json"), (String = "application/x-ndjson"))),
        Writing,
    ))]
pub(crate) async fn create(
    caller: Caller,
    State(api): State<Api>,
    request_id: RequestId,
    key: IdempotencyKey,
    body: Sent,
) -> Result<Response, Problem> {
    let project = caller.may(Scope::EventsWrite)?.whole()?;
    let dialect = api.dialect(project).await?;
    let form = Form::of(body.media())?;
    let text = body.text(project.id, api.batch_bytes).await?;
    let judge = Judge { project: project.clone(), dialect, key, env: api.env.clone() };
    let (Judged { intakes, verdicts }, _room) = if super::is_light(&text, &judge.dialect) {
        (judge.in_turns(form.split(&text)?).await, text.into_room())
    } else {
        api.work(project.id, move || Ok((judge.all(form.split(&text)?), text.into_room()))).await?
    };
    let accepted =
        if intakes.is_empty() { Vec::new() } else { api.store.ingest_batch(&caller.actor(), intakes).await? };
    if verdicts.len() <= FEW {
        return Ok(form.answer(told(verdicts, accepted, &request_id)));
    }
    api.work(project.id, move || Ok(form.answer(told(verdicts, accepted, &request_id)))).await
}

/// What the items of a batch are judged by.
struct Judge {
    project: Arc<Project>,
    dialect: Arc<Dialect>,
    key: IdempotencyKey,
    env: Arc<dyn Env>,
}

impl Judge {
    fn all(&self, items: Vec<&str>) -> Judged {
        let (mut judged, hints) = (Judged::default(), Hints::default());
        for (position, item) in items.into_iter().enumerate() {
            judged.add(self.one(position, item, &hints));
        }
        judged
    }

    /// The same on the runtime, where others get their turn.
    async fn in_turns(&self, items: Vec<&str>) -> Judged {
        let (mut judged, hints) = (Judged::default(), Hints::default());
        for (position, item) in items.into_iter().enumerate() {
            judged.add(self.one(position, item, &hints));
            if position % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
        }
        judged
    }

    fn one(&self, position: usize, item: &str, hints: &Hints) -> Result<Intake, Problem> {
        let event = json::object::<NewEvent<'_>>(item)?;
        let key = self.key.of_item(position);
        Ok(super::intake(event.judge(&self.project, &self.dialect, key, &*self.env, hints)?))
    }
}

impl Form {
    fn of(media: &Media) -> Result<Self, Problem> {
        match media {
            Media::Json => Ok(Self::List),
            Media::Lines => Ok(Self::Lines),
            other => Err(unsupported(other, "application/json or application/x-ndjson")),
        }
    }

    /// The text of each item. Blank lines are none.
    fn split(self, text: &str) -> Result<Vec<&str>, Problem> {
        let (items, count) = match self {
            Self::List => listed(text)?,
            Self::Lines => {
                let mut lines = text.lines().filter(|line| !line.trim_ascii().is_empty());
                let items: Vec<&str> = lines.by_ref().take(MOST_ITEMS).collect();
                let count = items.len() + lines.count();
                (items, count)
            }
        };
        if count > MOST_ITEMS {
            let detail =
                format!("A batch has at most {MOST_ITEMS} events, and this one has {count}. Nothing was stored.");
            return Err(Problem::new(Code::PayloadTooLarge, detail));
        }
        Ok(items)
    }

    fn answer(self, results: Vec<Item>) -> Response {
        match self {
            Self::List => Json(Results { results }).into_response(),
            Self::Lines => {
                let mut lines = Vec::new();
                for item in &results {
                    serde_json::to_writer(&mut lines, item).expect("an item's answer is texts and numbers");
                    lines.push(b'\n');
                }
                ([(CONTENT_TYPE, "application/x-ndjson")], lines).into_response()
            }
        }
    }
}

/// The items that are right, and for every position what is known of it before anything is stored.
#[derive(Default)]
struct Judged {
    intakes: Vec<Intake>,
    /// `Ok` are the intakes' types, in their order.
    verdicts: Vec<Result<model::subscription::EventType, Problem>>,
}

impl Judged {
    fn add(&mut self, judged: Result<Intake, Problem>) {
        let verdict = judged.map(|intake| {
            let event_type = intake.event.event_type.clone();
            self.intakes.push(intake);
            event_type
        });
        self.verdicts.push(verdict);
    }
}

fn told(
    verdicts: Vec<Result<model::subscription::EventType, Problem>>,
    accepted: Vec<Result<Accepted, store::Error>>,
    request_id: &RequestId,
) -> Vec<Item> {
    let mut accepted = accepted.into_iter();
    let item = |verdict: Result<_, Problem>| {
        let answered = verdict.and_then(|event_type| {
            let accepted = accepted.next().expect("the store answers every intake")?;
            super::answer(accepted, event_type)
        });
        match answered {
            Ok((_, taken)) => Item::Taken(taken),
            Err(problem) => {
                let document = problem.document(request_id.as_str());
                Item::Refused { error: to_raw_value(&document).expect("a problem is texts and numbers") }
            }
        }
    };
    verdicts.into_iter().map(item).collect()
}

/// The items of a list, at most as many as are taken, and how many there are.
fn listed(text: &str) -> Result<(Vec<&str>, usize), Problem> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let listed = deserializer.deserialize_seq(ListVisitor).and_then(|listed| deserializer.end().map(|()| listed));
    listed.map_err(|error| match error.classify() {
        Category::Data => Problem::at(
            Code::InvalidRequest,
            "",
            "a batch is a list of events, or one event a line as application/x-ndjson",
        ),
        _ => json::broken(text, &error),
    })
}

struct ListVisitor;

impl<'de> Visitor<'de> for ListVisitor {
    type Value = (Vec<&'de str>, usize);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while items.len() < MOST_ITEMS {
            match list.next_element::<&RawValue>()? {
                Some(item) => items.push(item.get()),
                None => {
                    let count = items.len();
                    return Ok((items, count));
                }
            }
        }
        let mut count = items.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok((items, count))
    }
}
