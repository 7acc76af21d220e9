//! From a dialect file to a dialect. Every value is looked at, what is bad is noted, and the least stands in for it until the
//! end: so all mistakes are found at once.

mod catalogue;
mod retry;
mod speech;

use std::time::Duration;

use model::time::Span;

use crate::dialect::{Dialect, Endpoints, Limits, Providers, SecretRule};
use crate::file::{self, Checked, File};
use crate::mistake::{Mistake, Mistakes, Place};
use crate::sign::When;

/// No request may take longer, whatever a dialect says.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(120);
const MOST_RESPONSE_BYTES: usize = 1024 * 1024;
const MOST_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;
const LONGEST_NAME: usize = 63;

pub(crate) fn dialect(file: File, whole: &Place<'_>) -> Result<Dialect, Vec<Mistake>> {
    let mut mistakes = Mistakes::default();
    let m = &mut mistakes;
    let name = name(file.name, &whole.member("name"), m).unwrap_or_default();
    let title = file.title.and_then(|title| m.take(&whole.member("title"), title));
    let (disable, notify) = retry::disable(file.disable, &whole.member("disable"), m);
    let dialect = Dialect {
        title: title.unwrap_or_else(|| name.clone()),
        name,
        built_in: None,
        accent_color: file.accent_color.and_then(|color| accent_color(color, &whole.member("accent_color"), m)),
        retry: retry::policy(file.retry, &disable, &whole.member("retry"), m),
        disable,
        notify,
        endpoints: endpoints(file.endpoints, &whole.member("endpoints"), m),
        limits: limits(file.limits, &whole.member("limits"), m),
        surfaces: m.each(&whole.member("routes").member("surfaces"), file.routes.surfaces),
        providers: providers(file.providers, &whole.member("providers"), m),
        catalogue: catalogue::catalogue(file.catalogue, file.event_types, whole, m),
        headers: speech::headers(file.headers, &whole.member("headers"), m),
        schemes: speech::schemes(file.signatures, &whole.member("signatures"), m),
        body: speech::body(file.body, &whole.member("body"), m),
    };
    contradictions(&dialect, whole, m);
    mistakes.none_or(dialect)
}

fn name(name: Checked<String>, place: &Place<'_>, m: &mut Mistakes) -> Option<String> {
    let name = m.take(place, name)?;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = name.len() <= LONGEST_NAME && name.starts_with(|first: char| first.is_ascii_lowercase());
    if !fits || !name.bytes().all(allowed) {
        m.add(place, "a name starts with a lower-case letter and goes on with lower-case letters, digits and hyphens, at most 63 in all");
    }
    Some(name)
}

fn accent_color(color: Checked<String>, place: &Place<'_>, m: &mut Mistakes) -> Option<String> {
    let color = m.take(place, color)?;
    let digits = color.strip_prefix('#').unwrap_or_default();
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        m.add(place, "a colour is # and six hexadecimal digits, for example #1a7f37");
    }
    Some(color)
}

fn endpoints(file: file::Endpoints, place: &Place<'_>, m: &mut Mistakes) -> Endpoints {
    let tenant = m.take(&place.member("tenant"), file.tenant).filter(|word| !word.is_empty());
    Endpoints {
        word: m.take(&place.member("word"), file.word).unwrap_or_default(),
        editable: m.take(&place.member("editable"), file.editable).unwrap_or_default(),
        pausable: m.take(&place.member("pausable"), file.pausable).unwrap_or_default(),
        secret: m.take(&place.member("secret"), file.secret).unwrap_or_default(),
        https_only: m.take(&place.member("https_only"), file.https_only).unwrap_or_default(),
        events: m.take(&place.member("events"), file.events).unwrap_or_default(),
        tenant,
    }
}

fn limits(file: file::Limits, place: &Place<'_>, m: &mut Mistakes) -> Limits {
    Limits {
        timeout: timeout(file.timeout, &place.member("timeout"), m),
        response_bytes: bytes(file.response_bytes, MOST_RESPONSE_BYTES, &place.member("response_bytes"), m),
        payload_bytes: bytes(file.payload_bytes, MOST_PAYLOAD_BYTES, &place.member("payload_bytes"), m),
    }
}

fn timeout(timeout: Checked<Span>, place: &Place<'_>, m: &mut Mistakes) -> Duration {
    let timeout = span(timeout, place, m);
    if timeout.is_some_and(|timeout| timeout.is_zero() || timeout > LONGEST_TIMEOUT) {
        m.add(place, format!("a timeout is longer than 0s and at most {}", Span(LONGEST_TIMEOUT)));
    }
    timeout.unwrap_or_default()
}

fn bytes(bytes: Checked<usize>, most: usize, place: &Place<'_>, m: &mut Mistakes) -> usize {
    let bytes = m.take(place, bytes).unwrap_or_default();
    if bytes > most {
        m.add(place, format!("at most {most} bytes"));
    }
    bytes
}

fn span(span: Checked<Span>, place: &Place<'_>, m: &mut Mistakes) -> Option<Duration> {
    m.take(place, span).map(|span| span.0)
}

fn providers(file: file::Providers, place: &Place<'_>, m: &mut Mistakes) -> Providers {
    Providers {
        detect: m.take(&place.member("detect"), file.detect).unwrap_or_default(),
        cards: m.take(&place.member("cards"), file.cards).unwrap_or_default(),
    }
}

/// What is right by itself but not beside the rest.
fn contradictions(dialect: &Dialect, whole: &Place<'_>, m: &mut Mistakes) {
    let always_signed = dialect.schemes.iter().any(|scheme| scheme.when == When::Always);
    if always_signed && dialect.endpoints.secret != SecretRule::Always {
        let message = "a signature with when = \"always\" needs endpoints with secret = \"always\"; or set its when to \"secret\"";
        m.add(&whole.member("endpoints").member("secret"), message);
    }
    for (index, scheme) in dialect.schemes.iter().enumerate().filter(|(_, scheme)| !scheme.header.is_empty()) {
        let place = whole.member("signatures").item(index);
        if dialect.headers.iter().any(|(name, _)| *name == scheme.header) {
            m.add(&place.member("header"), format!("{} stands in [headers] as well", scheme.header));
        }
        let mut beside = dialect.schemes.iter().filter(|other| other.header == scheme.header);
        if beside.any(|other| other.join != scheme.join) {
            m.add(&place.member("join"), format!("all signatures in {} are joined in the same way", scheme.header));
        }
    }
}
