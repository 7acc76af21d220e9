//! The search for signatures: the digests in the headers that are made with the secret, their content and algorithm.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::Ed25519KeyPair;

use super::candidates::{self, Candidates};
use super::captured::Sample;
use super::digest::Digest;
use super::json;
use super::key::{self, Candidate};
use crate::sign::Signed;
use crate::slot::{self, Segment};

/// Signed contents known from the field, the usual ones first.
const SIGNED: [&str; 25] = [
    "{{body}}",
    "{{id}}.{{timestamp}}.{{body}}",
    "{{timestamp}}.{{body}}",
    "v0:{{timestamp}}:{{body}}",
    "v1:{{timestamp}}:{{body}}",
    "{{timestamp}}{{body}}",
    "{{timestamp}}:{{body}}",
    "{{timestamp}}|{{body}}",
    "{{timestamp}}_{{body}}",
    "{{timestamp}}-{{body}}",
    "{{timestamp}}\n{{body}}",
    "{{body}}{{timestamp}}",
    "{{body}}.{{timestamp}}",
    "{{body}}:{{timestamp}}",
    "{{body}}|{{timestamp}}",
    "{{id}}{{timestamp}}{{body}}",
    "{{id}}:{{timestamp}}:{{body}}",
    "{{id}}|{{timestamp}}|{{body}}",
    "{{id}}\n{{timestamp}}\n{{body}}",
    "{{timestamp}}.{{id}}.{{body}}",
    "{{timestamp}}{{id}}{{body}}",
    "{{timestamp}}:{{id}}:{{body}}",
    "{{id}}.{{body}}",
    "{{id}}{{body}}",
    "{{id}}:{{body}}",
];

/// The algorithm, key and content of one digest.
#[derive(Clone, Debug)]
pub(super) struct Match {
    pub(super) algorithm: &'static str,
    pub(super) key: &'static str,
    pub(super) instead: Option<&'static str>,
    pub(super) signs: &'static str,
    pub(super) id: Option<String>,
    pub(super) timestamp: Option<String>,
}

/// Matches by digest, and the number of tries.
pub(super) struct SearchResult {
    pub(super) matches: Vec<Option<Match>>,
    pub(super) tried: usize,
    /// The body that was signed, if it is not the captured one, and how they differ.
    pub(super) body: Option<(Vec<u8>, &'static str)>,
}

pub(super) fn run(sample: &Sample, digests: &[Digest]) -> SearchResult {
    let clues = Candidates::of(sample);
    let mut search = Search::new(sample, digests);
    search.over(&sample.body, &clues);
    let mut body = None;
    for (other, how) in other_bodies(&sample.body) {
        if search.found_any() {
            break;
        }
        search.over(&other, &clues);
        if search.found_any() {
            body = Some((other, how));
        }
    }
    SearchResult { matches: search.matches, tried: search.tried, body }
}

struct Search<'a> {
    digests: &'a [Digest],
    matches: Vec<Option<Match>>,
    tried: usize,
    keys: Vec<Candidate>,
    pair: Option<Ed25519KeyPair>,
}

/// The content signed in one try.
struct Content<'a> {
    signs: &'static str,
    id: Option<&'a str>,
    timestamp: Option<&'a str>,
    bytes: Vec<u8>,
}

impl<'a> Search<'a> {
    fn new(sample: &Sample, digests: &'a [Digest]) -> Self {
        let secret = sample.secret.as_deref();
        Self {
            digests,
            matches: vec![None; digests.len()],
            tried: 0,
            keys: secret.map(key::candidates).unwrap_or_default(),
            pair: secret.and_then(key::ed25519),
        }
    }

    fn found_any(&self) -> bool {
        self.matches.iter().any(Option::is_some)
    }

    fn over(&mut self, body: &[u8], clues: &Candidates) {
        for signs in SIGNED {
            for content in contents(signs, body, clues) {
                if self.matches.iter().all(Option::is_some) {
                    return;
                }
                self.attempt(&content);
            }
        }
    }

