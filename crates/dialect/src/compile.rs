//! Compiles a dialect file to a dialect. Every value is checked; a bad one is noted and a minimal value stands in for
//! it until the end, so all errors are found at once.

mod catalogue;
mod cross_checks;
mod message;
mod retry;
mod span;

use std::ops::RangeInclusive;
use std::time::Duration;

use model::time::Span;

use self::span::span;
use crate::checked::Checked;
use crate::diagnostic::{Diagnostics, KeyLocation};
use crate::dialect::{Dialect, Endpoints, Limits, Providers};
use crate::file::{self, File};

/// Maximum time of a request, whatever a dialect says.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(120);
const MOST_RESPONSE_BYTES: usize = 1024 * 1024;
const MOST_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;
const LONGEST_NAME: usize = 63;
const LONGEST_SHOWN: usize = 128;
/// All REST surfaces.
const SURFACES: [&str; 2] = ["webhooks", "hooks"];

pub(crate) fn dialect(file: File, whole: &KeyLocation<'_>, m: &mut Diagnostics) -> Dialect {
    let name = name(file.name, &whole.member("name"), m).unwrap_or_default();
    let title = file.title.and_then(|title| shown(title, &whole.member("title"), m));
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
        surfaces: surfaces(file.routes, &whole.member("routes").member("surfaces"), m),
        providers: providers(file.providers, &whole.member("providers"), m),
        catalogue: catalogue::catalogue(file.catalogue, file.event_types, whole, m),
        headers: message::headers(file.headers, &whole.member("headers"), m),
        schemes: message::schemes(file.signatures, &whole.member("signatures"), m),
        body: message::body(file.body, &whole.member("body"), m),
    };
    cross_checks::all(&dialect, whole, m);
    dialect
}

fn name(name: Checked<String>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<String> {
    let name = m.take(location, name)?;
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = name.len() <= LONGEST_NAME && name.starts_with(|first: char| first.is_ascii_lowercase());
    if !fits || !name.bytes().all(allowed) {
        m.add(location, "a name starts with a lower-case letter and goes on with lower-case letters, digits and hyphens, at most 63 in all");
    }
    Some(name)
}

/// A word or title that is shown to people.
fn shown(text: Checked<String>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<String> {
    let text = m.take(location, text)?;
    if text.trim().is_empty() || text.len() > LONGEST_SHOWN || text.contains(char::is_control) {
        m.add(location, format!("people read this: 1 to {LONGEST_SHOWN} bytes of text on one line"));
    }
    Some(text)
}

fn surfaces(file: file::Routes, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Vec<String> {
    let mut surfaces = Vec::new();
    for (index, name) in file.surfaces.into_iter().enumerate() {
        let location = location.item(index);
        let Some(name) = m.take(&location, name) else { continue };
        if !SURFACES.contains(&name.as_str()) {
            m.add(&location, format!("{name:?} is not a surface: there are {}", SURFACES.join(" and ")));
        } else if surfaces.contains(&name) {
            m.add(&location, format!("{name:?} is listed twice"));
        }
        surfaces.push(name);
    }
    surfaces
}

fn accent_color(color: Checked<String>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<String> {
    let color = m.take(location, color)?;
    let digits = color.strip_prefix('#').unwrap_or_default();
    if digits.len() != 6 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        m.add(location, "a colour is # and six hexadecimal digits, for example #1a7f37");
    }
    Some(color)
}

fn endpoints(file: file::Endpoints, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Endpoints {
    let has_tenant = !matches!(&file.tenant.0, Ok(word) if word.is_empty());
    let tenant = if has_tenant { shown(file.tenant, &location.member("tenant"), m) } else { None };
    Endpoints {
        word: shown(file.word, &location.member("word"), m).unwrap_or_default(),
        editable: m.take(&location.member("editable"), file.editable).unwrap_or_default(),
        pausable: m.take(&location.member("pausable"), file.pausable).unwrap_or_default(),
        secret: m.take(&location.member("secret"), file.secret).unwrap_or_default(),
        rotate: m.take(&location.member("rotate"), file.rotate).unwrap_or_default(),
        https_only: m.take(&location.member("https_only"), file.https_only).unwrap_or_default(),
        events: m.take(&location.member("events"), file.events).unwrap_or_default(),
        tenant,
    }
}

fn limits(file: file::Limits, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Limits {
    Limits {
        timeout: timeout(file.timeout, &location.member("timeout"), m),
        response_bytes: bytes(file.response_bytes, 0..=MOST_RESPONSE_BYTES, &location.member("response_bytes"), m),
        payload_bytes: bytes(file.payload_bytes, 1..=MOST_PAYLOAD_BYTES, &location.member("payload_bytes"), m),
    }
}

fn timeout(timeout: Checked<Span>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Duration {
    let timeout = span(timeout, location, m);
    if timeout.is_some_and(|timeout| timeout.is_zero() || timeout > LONGEST_TIMEOUT) {
        m.add(location, format!("a timeout is longer than 0s and at most {}", Span(LONGEST_TIMEOUT)));
    }
    timeout.unwrap_or_default()
}

fn bytes(
    bytes: Checked<usize>,
    allowed: RangeInclusive<usize>,
    location: &KeyLocation<'_>,
    m: &mut Diagnostics,
) -> usize {
    let Some(bytes) = m.take(location, bytes) else { return *allowed.end() };
    if !allowed.contains(&bytes) {
        m.add(location, format!("from {} to {} bytes", allowed.start(), allowed.end()));
    }
    bytes
}

fn providers(file: file::Providers, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Providers {
    Providers {
        detect: m.take(&location.member("detect"), file.detect).unwrap_or_default(),
        cards: m.take(&location.member("cards"), file.cards).unwrap_or_default(),
    }
}
