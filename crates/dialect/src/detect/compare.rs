//! Compares a dialect's headers, signatures and body with those of a captured request.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::secret::{Secret, Signing};

use super::captured::{Finding, Sample};
use super::facts::Facts;
use super::{candidates, json};
use crate::Dialect;
use crate::header_template::DialectHeader;
use crate::sign::{Content, Key, Scheme, Written};
use crate::slot::Segment;
use crate::variable::Variable;

pub(super) struct Comparer<'a> {
    pub(super) sample: &'a Sample,
    pub(super) dialect: &'a Dialect,
    /// Facts read from the sample.
    pub(super) facts: Facts,
    /// The bytes that were signed.
    pub(super) body: &'a [u8],
}

/// The part that was compared, and the difference. `None`: nothing differs.
pub(super) struct Outcome {
    pub(super) place: String,
    pub(super) differs: Option<String>,
}

impl Comparer<'_> {
    pub(super) fn run(mut self) -> Vec<Outcome> {
        self.learn();
        let mut outcomes = self.headers();
        outcomes.extend(self.signatures());
        outcomes.extend(self.unsaid());
        outcomes.push(self.body());
        outcomes
    }

    /// Reads facts out of the sample's headers by the dialect's own slots, which know them best.
    fn learn(&mut self) {
        let mut known = Vec::new();
        for DialectHeader { name, template: line, .. } in &self.dialect.headers {
            known.extend(
                self.sample.header(name).and_then(|value| resolved(&line.variables(), value)).unwrap_or_default(),
            );
        }
        for (variable, text) in known {
            let fact = match variable {
                Some(Variable::EventId) => &mut self.facts.event_id,
                Some(Variable::EventType) => &mut self.facts.event_type,
                Some(Variable::EventTimestamp) => &mut self.facts.occurred_at,
                Some(Variable::DeliveryId) => &mut self.facts.delivery,
                Some(Variable::Tenant) => &mut self.facts.tenant,
                Some(Variable::Summary) => &mut self.facts.summary,
                Some(Variable::Timestamp) => &mut self.facts.at,
                Some(Variable::DeliveryAttempt) => {
                    self.facts.attempt = text.parse().ok();
                    continue;
                }
                _ => continue,
            };
            *fact = Some(text.to_owned());
        }
        for scheme in &self.dialect.schemes {
            for (written, text) in
                self.sample.header(&scheme.header).and_then(|value| resolved(&scheme.format, value)).unwrap_or_default()
            {
                match written {
                    Written::Id => self.facts.event_id = Some(text.to_owned()),
                    Written::Timestamp => self.facts.at = Some(text.to_owned()),
                    Written::Signature => {}
                }
            }
        }
    }

    fn headers(&self) -> Vec<Outcome> {
        let scene = self.facts.scene();
        let context = scene.context();
        let mut outcomes = Vec::new();
        for DialectHeader { name, template: line, .. } in &self.dialect.headers {
            let mut ours = String::new();
            let written = line.write(&context, &scene.endpoint, &mut ours, &mut Vec::new());
            let is_endpoints = line
                .variables()
                .iter()
                .any(|segment| matches!(segment, Segment::Slot(Some(variable)) if is_endpoints(*variable)));
            let differs = match self.sample.header(name) {
                _ if written.is_err() => Some("the dialect cannot fill it for this event".to_owned()),
                None => Some("the sample does not have it".to_owned()),
                Some(theirs) if theirs == ours || is_endpoints => None,
                Some(theirs) => Some(format!("the sample has {theirs:?}, the dialect says {ours:?}")),
            };
            outcomes.push(Outcome { place: self.spelled(name), differs });
        }
        outcomes
    }

    /// A header's name as the sample has it.
    fn spelled(&self, name: &str) -> String {
        let found = self.sample.headers.iter().find(|(theirs, _)| theirs.eq_ignore_ascii_case(name));
        found.map_or_else(|| name.to_owned(), |(theirs, _)| theirs.clone())
    }

    fn signatures(&self) -> Vec<Outcome> {
        let mut names: Vec<&Arc<str>> = Vec::new();
        for scheme in &self.dialect.schemes {
            if !names.contains(&&scheme.header) {
                names.push(&scheme.header);
            }
        }
        names.into_iter().map(|name| Outcome { place: self.spelled(name), differs: self.signature(name) }).collect()
    }

    fn signature(&self, name: &str) -> Option<String> {
        let Some(secret) = &self.sample.secret else {
            return Some("the sample has no secret, so nothing can be signed".to_owned());
        };
        let secret = Secret::stored(secret.clone());
        let is_asymmetric = self.dialect.signs_with(Signing::Ed25519) && secret.seed().is_some();
        let schemes = self.dialect.schemes.iter().filter(|scheme| *scheme.header == *name);
        let usable: Vec<&Scheme> = schemes.filter(|scheme| scheme.algorithm.is_asymmetric() == is_asymmetric).collect();
        if usable.is_empty() {
            return Some("none of its signatures is made with a secret of this kind".to_owned());
        }
        let Some(theirs) = self.sample.header(name) else { return Some("the sample does not have it".to_owned()) };
        let unknown = String::new();
        let (id, timestamp) = (self.facts.event_id.as_ref(), self.facts.at.as_ref());
        let content = Content { id: id.unwrap_or(&unknown), timestamp: timestamp.unwrap_or(&unknown), body: self.body };
        let mut ours = String::new();
        for scheme in usable {
            let key = match Key::new(scheme, &secret) {
                Ok(key) => key,
                Err(reason) => return Some(reason.to_string()),
            };
            if !ours.is_empty() {
                ours.push_str(&scheme.join);
            }
            scheme.write(&key, &content, &mut ours);
        }
        // A signature by another secret may stand beside it.
        if theirs.contains(&ours) {
            None
        } else {
            Some(format!("the sample has {theirs:?}, the dialect says {ours:?}"))
        }
    }

    /// Headers that look like a dialect's and that this one does not send.
    fn unsaid(&self) -> Vec<Outcome> {
        let said = |name: &str| {
            let headers = self.dialect.headers.iter().map(|header| &header.name);
            headers
                .chain(self.dialect.schemes.iter().map(|scheme| &scheme.header))
                .any(|said| said.eq_ignore_ascii_case(name))
        };
        let unsaid = self
            .sample
            .headers
            .iter()
            .filter(|(name, value)| !candidates::is_of_no_dialect(name, value) && !said(name));
        unsaid
            .map(|(name, value)| {
                let differs = Some(format!("the sample has {value:?}, the dialect does not say it"));
                Outcome { place: name.clone(), differs }
            })
            .collect()
    }

    fn body(&self) -> Outcome {
        let theirs = String::from_utf8_lossy(self.body);
        let bodies: Vec<String> = self.data().into_iter().map(|data| self.rendered(data)).collect();
        let closest = bodies.iter().map(|ours| (distance(ours, &theirs), ours)).min_by_key(|(distance, _)| *distance);
        let differs = match closest {
            Some((Distance::Same, _)) => None,
            Some((Distance::Spaces, _)) => {
                Some("the same JSON but for spaces: Posthaste writes none around the data; readers of JSON see no difference".to_owned())
            }
            Some((Distance::Order, _)) => {
                Some("the same JSON in another order or spelling: readers of JSON see no difference".to_owned())
            }
            Some((Distance::Other, ours)) => Some(first_difference(&theirs, ours)),
            None => Some("the sample's body is empty, or no JSON".to_owned()),
        };
        Outcome { place: "body".to_owned(), differs }
    }

    fn rendered(&self, data: String) -> String {
        let facts = Facts { data: Some(data), ..self.facts.clone() };
        let scene = facts.scene();
        // A body that cannot be rendered counts as empty.
        let body = self.dialect.body.render(&scene.context(), &scene.endpoint).map(|rendered| rendered.body);
        String::from_utf8_lossy(&body.unwrap_or_default()).into_owned()
    }

    /// Candidates for the event's data: another dialect may find it elsewhere than ours does.
    fn data(&self) -> Vec<String> {
        let mut data: Vec<String> = self.facts.data.iter().cloned().collect();
        let Ok(text) = std::str::from_utf8(self.body) else { return data };
        let text = text.trim();
        if !json::is_valid(text) {
            return data;
        }
        data.push(text.to_owned());
        let members = json::members(text).unwrap_or_default();
        for (_, value) in &members {
            data.push((*value).to_owned());
            let inner = json::members(value).unwrap_or_default();
            data.extend(inner.into_iter().map(|(_, value)| value.to_owned()));
        }
        data.truncate(MOST_DATA);
        // With spread: the members that are not the envelope's own.
        let envelope = self.rendered("{}".to_owned());
        let said: BTreeSet<String> =
            json::members(&envelope).unwrap_or_default().into_iter().map(|(name, _)| name).collect();
        let rest: Vec<(String, &str)> = members.into_iter().filter(|(name, _)| !said.contains(name)).collect();
        data.push(json::object(&rest));
        data
    }
}

