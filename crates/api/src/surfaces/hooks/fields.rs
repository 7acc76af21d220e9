//! A hook as a caller of Tracktile's API writes it: on create and, all fields optional, on change.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use model::actor::Actor;
use model::endpoint::Endpoint;
use model::id::EndpointId;
use model::invalid::Fault;
use model::object::Change;
use model::project::Project;
use rules::endpoints::fields::Fields;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use utoipa::openapi::schema::{ArrayBuilder, SchemaType, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use web::problem::{Code, Problem};

use super::surface::Hooks;
use crate::Api;
use crate::endpoints;
use crate::surfaces::{self, named};

/// What is to be different about a hook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HookChange, example = json!({ "name": "Updated Webhook", "status": "paused" }))]
pub(crate) struct HookFields {
    /// What people read.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "My Webhook")]
    name: Change<String>,
    /// Where it goes: https, to a public address, at most 2,048 characters.
    #[serde(default)]
    #[schema(value_type = String, example = "https://your-server.com/webhook")]
    url: Change<String>,
    #[serde(default)]
    #[schema(schema_with = on_schema)]
    on: Change<On>,
    /// `active`, or `paused`: nothing is sent for what happens meanwhile.
    #[serde(default)]
    #[schema(value_type = String, example = "paused")]
    status: Change<Status>,
}

/// A type, or a list of types.
enum On {
    One(String),
    Many(Vec<String>),
}

enum Status {
    Active,
    Paused,
}

impl HookFields {
    /// The endpoint that is asked for, or everything that is wrong with it, by the caller's own names.
    pub(super) fn judge_new(self, api: &Api, project: &Project) -> Result<Endpoint, Problem> {
        let missing = match self.on {
            Change::Set(_) => Vec::new(),
            Change::Keep | Change::Clear => vec![Fault::new("/on", "required: an event type, or a list of them")],
        };
        let name = self.names();
        surfaces::judge_new(api, project, self.into(), name, missing)
    }

    /// Changes a hook, or says everything that is wrong with the change, by the caller's own names.
    pub(super) async fn change(
        self,
        by: &Actor,
        api: &Api,
        project: &Project,
        id: EndpointId,
    ) -> Result<Arc<Endpoint>, Problem> {
        if matches!(self.on, Change::Clear) {
            let fault = Fault::new("/on", "a hook always names what it is for: an event type, or a list of them");
            return Err(Problem::of(Code::InvalidRequest, vec![fault]));
        }
        let name = self.names();
        let fields = self.into();
        let changed = endpoints::change_to(by, api, project, id, move || Ok(fields)).await;
        changed.map_err(|problem| problem.renamed(name, Vec::new()))
    }

    /// How this hook's writer knows the fields of an endpoint.
    fn names(&self) -> impl Fn(&str) -> String + use<> {
        let is_one = matches!(self.on, Change::Set(On::One(_)));
        move |pointer| match pointer {
            "/events/0" if is_one => "/on".to_owned(),
            other => named::<Hooks>(other),
        }
    }
}

impl From<HookFields> for Fields {
    fn from(hook: HookFields) -> Self {
        Self {
            name: hook.name,
            url: hook.url,
            events: hook.on.judge(|on| Some(on.into_types())),
            active: hook.status.judge(|status| Some(matches!(status, Status::Active))),
            ..Self::default()
        }
    }
}

impl On {
    fn into_types(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl<'de> Deserialize<'de> for On {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OnVisitor)
    }
}

struct OnVisitor;

impl<'de> Visitor<'de> for OnVisitor {
    type Value = On;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event type or a list of event types")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<On, E> {
        Ok(On::One(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<On, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(On::Many)
    }
}

/// By hand: what serde derives takes a value of another type for broken JSON.
impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(StatusVisitor)
    }
}

struct StatusVisitor;

impl Visitor<'_> for StatusVisitor {
    type Value = Status;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("active or paused")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Status, E> {
        match text {
            "active" => Ok(Status::Active),
            "paused" => Ok(Status::Paused),
            other => Err(E::invalid_value(Unexpected::Str(other), &self)),
        }
    }
}

fn on_schema() -> Schema {
    let types = ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Array]))
        .items(ObjectBuilder::new().schema_type(Type::String))
        .description(Some("The event type it wants, or a list of them. Answers always have a list."))
        .examples([serde_json::json!("order.status.changed")]);
    Schema::Array(types.build())
}

/// The schema of [`HookFields`] on create, where the URL must be there.
pub(crate) struct NewHook;

impl PartialSchema for NewHook {
    fn schema() -> RefOr<Schema> {
        let mut schema = HookFields::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.description = Some("A hook to create.".to_owned());
            object.required = vec!["url".to_owned(), "on".to_owned()];
            object.example = Some(serde_json::json!({
                "name": "My Webhook",
                "url": "https://your-server.com/webhook",
                "on": "order.status.changed",
            }));
        }
        schema
    }
}

impl ToSchema for NewHook {
    fn name() -> Cow<'static, str> {
        "NewHook".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        HookFields::schemas(schemas);
    }
}
