//! A captured request of another system, and the dialect that would have sent it.
//!
//! Receivers must not notice that Posthaste sends to them now. So [`Sample::explain`] searches for how the request's
//! signatures are made (every usual algorithm, key, content and spelling is tried, so a match is certain), guesses the
//! meaning of the other headers and the members of the body from their names and values, and writes a dialect file with
//! a comment on each guess. [`Sample::compare`] compares any dialect with the request.

mod candidates;
mod captured;
mod compare;
mod digest;
mod envelope;
mod facts;
mod headers;
mod json;
mod key;
mod names;
mod print;
mod read;
mod scheme;
mod search;
mod times;

use model::subscription::Names;

use crate::Dialect;
use crate::diagnostic::Diagnostic;

pub use self::captured::{Certainty, Finding, Sample};
use self::compare::Comparer;
use self::digest::Digest;
use self::facts::Facts;
use self::print::Draft;
use self::scheme::Signature;
use self::search::SearchResult;

/// Findings about the system that sent a request, and a dialect made from them.
pub struct Explanation {
    pub findings: Vec<Finding>,
    /// A dialect file to start from. It is valid.
    pub dialect: String,
    /// With a secret: true if at least one digest is explained. Without: true if nothing looks like a signature.
    pub signed: bool,
}

/// The differences between a dialect's request and a captured one.
pub struct Comparison {
    pub findings: Vec<Finding>,
    /// True if no header, signature or body differs; bodies are compared byte for byte.
    pub same: bool,
}

