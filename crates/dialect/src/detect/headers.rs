//! The other headers of a captured request: the type, ids and times, and constants.

use model::id::{DeliveryId, EventId};
use model::mask;
use model::subscription::EventType;

use super::candidates::{is_json, is_of_no_dialect, words};
use super::captured::{Finding, Sample};
use super::envelope::Hints;
use super::facts::Facts;
use super::names;
use super::times::{Form, Time};
use crate::slot;

/// Values known from the headers before the body is read.
pub(super) fn hints(sample: &Sample) -> Hints {
    let named = |is: fn(&str) -> bool| -> Vec<String> {
        let headers = sample.headers.iter().filter(|(name, value)| !is_of_no_dialect(name, value) && is(name));
        headers.map(|(_, value)| value.clone()).collect()
    };
    Hints { types: named(says_type), deliveries: named(says_delivery) }
}

/// Returns `[headers]`: all of the dialect's headers except those in `signed`.
pub(super) fn read(
    sample: &Sample,
    signed: &[usize],
    facts: &mut Facts,
    findings: &mut Vec<Finding>,
) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    for (index, (name, value)) in sample.headers.iter().enumerate() {
        if signed.contains(&index) {
            continue;
        }
        if is_of_no_dialect(name, value) {
            findings.extend(about_ours(name, value));
            continue;
        }
        lines.extend(line(name, value, facts, findings).map(|text| (name.clone(), text)));
    }
    lines
}

/// A finding about a header that is not the dialect's, where people may miss it.
fn about_ours(name: &str, value: &str) -> Option<Finding> {
    if name.eq_ignore_ascii_case("authorization") {
        return Some(Finding::warning(format!("{name}: belongs to the endpoint, not to the dialect: set its auth")));
    }
    let is_other_type = name.eq_ignore_ascii_case("content-type") && !is_json(value);
    is_other_type.then(|| Finding::warning(format!("{name}: {value} was sent, and Posthaste sends application/json")))
}

fn line(name: &str, value: &str, facts: &mut Facts, findings: &mut Vec<Finding>) -> Option<String> {
    let left_out = |why: &str| Finding::warning(format!("{name}: {why}: it is left out"));
    if says_signature(name) {
        findings.push(left_out("looks like a signature, and nothing that was tried makes it"));
        return None;
    }
    if mask::looks_secret(name) {
        findings.push(left_out("looks like a credential, which belongs to the endpoint (its auth or headers)"));
        return None;
    }
    if slot::has_slots(value) {
        findings.push(left_out("has braces that would be taken for slots"));
        return None;
    }
    let (text, certainty) = meaning(name, value, facts);
    findings.push(match certainty {
        Certainty::Same(of) => Finding::found(format!("{name}: {text}, the same as {of}")),
        Certainty::Guess => Finding::guessed(format!("{name}: {text}, by its name and value")),
        Certainty::Constant => Finding::guessed(format!("{name}: {value} in every request")),
        Certainty::Never(why) => Finding::warning(format!("{name}: {why}; it stands there as a constant")),
        Certainty::Differs(why) => Finding::warning(format!("{name}: {text}; {why}")),
    });
    Some(text)
}

