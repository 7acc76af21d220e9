//! The content of a card, independent of the service.

use model::event::Event;
use model::json::Json;
use model::time::Timestamp;

use super::branding::Branding;
use super::facts::{self, Fact, Facts};
use super::text;

const LONGEST_LINE: usize = 500;
const LONGEST_SUMMARY: usize = 2000;

/// All of it cleaned and bounded, none of it escaped.
pub(super) struct Content<'a> {
    /// The event's type in words.
    pub(super) headline: String,
    /// The description of the event's type.
    pub(super) subtitle: Option<String>,
    /// The event's summary, in the sender's words.
    pub(super) summary: Option<String>,
    pub(super) facts: Vec<Fact>,
    /// Number of facts left out.
    pub(super) omitted: usize,
    pub(super) signed: String,
    pub(super) accent_color: Option<&'a str>,
    pub(super) event: &'a Event,
}

impl<'a> Content<'a> {
    pub(super) fn of(event: &'a Event, branding: &Branding<'a>) -> Self {
        let whose = [("brand", &event.brand), ("workflow", &event.workflow)];
        let mut shown: Vec<Fact> =
            whose.into_iter().filter_map(|(word, json)| Some(Fact::new(word, &name(json.as_ref())?))).collect();
        let facts = Facts::of(event.data.as_str());
        shown.extend(facts.shown);
        Self {
            headline: in_words(event.event_type.as_str()),
            subtitle: branding.description.and_then(|description| text::lines(description, LONGEST_LINE)),
            summary: event.summary.as_deref().and_then(|summary| text::lines(summary, LONGEST_SUMMARY)),
            facts: shown,
            omitted: facts.omitted,
            signed: text::one_line(branding.signed, LONGEST_LINE),
            accent_color: branding.accent_color,
            event,
        }
    }

    /// Project, type, id and time of the event, separated by dots.
    pub(super) fn footer(&self) -> String {
        let Event { event_type, id, occurred_at, .. } = self.event;
        format!("{} · {} · {} · {}", self.signed, event_type.as_str(), id.as_str(), to_the_second(*occurred_at))
    }
}

fn name(json: Option<&Json>) -> Option<String> {
    facts::name_of(json?.as_str())
}

/// `order.status_changed` is “Order status changed”.
fn in_words(event_type: &str) -> String {
    let words = event_type.replace(['.', '_'], " ");
    let mut letters = words.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        // Nothing but underscores, which a type may be.
        None => event_type.to_owned(),
    }
}

/// The line that counts the facts left out.
pub(super) fn more(omitted: usize) -> String {
    format!("and {}", facts::counted(omitted, "more field"))
}

fn to_the_second(at: Timestamp) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replace('T', " ")),
        None => text,
    }
}