    fn attempt(&mut self, content: &Content<'_>) {
        let hmacs = [
            ("hmac-sha256", 32, hmac::HMAC_SHA256),
            ("hmac-sha1", 20, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY),
            ("hmac-sha512", 64, hmac::HMAC_SHA512),
        ];
        for (algorithm, length, function) in hmacs {
            if !self.digests.iter().any(|digest| digest.bytes.len() == length) {
                continue;
            }
            for index in 0..self.keys.len() {
                let key = &self.keys[index];
                let (form, instead) = (key.setting(), key.instead);
                let tag = hmac::sign(&key.hmac(function), &content.bytes);
                self.note(tag.as_ref(), content, algorithm, form, instead);
            }
        }
        if self.digests.iter().any(|digest| digest.bytes.len() == 64)
            && let Some(pair) = &self.pair
        {
            // The same message always has the same signature (RFC 8032, section 5.1.6).
            let signature = pair.sign(&content.bytes);
            self.note(signature.as_ref(), content, "ed25519", "whsec", None);
        }
    }

    fn note(
        &mut self,
        made: &[u8],
        content: &Content<'_>,
        algorithm: &'static str,
        key: &'static str,
        instead: Option<&'static str>,
    ) {
        self.tried += 1;
        for (digest, found) in self.digests.iter().zip(&mut self.matches) {
            if found.is_none() && digest.bytes == made {
                let owned = |text: Option<&str>| text.map(str::to_owned);
                let (id, timestamp) = (owned(content.id), owned(content.timestamp));
                *found = Some(Match { algorithm, key, instead, signs: content.signs, id, timestamp });
            }
        }
    }
}

/// One content for each id and time that fit into what is signed.
fn contents<'a>(signs: &'static str, body: &'a [u8], clues: &'a Candidates) -> impl Iterator<Item = Content<'a>> {
    let segments = slot::segments(signs, Signed::named).expect("a test reads all that is tried");
    let each = |slot, values: &'a [String]| -> Vec<Option<&'a str>> {
        let is_named = segments.contains(&Segment::Slot(slot));
        if is_named { values.iter().map(|value| Some(value.as_str())).collect() } else { vec![None] }
    };
    let (ids, timestamps) = (each(Signed::Id, &clues.ids), each(Signed::Timestamp, &clues.times));
    let pairs =
        ids.into_iter().flat_map(move |id| timestamps.clone().into_iter().map(move |timestamp| (id, timestamp)));
    pairs.map(move |(id, timestamp)| {
        let part = |segment: &'_ Segment<Signed>| match segment {
            Segment::Text(text) => text.as_bytes().to_vec(),
            Segment::Slot(Signed::Id) => id.unwrap_or_default().as_bytes().to_vec(),
            Segment::Slot(Signed::Timestamp) => timestamp.unwrap_or_default().as_bytes().to_vec(),
            Segment::Slot(Signed::Body) => body.to_vec(),
        };
        Content { signs, id, timestamp, bytes: segments.iter().flat_map(part).collect() }
    })
}

/// Bodies that a capture may have been made from: request loggers often re-serialise them.
fn other_bodies(body: &[u8]) -> Vec<(Vec<u8>, &'static str)> {
    let Ok(text) = std::str::from_utf8(body) else { return Vec::new() };
    let mut bodies = vec![
        (text.trim().to_owned(), "without the spaces and line breaks around it"),
        (format!("{text}\n"), "with a line break at its end"),
        (text.replace("\r\n", "\n"), "with plain line breaks (LF)"),
        (text.replace('\n', "\r\n"), "with the network's line breaks (CRLF)"),
    ];
    if json::is_valid(text) {
        bodies.push((json::spaced(text, ",", ":"), "without spaces between its members"));
        bodies
            .push((json::spaced(text, ", ", ": "), "with a space behind each comma and colon, as Python writes JSON"));
        bodies.push((text.replace('/', "\\/"), "with its slashes escaped, as PHP writes JSON"));
        bodies.push((text.replace("\\/", "/"), "with its slashes not escaped"));
    }
    bodies.retain(|(other, _)| other.as_bytes() != body);
    bodies.into_iter().map(|(other, how)| (other.into_bytes(), how)).collect()
}

impl Match {
    /// The part of the signed content that Posthaste writes in another form.
    pub(super) fn limit(&self) -> Option<String> {
        let timestamp = self.timestamp.as_deref().filter(|text| !candidates::is_seconds(text))?;
        Some(format!(
            "{timestamp} is signed as the time, and Posthaste signs whole seconds since 1970: receivers will refuse that"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_tried_can_be_written_in_a_dialect() {
        for signs in SIGNED {
            assert!(slot::segments(signs, Signed::named).is_ok(), "{signs}");
        }
    }
}
