//! The body of a captured request, member by member: the event's type, its id, its time, its data.

use model::id::EventId;
use model::subscription::EventType;

use super::captured::Finding;
use super::facts::Facts;
use super::times::{Form, Time};
use super::{json, names};
use crate::slot;

/// `[body]`, as it is printed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Envelope {
    /// JSON with a line for each member.
    pub(super) template: String,
    /// True if the data's members stand at the top level.
    pub(super) spread: bool,
}

/// Values already known from the headers.
pub(super) struct Hints {
    /// Values of headers that are called a type.
    pub(super) types: Vec<String>,
    /// Values of headers that are called a delivery.
    pub(super) deliveries: Vec<String>,
}

const WHOLE: &str = "\"{{event.data | json}}\"";

/// Reads the body; adds what it says to `facts` and what is not certain to `findings`.
pub(super) fn read(body: &[u8], hints: &Hints, facts: &mut Facts, findings: &mut Vec<Finding>) -> Envelope {
    let whole = || Envelope { template: WHOLE.to_owned(), spread: false };
    let text = std::str::from_utf8(body).ok().filter(|text| json::is_valid(text));
    let Some(text) = text else {
        findings.push(Finding::warning("body: not JSON, and Posthaste sends JSON: receivers would have to change"));
        return whole();
    };
    let Some(members) = json::members(text) else {
        findings.push(Finding::guessed("body: no object, so all of it is the event's data"));
        facts.data = Some(text.trim().to_owned());
        return whole();
    };
    let mut reader = Reader { hints, facts, findings, limits: Vec::new() };
    if !reader.is_envelope(&members) {
        reader.findings.push(Finding::guessed("body: no type of event in it, so all of it is the event's data"));
        reader.facts.data = Some(text.trim().to_owned());
        return whole();
    }
    reader.envelope(&members)
}

struct Reader<'r> {
    hints: &'r Hints,
    facts: &'r mut Facts,
    findings: &'r mut Vec<Finding>,
    limits: Vec<Finding>,
}

type Members<'m> = [(String, &'m str)];