const MOST_DATA: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Distance {
    Same,
    Spaces,
    Order,
    Other,
}

fn distance(ours: &str, theirs: &str) -> Distance {
    if ours == theirs {
        return Distance::Same;
    }
    if json::spaced(ours, ",", ":") == json::spaced(theirs, ",", ":") {
        return Distance::Spaces;
    }
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    match (value(ours), value(theirs)) {
        (Some(ours), Some(theirs)) if ours == theirs => Distance::Order,
        _ => Distance::Other,
    }
}

/// The members that differ; the whole bodies, unless both are objects.
fn first_difference(theirs: &str, ours: &str) -> String {
    let (Some(their_members), Some(our_members)) = (json::members(theirs), json::members(ours)) else {
        return format!("the sample has {}, the dialect says {}", short(theirs), short(ours));
    };
    let find = |members: &[(String, &str)], name: &str| {
        members.iter().find(|(other, _)| other == name).map(|(_, value)| json::spaced(value, ",", ":"))
    };
    let names: Vec<&String> = their_members.iter().chain(&our_members).map(|(name, _)| name).collect();
    let mut differences: Vec<String> = Vec::new();
    for name in names {
        let difference = match (find(&their_members, name), find(&our_members, name)) {
            (Some(theirs), Some(ours)) if theirs == ours => continue,
            (Some(theirs), Some(ours)) => {
                format!("{name}: the sample has {}, the dialect says {}", short(&theirs), short(&ours))
            }
            (Some(_), None) => format!("{name}: the dialect does not say it"),
            (None, _) => format!("{name}: the sample does not have it"),
        };
        if !differences.contains(&difference) {
            differences.push(difference);
        }
    }
    differences.join("; ")
}