enum Certainty {
    /// The value occurs elsewhere in the request.
    Same(&'static str),
    Guess,
    Constant,
    /// Posthaste cannot write it.
    Never(&'static str),
    /// Posthaste writes a similar value.
    Differs(&'static str),
}

fn meaning(name: &str, value: &str, facts: &mut Facts) -> (String, Certainty) {
    let is = |fact: &Option<String>| fact.as_deref() == Some(value);
    let slot = |path: &str| format!("{{{{{path}}}}}");
    let constant = || value.to_owned();
    if is(&facts.event_id) {
        return (slot("event.id"), Certainty::Same("the event's id"));
    }
    if is(&facts.at) {
        return (slot("timestamp"), Certainty::Same("the attempt's time"));
    }
    if is(&facts.event_type) {
        return (slot("event.type"), Certainty::Same("the event's type"));
    }
    if is(&facts.delivery) {
        return (slot("delivery.id"), Certainty::Same("the delivery's id"));
    }
    if is(&facts.tenant) {
        return (slot("tenant"), Certainty::Same("the tenant"));
    }
    if says_type(name) && facts.event_type.is_none() {
        if value.parse::<EventType>().is_err() {
            let why = "is a type that Posthaste cannot have: its types have at most 128 visible ASCII characters, no * and no comma";
            return (constant(), Certainty::Never(why));
        }
        facts.event_type = Some(value.to_owned());
        return (slot("event.type"), Certainty::Guess);
    }
    if names::is_attempt(name)
        && let Ok(attempt) = value.parse::<u32>()
    {
        if attempt == 0 {
            return (slot("delivery.attempt"), Certainty::Differs("the first attempt is 1 here, not 0"));
        }
        facts.attempt = Some(attempt);
        return (slot("delivery.attempt"), Certainty::Guess);
    }
    if says_time(name) {
        return time(value, facts).map_or((constant(), Certainty::Constant), |(text, certainty)| (text, certainty));
    }
    id(name, value, facts).unwrap_or((constant(), Certainty::Constant))
}

fn time(value: &str, facts: &mut Facts) -> Option<(String, Certainty)> {
    let time = Time::read(value)?;
    let Time { at, form } = &time;
    if *form == Form::Unix && facts.at.is_none() {
        facts.at = Some(value.to_owned());
        return Some(("{{timestamp}}".to_owned(), Certainty::Guess));
    }
    if time.may_be(facts.occurred_at.as_ref()) {
        facts.occurred_at.get_or_insert_with(|| at.to_string());
        let text = format!("{{{{event.timestamp{}}}}}", form.filter_of_event());
        let is_same = *form != Form::Unknown;
        return Some((
            text,
            if is_same { Certainty::Guess } else { Certainty::Differs("with milliseconds and Z here") },
        ));
    }
    let differs = Certainty::Differs("the attempt's time, for it is neither the event's nor the one that is signed");
    Some((format!("{{{{timestamp{}}}}}", form.filter()), differs))
}

fn id(name: &str, value: &str, facts: &mut Facts) -> Option<(String, Certainty)> {
    let is_uuid = value.len() == 36 && value.parse::<DeliveryId>().is_ok();
    // Of headers called a webhook's id, some are the endpoint's and some the message's.
    let may_be_message = says_event_id(name) && (is_uuid || names::plain(name) == "webhookid");
    if names::is_endpoint_id(name) && !may_be_message {
        return Some(("{{endpoint.id}}".to_owned(), Certainty::Differs("endpoints have new ids here")));
    }
    if says_delivery(name) || is_uuid && !says_event_id(name) && facts.delivery.is_none() {
        if !is_uuid {
            return Some(("{{delivery.id}}".to_owned(), Certainty::Differs("delivery ids are UUIDs here")));
        }
        facts.delivery = Some(value.to_owned());
        return Some(("{{delivery.id}}".to_owned(), Certainty::Guess));
    }
    if says_event_id(name) && facts.event_id.is_none() && value.parse::<EventId>().is_ok() {
        facts.event_id = Some(value.to_owned());
        return Some(("{{event.id}}".to_owned(), Certainty::Guess));
    }
    None
}

fn last_words(name: &str) -> (String, String) {
    let mut words = words(name);
    let last = words.pop().unwrap_or_default();
    (words.pop().unwrap_or_default(), last)
}

fn says_type(name: &str) -> bool {
    let (before, last) = last_words(name);
    let is_type = ["event", "topic", "kind", "trigger"].contains(&last.as_str());
    is_type || ["type", "name"].contains(&last.as_str()) && ["event", "webhook", "message"].contains(&before.as_str())
}

fn says_delivery(name: &str) -> bool {
    let (before, last) = last_words(name);
    last == "delivery" || ["delivery", "attempt", "request"].contains(&before.as_str()) && is_id(&last)
}

fn says_event_id(name: &str) -> bool {
    let (before, last) = last_words(name);
    let of_event = ["event", "message", "notification", "webhook", "idempotency", "x", ""];
    is_id(&last) && of_event.contains(&before.as_str()) || names::plain(name).ends_with("idempotencykey")
}

fn is_id(word: &str) -> bool {
    ["id", "uuid", "guid"].contains(&word)
}

fn says_time(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| ["timestamp", "time", "date", "ts", "at"].contains(&word.as_str()))
}

/// True if the name contains a word for a signature.
pub(super) fn says_signature(name: &str) -> bool {
    let words = words(name);
    words.iter().any(|word| ["signature", "signatures", "hmac", "sig", "sign"].contains(&word.as_str()))
}