/// A member as it is written in the template; data and unexplained ones have no text yet.
enum Part<'m> {
    Written(String),
    Inside(Vec<(String, Part<'m>)>),
    Unexplained(&'m str),
}

impl Reader<'_> {
    /// True if the members are about an event, and not about the object that it happened to.
    fn is_envelope(&self, members: &Members<'_>) -> bool {
        let inner = |(name, value): &(String, &str)| {
            names::is_part_of_envelope(name) && json::members(value).is_some_and(|inner| self.has_type(&inner))
        };
        let has_data = members.iter().any(|(name, value)| is_data(name, value));
        let has_id = members.iter().any(|(name, _)| names::id_rank(name).is_some() || names::time_rank(name).is_some());
        self.has_type(members) || members.iter().any(inner) || has_data && has_id
    }

    fn has_type(&self, members: &Members<'_>) -> bool {
        members.iter().any(|(name, value)| self.is_type(name, value))
    }

    /// Where a header names the type, only that value counts: objects have a `type` as well.
    fn is_type(&self, name: &str, value: &str) -> bool {
        let text = json::string(value).filter(|text| may_be_type(text));
        let fits = |text: &String| self.hints.types.is_empty() || self.hints.types.contains(text);
        names::is_type(name) && text.as_ref().is_some_and(fits)
    }

    fn envelope(&mut self, members: &Members<'_>) -> Envelope {
        let parts = self.parts(members, 0);
        let mut parts = self.with_data(parts);
        let is_flat = self.facts.data.is_none();
        if is_flat {
            parts = self.flattened(parts);
        }
        self.findings.append(&mut self.limits);
        let lines: Vec<String> = parts.into_iter().map(|(name, part)| self.line("  ", "body", &name, part)).collect();
        let template = if lines.is_empty() { "{}".to_owned() } else { format!("{{\n{}\n}}", lines.join(",\n")) };
        Envelope { template, spread: is_flat }
    }

    /// Classifies each member by its name and value.
    fn parts<'m>(&mut self, members: &Members<'m>, depth: usize) -> Vec<(String, Part<'m>)> {
        let best = |rank: fn(&str) -> Option<usize>, fits: fn(&str) -> bool| {
            let fitting = members.iter().filter(|(_, value)| fits(value));
            fitting.filter_map(|(name, _)| Some((rank(name)?, name.clone()))).min().map(|(_, name)| name)
        };
        let time = best(names::time_rank, |value| time(value).is_some());
        let id = best(names::id_rank, |value| json::string(value).is_some_and(|text| text.parse::<EventId>().is_ok()));
        let mut parts = Vec::new();
        for (name, value) in members {
            let part = if self.is_type(name, value) && self.is_free(|facts| &facts.event_type, value) {
                self.facts.event_type = json::string(value);
                slot("event.type")
            } else if id.as_ref() == Some(name) {
                self.id(name, value)
            } else if time.as_ref() == Some(name) {
                self.time(name, value)
            } else if depth == 0 && names::is_part_of_envelope(name) && self.has_part(value) {
                Part::Inside(self.parts(&json::members(value).unwrap_or_default(), 1))
            } else {
                self.further(name, value)
            };
            parts.push((name.clone(), part));
        }
        parts
    }

    /// True if a fact is not known yet, or known to be this value.
    fn is_free(&self, fact: impl Fn(&Facts) -> &Option<String>, value: &str) -> bool {
        fact(self.facts).is_none() || *fact(self.facts) == json::string(value)
    }

    fn has_part(&self, value: &str) -> bool {
        let Some(members) = json::members(value) else { return false };
        let known = |(name, value): &(String, &str)| {
            let id = names::id_rank(name).is_some() && json::string(value).is_some();
            id || names::time_rank(name).is_some() && time(value).is_some()
        };
        self.has_type(&members) || members.iter().any(known)
    }

    fn id<'m>(&mut self, name: &str, value: &'m str) -> Part<'m> {
        let id = json::string(value);
        let is_delivery = id.as_ref().is_some_and(|id| self.hints.deliveries.contains(id));
        if is_delivery || names::plain(name).starts_with("delivery") {
            self.facts.delivery = id;
            return slot("delivery.id");
        }
        if !self.is_free(|facts| &facts.event_id, value) {
            return Part::Unexplained(value);
        }
        self.facts.event_id = id;
        slot("event.id")
    }

    fn time<'m>(&mut self, name: &str, value: &'m str) -> Part<'m> {
        let Some(time) = time(value) else { return Part::Unexplained(value) };
        let write = |slot_path: String| if value.starts_with('"') { slot(&slot_path) } else { json_slot(&slot_path) };
        if time.may_be(self.facts.occurred_at.as_ref()) {
            let ours = time.text();
            self.facts.occurred_at.get_or_insert(ours);
            self.about_time(name, &time);
            return write(format!("event.timestamp{}", time.form.filter_of_event()));
        }
        let seconds = time.at.as_seconds().to_string();
        if time.form == Form::Unix && self.facts.at.as_ref().is_none_or(|at| *at == seconds) {
            self.facts.at = Some(seconds);
            return write("timestamp | unix".to_owned());
        }
        let message = format!(
            "body: {name} is neither the event's time nor the attempt's; it stands there as a constant, which is wrong for the next event"
        );
        self.limits.push(Finding::warning(message));
        Part::Written(value.to_owned())
    }

    fn about_time(&mut self, name: &str, time: &Time) {
        match time.form {
            Form::Unix | Form::UnixMillis => {
                let message = format!("body: {name} is a time in Unix's count, and taken for the event's");
                self.limits.push(Finding::guessed(message));
            }
            Form::Unknown => {
                let message = format!(
                    "body: {name} is written in a way that no filter has, and Posthaste would write {}: the same time in another spelling",
                    time.text()
                );
                self.limits.push(Finding::warning(message));
            }
            Form::Rfc3339 | Form::Spelled(_) => {}
        }
    }

    /// Members that only some products have.
    fn further<'m>(&mut self, name: &str, value: &'m str) -> Part<'m> {
        let is_object = json::is_object(value);
        match names::plain(name).as_str() {
            "brand" if is_object => {
                self.facts.brand = Some(value.to_owned());
                json_slot("brand")
            }
            "workflow" if is_object || value == "null" => {
                self.facts.workflow = Some(value.to_owned()).filter(|value| value != "null");
                json_slot("workflow")
            }
            "summary" if json::string(value).is_some() => {
                self.facts.summary = json::string(value);
                slot("summary")
            }
            "tenant" | "tenantid" if json::string(value).is_some() => {
                self.facts.tenant = json::string(value);
                slot("tenant")
            }
            _ if names::is_attempt(name) && value.parse::<u32>().is_ok_and(|attempt| attempt > 0) => {
                self.facts.attempt = value.parse().ok();
                json_slot("delivery.attempt")
            }
            _ if names::is_endpoint_id(name) && json::string(value).is_some() => {
                let message = format!("body: {name} is the endpoint's id; endpoints have new ids here");
                self.limits.push(Finding::warning(message));
                slot("endpoint.id")
            }
            _ => Part::Unexplained(value),
        }
    }

    /// Finds the data: the member with a name for it, or else the only object that nothing explains.
    fn with_data<'m>(&mut self, mut parts: Vec<(String, Part<'m>)>) -> Vec<(String, Part<'m>)> {
        let has_constants_beside = !parts.iter().any(|(name, part)| {
            matches!(part, Part::Unexplained(value) if !json::is_object(value) && !names::is_constant(name))
        });
        if let Some(data) = named_data(&mut parts) {
            self.facts.data = Some(data);
        } else if has_constants_beside && let Some((name, data)) = largest_object(&mut parts) {
            let message = format!(
                "body: {name} is the event's data, for it is the largest object; if it is called otherwise in other events, write spread = \"event.data\""
            );
            self.findings.push(Finding::guessed(message));
            self.facts.data = Some(data);
        }
        parts
    }

    /// Treats unexplained members as the data's own, except those that look like constants.
    fn flattened<'m>(&mut self, parts: Vec<(String, Part<'m>)>) -> Vec<(String, Part<'m>)> {
        let is_data =
            |(name, part): &(String, Part<'_>)| matches!(part, Part::Unexplained(_)) && !names::is_constant(name);
        let last_of_envelope = parts.iter().rposition(|part| !is_data(part));
        let first_of_data = parts.iter().position(is_data);
        if last_of_envelope > first_of_data && first_of_data.is_some() {
            let message = "body: the data's members stand between the others; Posthaste writes them behind";
            self.limits.push(Finding::warning(message));
        }
        let (data, envelope): (Vec<_>, Vec<_>) = parts.into_iter().partition(is_data);
        let members: Vec<(String, &str)> = data
            .into_iter()
            .filter_map(|(name, part)| match part {
                Part::Unexplained(value) => Some((name, value)),
                Part::Written(_) | Part::Inside(_) => None,
            })
            .collect();
        let message =
            "body: what nothing else explains stands at the top, so the members of the event's data are spread there";
        self.findings.push(Finding::guessed(message));
        self.facts.data = Some(json::object(&members));
        envelope
    }

    fn line(&mut self, indent: &str, place: &str, name: &str, part: Part<'_>) -> String {
        let place = format!("{place}.{name}");
        let value = match part {
            Part::Written(text) => text,
            Part::Inside(parts) => {
                let lines: Vec<String> =
                    parts.into_iter().map(|(name, part)| self.line("", &place, &name, part)).collect();
                format!("{{{}}}", lines.join(", "))
            }
            Part::Unexplained(value) => self.constant(&place, value),
        };
        format!("{indent}{}: {value}", json::quoted(name))
    }

    fn constant(&mut self, place: &str, value: &str) -> String {
        if slot::has_slots(value) {
            self.findings.push(Finding::warning(format!(
                "{place}: has braces that a template would take for slots, and is left empty"
            )));
            return "null".to_owned();
        }
        let shown = if value.len() > 60 { "its value" } else { value };
        self.findings.push(Finding::guessed(format!(
            "{place}: {shown} is the same in every request; if not, it belongs into the event's data"
        )));
        json::spaced(value, ",", ":")
    }
}