fn short(text: &str) -> String {
    const LONGEST: usize = 80;
    if text.chars().count() <= LONGEST {
        text.to_owned()
    } else {
        text.chars().take(LONGEST).collect::<String>() + "…"
    }
}

/// True if the variable is about the endpoint, which is another one here.
fn is_endpoints(variable: Variable) -> bool {
    matches!(variable, Variable::EndpointId | Variable::EndpointName | Variable::Project)
}

/// Reads the slots of `segments` back from a value that they could have written, perhaps with more behind it.
fn resolved<'v, S: Copy>(segments: &[Segment<S>], value: &'v str) -> Option<Vec<(S, &'v str)>> {
    let mut found = Vec::new();
    let mut rest = value;
    for (index, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Text(text) => rest = rest.strip_prefix(&**text)?,
            Segment::Slot(slot) => {
                let end = match segments.get(index + 1) {
                    Some(Segment::Text(next)) => rest.find(&**next)?,
                    _ => rest.len(),
                };
                found.push((*slot, &rest[..end]));
                rest = &rest[end..];
            }
        }
    }
    Some(found)
}

impl Outcome {
    pub(super) fn finding(&self) -> Finding {
        match &self.differs {
            None => Finding::found(format!("{}: the same", self.place)),
            Some(how) => Finding::warning(format!("{}: {how}", self.place)),
        }
    }
}
