//! The contents of a dialect file, table by table. Hardly a field is optional: `document.rs` fills in what a file
//! leaves out.

use std::fmt;

use model::subscription::Names;
use model::time::Span;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::checked::Checked;
use crate::rules::{EventsRule, RotateRule, SecretRule};
use crate::sign::{Algorithm, Encoding, KeyForm, When};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) name: Checked<String>,
    pub(crate) title: Option<Checked<String>>,
    pub(crate) accent_color: Option<Checked<String>>,
    pub(crate) headers: Headers,
    pub(crate) signatures: Vec<Signature>,
    pub(crate) body: BodySection,
    pub(crate) retry: Retry,
    pub(crate) disable: Disable,
    pub(crate) endpoints: Endpoints,
    pub(crate) limits: Limits,
    pub(crate) routes: Routes,
    pub(crate) providers: Providers,
    pub(crate) catalogue: Catalogue,
    #[serde(default)]
    pub(crate) event_types: Vec<EventType>,
}

/// Names and values in the order of the file.
pub(crate) struct Headers(pub(crate) Vec<(String, Checked<HeaderValue>)>);

/// A header's value: a text, or `{ value = "…", secret = true }` where its name does not say that it is a credential.
#[derive(Default)]
pub(crate) struct HeaderValue {
    pub(crate) text: String,
    pub(crate) secret: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signature {
    pub(crate) header: Checked<String>,
    pub(crate) algorithm: Checked<Algorithm>,
    pub(crate) key: Checked<KeyForm>,
    pub(crate) signs: Checked<String>,
    pub(crate) encoding: Checked<Encoding>,
    pub(crate) format: Checked<String>,
    pub(crate) join: Checked<String>,
    pub(crate) when: Checked<When>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BodySection {
    pub(crate) template: Checked<String>,
    pub(crate) spread: Checked<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retry {
    pub(crate) schedule: Vec<Checked<Span>>,
    pub(crate) on: Vec<Checked<String>>,
    pub(crate) jitter: Checked<f64>,
    pub(crate) retry_after: RetryAfter,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetryAfter {
    pub(crate) on: Vec<Checked<u16>>,
    pub(crate) max: Checked<Span>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Disable {
    pub(crate) on_status: Vec<Checked<u16>>,
    pub(crate) consecutive_failures: Checked<u32>,
    pub(crate) failing_for: Checked<Span>,
    pub(crate) notify: Checked<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Endpoints {
    pub(crate) word: Checked<String>,
    pub(crate) editable: Checked<bool>,
    pub(crate) pausable: Checked<bool>,
    pub(crate) secret: Checked<SecretRule>,
    pub(crate) rotate: Checked<RotateRule>,
    pub(crate) https_only: Checked<bool>,
    pub(crate) events: Checked<EventsRule>,
    pub(crate) tenant: Checked<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) timeout: Checked<Span>,
    pub(crate) response_bytes: Checked<usize>,
    pub(crate) payload_bytes: Checked<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Routes {
    pub(crate) surfaces: Vec<Checked<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Providers {
    pub(crate) detect: Checked<bool>,
    pub(crate) cards: Checked<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    pub(crate) open: Checked<bool>,
    pub(crate) names: Checked<Names>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventType {
    #[serde(default)]
    pub(crate) name: Checked<String>,
    pub(crate) group: Option<Checked<String>>,
    pub(crate) description: Option<Checked<String>>,
    pub(crate) schema: Option<Checked<String>>,
    pub(crate) example: Option<Checked<String>>,
}

impl<'de> Deserialize<'de> for HeaderValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(HeaderValueVisitor)
    }
}

struct HeaderValueVisitor;

impl<'de> Visitor<'de> for HeaderValueVisitor {
    type Value = HeaderValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or { value = \"…\", secret = true }")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<HeaderValue, E> {
        Ok(HeaderValue { text: text.to_owned(), secret: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<HeaderValue, A::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Marked {
            value: String,
            #[serde(default)]
            secret: bool,
        }
        let Marked { value, secret } = Marked::deserialize(MapAccessDeserializer::new(map))?;
        Ok(HeaderValue { text: value, secret })
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadersVisitor)
    }
}

struct HeadersVisitor;

impl<'de> Visitor<'de> for HeadersVisitor {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("header names and values")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Headers, A::Error> {
        let mut headers = Vec::new();
        while let Some(header) = map.next_entry()? {
            headers.push(header);
        }
        Ok(Headers(headers))
    }
}
