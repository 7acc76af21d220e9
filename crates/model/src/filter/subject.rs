//! The event as an expression sees it: `event` with its members, JSON as CEL values.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;

use cel::common::types::{CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString, CelUInt};
use cel::common::value::Val;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::event::Event;
use crate::json::Json;

/// Members of the event that an expression needs: others are not made for it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Members([bool; Self::NAMES.len()]);

impl Members {
    pub(super) const NAMES: [&'static str; 8] =
        ["id", "type", "timestamp", "data", "tenant", "brand", "workflow", "summary"];

    /// Those that are JSON of the sender's.
    pub(super) const JSON: [&'static str; 3] = ["data", "brand", "workflow"];

    pub(super) fn all() -> Self {
        Self([true; Self::NAMES.len()])
    }

    /// False if there is no such member.
    pub(super) fn add(&mut self, name: &str) -> bool {
        let place = Self::NAMES.iter().position(|known| *known == name);
        place.inspect(|place| self.0[*place] = true).is_some()
    }

    /// True if none of them is JSON that must be read.
    fn are_plain(self) -> bool {
        !self.named().any(|name| Self::JSON.contains(&name))
    }

    fn named(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().zip(self.0).filter_map(|(name, needed)| needed.then_some(name))
    }
}

/// An event to evaluate filters on. Its JSON is read once for all of them, when the first one needs it.
pub struct Subject<'e> {
    event: &'e Event,
    whole: OnceLock<Result<CelMap<'e>, String>>,
}

impl<'e> Subject<'e> {
    pub fn of(event: &'e Event) -> Self {
        Self { event, whole: OnceLock::new() }
    }

    /// `event`, with those members at least.
    pub(super) fn with(&self, members: Members) -> Result<Cow<'_, CelMap<'e>>, String> {
        if members.are_plain() {
            return make(self.event, members).map(Cow::Owned);
        }
        self.whole.get_or_init(|| make(self.event, Members::all())).as_ref().map(Cow::Borrowed).map_err(String::clone)
    }
}

/// Makes `event`. Members that the event does not have are null, so that an expression may ask for them.
fn make(event: &Event, members: Members) -> Result<CelMap<'_>, String> {
    let mut made = HashMap::new();
    for name in members.named() {
        let value = match name {
            "id" => text(event.id.as_str()),
            "type" => text(event.event_type.as_str()),
            "timestamp" => Box::new(CelString::from(event.occurred_at.to_string())),
            "data" => json(name, Some(&event.data))?,
            "tenant" => event.tenant.as_deref().map_or_else(null, text),
            "brand" => json(name, event.brand.as_ref())?,
            "workflow" => json(name, event.workflow.as_ref())?,
            "summary" => event.summary.as_deref().map_or_else(null, text),
            _ => unreachable!("the names are those above"),
        };
        made.insert(CelMapKey::from(name), value);
    }
    Ok(CelMap::from(made))
}

fn text<'v>(text: &'v str) -> Box<dyn Val + 'v> {
    Box::new(CelString::from(text))
}

fn null<'v>() -> Box<dyn Val + 'v> {
    Box::new(CelNull)
}

fn json<'v>(name: &str, json: Option<&'v Json>) -> Result<Box<dyn Val + 'v>, String> {
    let Some(json) = json else { return Ok(null()) };
    let read: Result<Member<'v>, _> = serde_json::from_str(json.as_str());
    read.map(|member| member.0).map_err(|error| format!("event.{name} cannot be read: {error}"))
}

/// JSON on its way to being a CEL value. Whole numbers are ints, or uints where they are too large for that; all others
/// are doubles. CEL compares them with each other by their values.
struct Member<'v>(Box<dyn Val + 'v>);

impl<'de: 'v, 'v> Deserialize<'de> for Member<'v> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Member<'de>, E> {
        Ok(Member(null()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Member<'de>, E> {
        Ok(Member(Box::new(CelBool::from(value))))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Member<'de>, E> {
        Ok(Member(Box::new(CelInt::from(value))))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Member<'de>, E> {
        Ok(Member(match i64::try_from(value) {
            Ok(value) => Box::new(CelInt::from(value)),
            Err(_) => Box::new(CelUInt::from(value)),
        }))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Member<'de>, E> {
        Ok(Member(Box::new(CelDouble::from(value))))
    }

    fn visit_str<E>(self, value: &str) -> Result<Member<'de>, E> {
        Ok(Member(Box::new(CelString::from(value.to_owned()))))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Member<'de>, E> {
        Ok(Member(text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Member<'de>, A::Error> {
        let mut made: Vec<Box<dyn Val + 'de>> = Vec::new();
        while let Some(Member(element)) = list.next_element()? {
            made.push(element);
        }
        Ok(Member(Box::new(CelList::from(made))))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Member<'de>, A::Error> {
        let mut made: HashMap<CelMapKey<'de>, Box<dyn Val + 'de>> = HashMap::new();
        while let Some((key, Member(value))) = object.next_entry::<String, _>()? {
            made.insert(CelMapKey::from(key), value);
        }
        Ok(Member(Box::new(CelMap::from(made))))
    }
}