impl Sample {
    /// Reads `{method, headers, body | body_b64, secret}`, or returns all errors, field by field.
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        read::sample(text)
    }

    /// Explains how this request was made, and writes the dialect file that makes it again.
    pub fn explain(&self) -> Explanation {
        let analysis = self.analysis();
        let mut findings = analysis.findings;
        let draft = analysis.draft;
        let first = draft.toml(&findings);
        if let Ok(dialect) = Dialect::parse(&first) {
            let compared = Comparer { sample: self, dialect: &dialect, facts: analysis.facts, body: &analysis.body };
            let tried_out = tried_out(&compared.run(), &findings);
            findings.extend(tried_out);
        }
        Explanation { dialect: draft.toml(&findings), findings, signed: analysis.signed }
    }

    /// Checks whether `dialect` would have sent this request, and lists what differs.
    pub fn compare(&self, dialect: &Dialect) -> Comparison {
        let analysis = self.analysis();
        let compared = Comparer { sample: self, dialect, facts: analysis.facts, body: &analysis.body };
        let outcomes = compared.run();
        let mut findings: Vec<Finding> = outcomes.iter().map(compare::Outcome::finding).collect();
        findings.splice(0..0, analysis.about_capture);
        Comparison { same: outcomes.iter().all(|outcome| outcome.differs.is_none()), findings }
    }

    fn analysis(&self) -> Analysis {
        let digests = self.digests();
        let found = search::run(self, &digests);
        let about_capture = self.about_capture(&found);
        let mut findings = about_capture.clone();
        let mut facts = Facts::default();
        for found in found.matches.iter().flatten() {
            facts.event_id = facts.event_id.or_else(|| found.id.clone());
            facts.at = facts.at.or_else(|| found.timestamp.clone().filter(|text| candidates::is_seconds(text)));
        }
        let signed = self.signed_headers(&digests, &found);
        let mut signatures = Vec::new();
        for header in &signed {
            let mut about = Vec::new();
            let of_header = scheme::of_header(self, *header, &digests, &found, &mut about);
            findings.extend(of_header.iter().map(about_signature));
            findings.append(&mut about);
            signatures.extend(of_header);
        }
        findings.extend(self.about_unsigned(&digests, &found));
        let hints = headers::hints(self);
        let body = found.body.as_ref().map_or_else(|| self.body.clone(), |(body, _)| body.clone());
        let envelope = envelope::read(&body, &hints, &mut facts, &mut findings);
        let headers = headers::read(self, &signed, &mut facts, &mut findings);
        let odd_names = facts.event_type.as_deref().is_some_and(|name| Names::Dotted.event_type(name).is_err());
        let draft = Draft { headers, signatures, envelope, has_secret: self.secret.is_some(), odd_names };
        let signed = if self.secret.is_some() { found.matches.iter().any(Option::is_some) } else { digests.is_empty() };
        Analysis { draft, facts, findings, about_capture, body, signed }
    }

    fn digests(&self) -> Vec<Digest> {
        let headers =
            self.headers.iter().enumerate().filter(|(_, (name, value))| !candidates::is_of_no_dialect(name, value));
        headers.flat_map(|(index, (_, value))| digest::find(index, value)).collect()
    }

    /// Headers with at least one digest that is explained.
    fn signed_headers(&self, digests: &[Digest], found: &SearchResult) -> Vec<usize> {
        let explained = digests.iter().zip(&found.matches).filter(|(_, found)| found.is_some());
        let mut headers: Vec<usize> = explained.map(|(digest, _)| digest.header).collect();
        headers.dedup();
        headers
    }

    fn about_capture(&self, found: &SearchResult) -> Vec<Finding> {
        let mut findings = Vec::new();
        if !self.method.eq_ignore_ascii_case("POST") {
            findings.push(Finding::warning(format!("method: {} was used, and Posthaste sends POST", self.method)));
        }
        if let Some((_, how)) = &found.body {
            findings.push(Finding::warning(format!(
                "capture: the body is not the one that was signed; the signature fits it {how}, and what follows is about that"
            )));
        }
        findings
    }

    /// The reasons why no signature is explained, if none is.
    fn about_unsigned(&self, digests: &[Digest], found: &SearchResult) -> Vec<Finding> {
        if found.matches.iter().any(Option::is_some) {
            return Vec::new();
        }
        let mut findings: Vec<Finding> = Vec::new();
        let likely = |digest: &&Digest| {
            digest.spelling != digest::Spelling::Base64Other || headers::says_signature(&self.headers[digest.header].0)
        };
        for digest in digests.iter().filter(likely) {
            let name = &self.headers[digest.header].0;
            let encoding = digest.spelling.setting();
            let length = digest.bytes.len();
            findings.push(Finding::warning(match &self.secret {
                None => format!("signatures: {name} looks like a signature ({length} bytes in {encoding}); add the secret to the sample to find out how it is made"),
                Some(_) => format!(
                    "signatures: {name} has {length} bytes in {encoding}, and none of {} tries makes them: HMAC and Ed25519 with the secret as text, base64 and whsec_, over the body alone and with every id and time of the request before or behind it",
                    found.tried
                ),
            }));
        }
        match (&self.secret, findings.is_empty()) {
            (Some(_), true) => findings.push(Finding::warning(
                "signatures: there is a secret, but no header has anything as long as a signature; are all headers in the sample?",
            )),
            (Some(_), false) => findings.push(Finding::warning(
                "signatures: likely the secret is another (of another endpoint, or from before it was rotated), or the body is not byte for byte what was sent (written anew by a logger or framework), or something is signed that is not in the sample, such as the URL",
            )),
            (None, true) => findings.push(Finding::found("signatures: no header looks like one, and there is no secret")),
            (None, false) => {}
        }
        findings
    }
}

struct Analysis {
    draft: Draft,
    facts: Facts,
    findings: Vec<Finding>,
    /// The findings that are about the capture itself.
    about_capture: Vec<Finding>,
    /// The bytes that were signed.
    body: Vec<u8>,
    signed: bool,
}

fn about_signature(signature: &Signature) -> Finding {
    let Signature { header, algorithm, key, signs, encoding, format, .. } = signature;
    let signs = signs.replace('\n', "\\n");
    Finding::found(format!("{header}: {algorithm} over {signs}, key {key}, in {encoding}, written {format}"))
}

/// Findings from the trial of the printed dialect on the sample.
fn tried_out(outcomes: &[compare::Outcome], findings: &[Finding]) -> Vec<Finding> {
    if outcomes.iter().any(|outcome| outcome.differs.is_some()) {
        // Headers that differ have a finding already.
        let bodies = outcomes.iter().filter(|outcome| outcome.place == "body" && outcome.differs.is_some());
        return bodies.map(compare::Outcome::finding).collect();
    }
    let is_warned = findings.iter().any(|finding| finding.certainty == Certainty::Warning);
    let but = if is_warned { "; the warnings are about other requests" } else { "" };
    vec![Finding::found(format!("all: tried on this request, the dialect makes it again byte for byte{but}"))]
}
