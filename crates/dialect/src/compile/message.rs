//! `[headers]`, `[[signatures]]` and `[body]`.

use std::sync::Arc;

use model::mask;

use crate::body::{BodyTemplate, Spreadable};
use crate::checked::Checked;
use crate::diagnostic::{Diagnostics, KeyLocation};
use crate::file;
use crate::header;
use crate::header_template::{DialectHeader, HeaderTemplate};
use crate::sign::{Scheme, Signed, Written};
use crate::slot::{Segment, Slot, segments};
use crate::template::Template;

/// Maximum headers of a dialect: receivers refuse a hundred.
const MOST_HEADERS: usize = 32;
const MOST_SIGNATURES: usize = 8;
const LONGEST_VALUE: usize = 4096;

pub(super) fn headers(file: file::Headers, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Vec<DialectHeader> {
    if file.0.len() > MOST_HEADERS {
        m.add(location, format!("at most {MOST_HEADERS} headers"));
    }
    let mut headers: Vec<DialectHeader> = Vec::new();
    for (name, value) in file.0.into_iter().take(MOST_HEADERS) {
        let location = location.member(&name);
        let value = m.take(&location, value).unwrap_or_default();
        let line = header_value(&value.text, &location, m).unwrap_or_default();
        let Some(name) = header_name(&name, &location, m) else { continue };
        if *name == *header::TEST {
            m.add(&location, format!("{name:?} marks requests that are tests and is not a dialect's to set"));
        }
        if headers.iter().any(|other| other.name == name) {
            m.add(&location, "stands here twice: the case of a header's name makes no difference");
        }
        let secret = value.secret || mask::looks_secret(&name);
        headers.push(DialectHeader { name, template: line, secret });
    }
    headers
}

fn header_value(text: &str, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<HeaderTemplate> {
    if text.len() > LONGEST_VALUE {
        m.add(location, format!("at most {LONGEST_VALUE} bytes: receivers refuse longer headers"));
    }
    let line = m.check_all(location, HeaderTemplate::parse(text))?;
    sendable(line.texts(), location, m);
    Some(line)
}

fn header_name(name: &str, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<Arc<str>> {
    if header::is_transport(name) {
        m.add(location, format!("{name:?} belongs to the connection and is not a dialect's to set"));
    }
    m.check(location, header::name(name))
}

pub(super) fn schemes(file: Vec<file::Signature>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Vec<Scheme> {
    if file.len() > MOST_SIGNATURES {
        m.add(location, format!("at most {MOST_SIGNATURES} signatures"));
    }
    let told = file.into_iter().take(MOST_SIGNATURES).enumerate();
    told.map(|(index, signature)| scheme(signature, &location.item(index), m)).collect()
}

fn scheme(file: file::Signature, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Scheme {
    Scheme {
        header: signature_header(file.header, &location.member("header"), m).unwrap_or_else(|| "".into()),
        algorithm: m.take(&location.member("algorithm"), file.algorithm).unwrap_or_default(),
        key: m.take(&location.member("key"), file.key).unwrap_or_default(),
        signs: signs(file.signs, &location.member("signs"), m).unwrap_or_default(),
        encoding: m.take(&location.member("encoding"), file.encoding).unwrap_or_default(),
        format: format(file.format, &location.member("format"), m).unwrap_or_default(),
        join: join(file.join, &location.member("join"), m).unwrap_or_default(),
        when: m.take(&location.member("when"), file.when).unwrap_or_default(),
    }
}

fn signature_header(name: Checked<String>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<Arc<str>> {
    let name = m.take(location, name)?;
    if header::is_reserved(&name) && !header::is_transport(&name) {
        m.add(location, format!("{name:?} says something else already"));
    }
    header_name(&name, location, m)
}

fn signs(text: Checked<String>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<Vec<Segment<Signed>>> {
    let signs = line(text, Signed::named, location, m)?;
    if signs.is_empty() {
        m.add(location, "signs nothing: write for example {{body}}");
    }
    Some(signs)
}

fn format(text: Checked<String>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<Vec<Segment<Written>>> {
    let format = line(text, Written::named, location, m)?;
    let texts =
        format.iter().filter_map(|segment| if let Segment::Text(text) = segment { Some(&**text) } else { None });
    sendable(texts, location, m);
    if !format.contains(&Segment::Slot(Written::Signature)) {
        m.add(location, "{{signature}} is missing");
    }
    Some(format)
}

fn join(text: Checked<String>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<String> {
    let text = m.take(location, text)?;
    m.check(location, header::check_value(&text));
    Some(text)
}

/// A text with slots.
fn line<S>(
    text: Checked<String>,
    resolve: impl Fn(&Slot<'_>) -> Result<S, String>,
    location: &KeyLocation<'_>,
    m: &mut Diagnostics,
) -> Option<Vec<Segment<S>>> {
    let text = m.take(location, text)?;
    m.check_all(location, segments(&text, resolve))
}

/// The fixed text of a line must fit into a header's value. The slots' values are checked when they are filled.
fn sendable<'t>(mut texts: impl Iterator<Item = &'t str>, location: &KeyLocation<'_>, m: &mut Diagnostics) {
    if texts.any(|text| header::check_value(text).is_err()) {
        m.add(location, header::NotAHeader::Value.to_string());
    }
}

pub(super) fn body(file: file::BodySection, location: &KeyLocation<'_>, m: &mut Diagnostics) -> BodyTemplate {
    let (template, spread) = (template(file.template, &location.member("template"), m), location.member("spread"));
    let path = m.take(&spread, file.spread).filter(|path| !path.is_empty());
    let value = path.and_then(|path| m.check(&spread, Spreadable::named(&path)));
    match (template, value) {
        (Some((template, text)), Some(value)) => {
            m.check(&spread, BodyTemplate::spreading(template, &text, value)).unwrap_or_default()
        }
        (Some((template, _)), None) => BodyTemplate::of(template),
        (None, _) => BodyTemplate::default(),
    }
}

fn template(text: Checked<String>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<(Template, String)> {
    let text = m.take(location, text)?;
    Some((m.check_all(location, Template::parse(&text))?, text))
}
