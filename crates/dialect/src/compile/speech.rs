//! `[headers]`, `[[signatures]]` and `[body]`.

use std::sync::Arc;

use model::mask;

use crate::body::{Body, Spreadable};
use crate::checked::Checked;
use crate::file;
use crate::header;
use crate::line::{HeaderLine, Line};
use crate::mistake::{Mistakes, Place};
use crate::sign::{Scheme, Signed, Written};
use crate::slot::{Piece, Slot, pieces};
use crate::template::Template;

/// More than this is no longer a dialect, and receivers refuse a hundred headers.
const MOST_HEADERS: usize = 32;
const MOST_SIGNATURES: usize = 8;
const LONGEST_VALUE: usize = 4096;

pub(super) fn headers(file: file::Headers, place: &Place<'_>, m: &mut Mistakes) -> Vec<HeaderLine> {
    if file.0.len() > MOST_HEADERS {
        m.add(place, format!("at most {MOST_HEADERS} headers"));
    }
    let mut headers: Vec<HeaderLine> = Vec::new();
    for (name, value) in file.0.into_iter().take(MOST_HEADERS) {
        let place = place.member(&name);
        let value = m.take(&place, value).unwrap_or_default();
        let line = header_value(&value.text, &place, m).unwrap_or_default();
        let Some(name) = header_name(&name, &place, m) else { continue };
        if *name == *header::TEST {
            m.add(&place, format!("{name:?} marks requests that are tests and is not a dialect's to set"));
        }
        if headers.iter().any(|other| other.name == name) {
            m.add(&place, "stands here twice: the case of a header's name makes no difference");
        }
        let secret = value.secret || mask::looks_secret(&name);
        headers.push(HeaderLine { name, line, secret });
    }
    headers
}

fn header_value(text: &str, place: &Place<'_>, m: &mut Mistakes) -> Option<Line> {
    if text.len() > LONGEST_VALUE {
        m.add(place, format!("at most {LONGEST_VALUE} bytes: receivers refuse longer headers"));
    }
    let line = m.check_all(place, Line::parse(text))?;
    sendable(line.texts(), place, m);
    Some(line)
}

fn header_name(name: &str, place: &Place<'_>, m: &mut Mistakes) -> Option<Arc<str>> {
    if header::is_transport(name) {
        m.add(place, format!("{name:?} belongs to the connection and is not a dialect's to set"));
    }
    m.check(place, header::name(name))
}

pub(super) fn schemes(file: Vec<file::Signature>, place: &Place<'_>, m: &mut Mistakes) -> Vec<Scheme> {
    if file.len() > MOST_SIGNATURES {
        m.add(place, format!("at most {MOST_SIGNATURES} signatures"));
    }
    let told = file.into_iter().take(MOST_SIGNATURES).enumerate();
    told.map(|(index, signature)| scheme(signature, &place.item(index), m)).collect()
}

fn scheme(file: file::Signature, place: &Place<'_>, m: &mut Mistakes) -> Scheme {
    Scheme {
        header: signature_header(file.header, &place.member("header"), m).unwrap_or_else(|| "".into()),
        algorithm: m.take(&place.member("algorithm"), file.algorithm).unwrap_or_default(),
        key: m.take(&place.member("key"), file.key).unwrap_or_default(),
        signs: signs(file.signs, &place.member("signs"), m).unwrap_or_default(),
        encoding: m.take(&place.member("encoding"), file.encoding).unwrap_or_default(),
        format: format(file.format, &place.member("format"), m).unwrap_or_default(),
        join: join(file.join, &place.member("join"), m).unwrap_or_default(),
        when: m.take(&place.member("when"), file.when).unwrap_or_default(),
    }
}

fn signature_header(name: Checked<String>, place: &Place<'_>, m: &mut Mistakes) -> Option<Arc<str>> {
    let name = m.take(place, name)?;
    if header::is_reserved(&name) && !header::is_transport(&name) {
        m.add(place, format!("{name:?} says something else already"));
    }
    header_name(&name, place, m)
}

fn signs(text: Checked<String>, place: &Place<'_>, m: &mut Mistakes) -> Option<Vec<Piece<Signed>>> {
    let signs = line(text, Signed::named, place, m)?;
    if signs.is_empty() {
        m.add(place, "signs nothing: write for example {{body}}");
    }
    Some(signs)
}

fn format(text: Checked<String>, place: &Place<'_>, m: &mut Mistakes) -> Option<Vec<Piece<Written>>> {
    let format = line(text, Written::named, place, m)?;
    let texts = format.iter().filter_map(|piece| if let Piece::Text(text) = piece { Some(&**text) } else { None });
    sendable(texts, place, m);
    if !format.contains(&Piece::Slot(Written::Signature)) {
        m.add(place, "{{signature}} is missing");
    }
    Some(format)
}

fn join(text: Checked<String>, place: &Place<'_>, m: &mut Mistakes) -> Option<String> {
    let text = m.take(place, text)?;
    m.check(place, header::check_value(&text));
    Some(text)
}

/// A text with slots.
fn line<S>(
    text: Checked<String>,
    resolve: impl Fn(&Slot<'_>) -> Result<S, String>,
    place: &Place<'_>,
    m: &mut Mistakes,
) -> Option<Vec<Piece<S>>> {
    let text = m.take(place, text)?;
    m.check_all(place, pieces(&text, resolve))
}

/// What a line always says must fit into a header's value. What comes into the slots is looked at when it is there.
fn sendable<'t>(mut texts: impl Iterator<Item = &'t str>, place: &Place<'_>, m: &mut Mistakes) {
    if texts.any(|text| header::check_value(text).is_err()) {
        m.add(place, header::NotAHeader::Value.to_string());
    }
}

pub(super) fn body(file: file::Body, place: &Place<'_>, m: &mut Mistakes) -> Body {
    let (template, spread) = (template(file.template, &place.member("template"), m), place.member("spread"));
    let path = m.take(&spread, file.spread).filter(|path| !path.is_empty());
    let value = path.and_then(|path| m.check(&spread, Spreadable::named(&path)));
    match (template, value) {
        (Some((template, text)), Some(value)) => {
            m.check(&spread, Body::spreading(template, &text, value)).unwrap_or_default()
        }
        (Some((template, _)), None) => Body::of(template),
        (None, _) => Body::default(),
    }
}

fn template(text: Checked<String>, place: &Place<'_>, m: &mut Mistakes) -> Option<(Template, String)> {
    let text = m.take(place, text)?;
    Some((m.check_all(place, Template::parse(&text))?, text))
}
