//! The file format of a captured request: JSON with `method`, `headers`, `body` or `body_b64`, and `secret`.

use data_encoding::BASE64;

use super::captured::Sample;
use super::json;
use crate::diagnostic::Diagnostic;
use crate::header;

/// Larger bodies are no webhooks, and every signature is tried over all of it.
const LONGEST_BODY: usize = 4 * 1024 * 1024;
const MOST_HEADERS: usize = 100;

const FIELDS: &str = "method, headers, body or body_b64, and secret";

/// Reads the file, or returns all errors in it.
pub(super) fn sample(text: &str) -> Result<Sample, Vec<Diagnostic>> {
    let whole = |line, message| vec![Diagnostic { key: String::new(), line, message }];
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
        return Err(whole(Some(error.line()), format!("not JSON: {error}")));
    }
    let Some(fields) = json::members(text) else {
        return Err(whole(None, format!("not a captured request: that is a JSON object with {FIELDS}")));
    };
    let mut reader = Reader { fields, diagnostics: Vec::new() };
    reader.unknown();
    let sample =
        Sample { method: reader.method(), headers: reader.headers(), body: reader.body(), secret: reader.secret() };
    if reader.diagnostics.is_empty() { Ok(sample) } else { Err(reader.diagnostics) }
}

struct Reader<'a> {
    fields: Vec<(String, &'a str)>,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn wrong(&mut self, field: &str, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic { key: field.to_owned(), line: None, message: message.into() });
    }

    /// A field that is there and not null. The last one counts, as most readers of JSON have it.
    fn field(&self, name: &str) -> Option<&'a str> {
        let found = self.fields.iter().rev().find(|(field, _)| field == name);
        found.map(|(_, json)| *json).filter(|json| *json != "null")
    }

    fn unknown(&mut self) {
        // `url` is ignored: no signature of ours covers it, but captures have it.
        let known = ["method", "url", "headers", "body", "body_b64", "secret"];
        let unknown: Vec<String> =
            self.fields.iter().map(|(name, _)| name.clone()).filter(|name| !known.contains(&name.as_str())).collect();
        for name in unknown {
            self.wrong(&name, format!("no field of a captured request: there are {FIELDS}"));
        }
    }

    fn string(&mut self, name: &str, instead: &str) -> Option<String> {
        let text = self.field(name)?;
        let string = json::string(text);
        if string.is_none() {
            self.wrong(name, instead);
        }
        string
    }

    fn method(&mut self) -> String {
        if self.field("method").is_none() {
            return "POST".to_owned();
        }
        self.string("method", "write the method as text, for example \"POST\"").unwrap_or_default()
    }

    fn secret(&mut self) -> Option<String> {
        let secret = self.string("secret", "write the endpoint's secret as text, or null if requests are not signed");
        if secret.as_ref().is_some_and(|secret| secret.trim().is_empty()) {
            self.wrong("secret", "is empty: write the endpoint's secret, or null if requests are not signed");
        }
        secret
    }

    fn body(&mut self) -> Vec<u8> {
        let instead = "write the body as text, exactly the bytes that were sent (JSON inside a JSON string: {\\\"id\\\":7}), or their base64 in body_b64";
        let body = match (self.field("body"), self.field("body_b64")) {
            (Some(_), Some(_)) => {
                self.wrong("body_b64", "stands beside body: write one of them");
                None
            }
            (None, None) => {
                self.wrong("body", format!("is missing: {instead}"));
                None
            }
            (Some(_), None) => self.string("body", instead).map(String::into_bytes),
            (None, Some(_)) => self.body_from_base64(),
        };
        if body.as_ref().is_some_and(|body| body.len() > LONGEST_BODY) {
            self.wrong("body", format!("is longer than {LONGEST_BODY} bytes: capture a smaller request"));
        }
        body.unwrap_or_default()
    }

    fn body_from_base64(&mut self) -> Option<Vec<u8>> {
        let text = self.string("body_b64", "write the body's base64 as text")?;
        let bytes = BASE64.decode(text.trim().as_bytes());
        bytes.map_err(|error| self.wrong("body_b64", format!("not base64 (RFC 4648, section 4): {error}"))).ok()
    }

    /// Values of the same name become one, joined by commas: that is the same to receivers (RFC 9110, section 5.3).
    fn headers(&mut self) -> Vec<(String, String)> {
        let Some(text) = self.field("headers") else {
            self.wrong("headers", "is missing: an object of names and values");
            return Vec::new();
        };
        let Some(members) = json::members(text) else {
            self.wrong("headers", "write an object of names and values, each value text or a list of texts");
            return Vec::new();
        };
        if members.len() > MOST_HEADERS {
            self.wrong("headers", format!("at most {MOST_HEADERS} headers"));
        }
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, json) in members {
            let Some(value) = self.header(&name, json) else { continue };
            match headers.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                Some((_, earlier)) => *earlier = format!("{earlier}, {value}"),
                None => headers.push((name, value)),
            }
        }
        headers
    }

    fn header(&mut self, name: &str, text: &str) -> Option<String> {
        let field = format!("headers.{name}");
        if let Err(reason) = header::name(name) {
            self.wrong(&field, reason.to_string());
            return None;
        }
        let values = json::string(text).map(|value| vec![value]).or_else(|| serde_json::from_str(text).ok());
        let Some(values) = values else {
            self.wrong(&field, "write its value as text, or a list of texts if it came several times");
            return None;
        };
        let value = values.join(", ").trim().to_owned();
        if let Err(reason) = header::check_value(&value) {
            self.wrong(&field, reason.to_string());
        }
        Some(value)
    }
}
