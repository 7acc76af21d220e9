//! The grammar of slots: `{{path}}` and `{{path | filter}}` within a text.

/// A stretch of a text that stays, or a slot that is filled each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece<S> {
    Text(Box<str>),
    Slot(S),
}

/// A slot as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slot<'t> {
    pub(crate) path: &'t str,
    pub(crate) filters: Vec<&'t str>,
}

/// Whether there is anything for [`pieces`] to find.
pub(crate) fn has_slots(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Cuts `text` at its slots. `resolve` says what a slot stands for, or why it has no place here.
pub(crate) fn pieces<S>(text: &str, resolve: impl Fn(&Slot<'_>) -> Result<S, String>) -> Result<Vec<Piece<S>>, String> {
    if text.contains("{%") {
        return Err("there are no statements ({% … %}) in templates, only slots ({{…}})".to_owned());
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, opened)) = rest.split_once("{{") {
        let (inside, after) = opened.split_once("}}").ok_or("a slot is not closed: write }} behind its path")?;
        push_text(&mut pieces, before);
        pieces.push(Piece::Slot(resolve(&parse(inside)?)?));
        rest = after;
    }
    push_text(&mut pieces, rest);
    Ok(pieces)
}

fn push_text<S>(pieces: &mut Vec<Piece<S>>, text: &str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text.into()));
    }
}

fn parse(inside: &str) -> Result<Slot<'_>, String> {
    let mut parts = inside.split('|').map(str::trim);
    let path = parts.next().unwrap_or_default();
    let filters: Vec<&str> = parts.collect();
    if !is_path(path) || filters.contains(&"") {
        return Err(format!(
            "{{{{{inside}}}}} is no slot: write a path of words between full stops, for example {{{{event.type}}}}"
        ));
    }
    Ok(Slot { path, filters })
}

/// Words between full stops.
pub(crate) fn is_path(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    text.split('.').all(|word| !word.is_empty() && word.bytes().all(letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Result<Vec<Piece<String>>, String> {
        pieces(text, |slot| Ok(format!("{}/{}", slot.path, slot.filters.join(","))))
    }

    #[test]
    fn a_text_is_cut_at_its_slots() {
        let text = |text: &str| Piece::Text(text.into());
        let slot = |slot: &str| Piece::Slot(slot.to_owned());
        assert_eq!(cut("v1,{{ a.b }} {{c|json}}").unwrap(), [text("v1,"), slot("a.b/"), text(" "), slot("c/json")]);
        assert_eq!(cut("plain } text }}").unwrap(), [text("plain } text }}")]);
        assert_eq!(cut("").unwrap(), []);
    }

    #[test]
    fn what_is_no_slot_is_refused() {
        for text in ["{{a", "{{}}", "{{ }}", "{{a b}}", "{{a..b}}", "{{a.}}", "{{a|}}", "{{{{a}}}}", "{% if a %}"] {
            assert!(cut(text).is_err(), "{text}");
        }
    }
}