fn time(value: &str) -> Option<Time> {
    Time::read(&json::string(value).unwrap_or_else(|| value.to_owned()))
}

/// True if it reads as a type that some dialect has. URLs and other texts without spaces do not.
fn may_be_type(text: &str) -> bool {
    let is_usual = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-:/".contains(&byte));
    is_usual && !text.contains("//") && text.parse::<EventType>().is_ok()
}

fn is_data(name: &str, value: &str) -> bool {
    names::data_rank(name).is_some() && (json::is_object(value) || json::is_list(value))
}

fn slot(path: &str) -> Part<'static> {
    Part::Written(format!("\"{{{{{path}}}}}\""))
}

fn json_slot(path: &str) -> Part<'static> {
    Part::Written(format!("\"{{{{{path} | json}}}}\""))
}

/// Takes the likeliest member with a name for data, at the top or beside a type further in; a slot replaces it.
fn named_data(parts: &mut [(String, Part<'_>)]) -> Option<String> {
    let rank = |(name, part): &(String, Part<'_>)| match part {
        Part::Unexplained(value) if is_data(name, value) => names::data_rank(name),
        _ => None,
    };
    let best = parts.iter().enumerate().filter_map(|(index, part)| Some((rank(part)?, index))).min();
    if let Some((_, index)) = best {
        return taken(&mut parts[index].1);
    }
    parts.iter_mut().find_map(|(_, part)| match part {
        Part::Inside(parts) => named_data(parts),
        _ => None,
    })
}

fn largest_object(parts: &mut [(String, Part<'_>)]) -> Option<(String, String)> {
    let size = |part: &Part<'_>| match part {
        Part::Unexplained(value) if json::is_object(value) => Some(value.len()),
        _ => None,
    };
    let (_, index) = parts.iter().enumerate().filter_map(|(index, (_, part))| Some((size(part)?, index))).max()?;
    let (name, part) = &mut parts[index];
    Some((name.clone(), taken(part)?))
}

fn taken(part: &mut Part<'_>) -> Option<String> {
    match std::mem::replace(part, json_slot("event.data")) {
        Part::Unexplained(value) => Some(value.to_owned()),
        Part::Written(_) | Part::Inside(_) => None,
    }
}
