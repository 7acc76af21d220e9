//! The grammar of slots within a text: `{{path}}`, and `{{path | filter | filter("argument")}}`.

use model::date::DateFormat;

/// A stretch of a text that stays, or a slot that is filled each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment<S> {
    Text(Box<str>),
    Slot(S),
}

/// A slot as it is written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Slot<'t> {
    pub(crate) path: &'t str,
    pub(crate) filters: Vec<Filter>,
}

/// A filter on a value before it is written to the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// Writes a JSON value in place of the string that the slot stands in. Always the last filter.
    Json,
    /// Replaces a value that is missing or null.
    Default(Literal),
    Upper,
    Lower,
    /// Maximum characters, the last of them … if something was cut.
    Truncate(usize),
    /// Writes a time in this form.
    Time(TimeForm),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TimeForm {
    /// Whole seconds since 1970, a number.
    Unix,
    /// Milliseconds since 1970, a number.
    UnixMillis,
    /// As Posthaste writes times everywhere.
    Rfc3339,
    Date(DateFormat),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(Box<str>),
    /// A number, `true` or `false`.
    Json(Box<str>),
}

const LONGEST_TRUNCATED: usize = 10_000;

const FILTERS: &str = "json, default, upper, lower, truncate, unix, unix_ms, rfc3339 and date";
const DATE_EXAMPLE: &str = "date(\"%Y-%m-%dT%H:%M:%SZ\")";
/// Maximum errors reported for one text, or for a whole template.
pub(crate) const MOST_WRONG: usize = 99;

/// True if [`segments`] may find a slot.
pub(crate) fn has_slots(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|opening| text.contains(opening))
}

/// Cuts `text` at its slots, or returns all errors in them. `resolve` returns what a slot stands for, or why it is not
/// allowed here.
pub(crate) fn segments<S>(
    text: &str,
    mut resolve: impl FnMut(&Slot<'_>) -> Result<S, String>,
) -> Result<Vec<Segment<S>>, Vec<String>> {
    if text.contains("{%") || text.contains("{#") {
        return Err(vec!["there are no statements ({% … %}) and no comments ({# … #}), only slots ({{…}})".to_owned()]);
    }
    let (mut segments, mut wrong) = (Vec::new(), Vec::new());
    let mut rest = text;
    while let Some((before, opened)) = rest.split_once("{{") {
        push_text(&mut segments, before);
        let Some((inside, after)) = split_unquoted(opened, "}}") else {
            wrong.push("a slot is not closed: write }} behind its path and filters".to_owned());
            return Err(wrong);
        };
        match parse(inside).and_then(|slot| resolve(&slot)) {
            Ok(slot) => segments.push(Segment::Slot(slot)),
            Err(message) => wrong.push(message),
        }
        if wrong.len() == MOST_WRONG {
            return Err(wrong);
        }
        rest = after;
    }
    push_text(&mut segments, rest);
    if wrong.is_empty() { Ok(segments) } else { Err(wrong) }
}

fn push_text<S>(segments: &mut Vec<Segment<S>>, text: &str) {
    if !text.is_empty() {
        segments.push(Segment::Text(text.into()));
    }
}

/// The text before and behind the first `mark` that is not between quotes.
fn split_unquoted<'t>(text: &'t str, mark: &str) -> Option<(&'t str, &'t str)> {
    let mut quote = None;
    for (at, character) in text.char_indices() {
        match quote {
            None if text[at..].starts_with(mark) => return Some((&text[..at], &text[at + mark.len()..])),
            None if matches!(character, '"' | '\'') => quote = Some(character),
            Some(open) if open == character => quote = None,
            _ => {}
        }
    }
    None
}

fn parse(inside: &str) -> Result<Slot<'_>, String> {
    let (path, mut rest) = parts(inside);
    let path = path.trim();
    if !is_path(path) {
        return Err(format!(
            "{{{{{inside}}}}} is no slot: write words between full stops, for example {{{{event.type}}}} or {{{{event.data.items.0.sku}}}}"
        ));
    }
    let mut filters = Vec::new();
    while let Some(text) = rest {
        let (text, after) = parts(text);
        filters.push(filter(text.trim())?);
        rest = after;
    }
    if filters.iter().rev().skip(1).any(|filter| *filter == Filter::Json) {
        return Err("json is the last of the filters: it makes a JSON value of what the others made".to_owned());
    }
    let before_time = filters.iter().rev().skip_while(|filter| !matches!(filter, Filter::Time(_))).skip(1);
    if before_time.into_iter().any(|filter| !matches!(filter, Filter::Default(_))) {
        return Err("a slot has one of unix, unix_ms, rfc3339 and date, and only default stands before it".to_owned());
    }
    Ok(Slot { path, filters })
}

impl Slot<'_> {
    /// True if a filter sets the form of a time.
    pub(crate) fn has_time_form(&self) -> bool {
        self.filters.iter().any(|filter| matches!(filter, Filter::Time(_)))
    }
}

/// The text before the next bar, and the text behind it if there is one.
fn parts(text: &str) -> (&str, Option<&str>) {
    split_unquoted(text, "|").map_or((text, None), |(first, rest)| (first, Some(rest)))
}

/// True if `text` is words separated by full stops.
pub(crate) fn is_path(text: &str) -> bool {
    let letter = |character: char| character.is_alphanumeric() || "_-$@:".contains(character);
    text.split('.').all(|word| !word.is_empty() && word.chars().all(letter))
}

fn filter(text: &str) -> Result<Filter, String> {
    let (name, argument) = match text.split_once('(') {
        Some((name, rest)) => {
            let argument = rest.strip_suffix(')').ok_or_else(|| format!("the bracket of `{text}` is not closed"))?;
            (name.trim_end(), Some(argument.trim()))
        }
        None => (text, None),
    };
    match (name, argument) {
        ("json", None) => Ok(Filter::Json),
        ("upper", None) => Ok(Filter::Upper),
        ("lower", None) => Ok(Filter::Lower),
        ("default", Some(argument)) => literal(argument).map(Filter::Default),
        ("truncate", Some(argument)) => length(argument).map(Filter::Truncate),
        ("unix", None) => Ok(Filter::Time(TimeForm::Unix)),
        ("unix_ms", None) => Ok(Filter::Time(TimeForm::UnixMillis)),
        ("rfc3339", None) => Ok(Filter::Time(TimeForm::Rfc3339)),
        ("date", Some(argument)) => date(argument).map(|format| Filter::Time(TimeForm::Date(format))),
        ("json" | "upper" | "lower" | "unix" | "unix_ms" | "rfc3339", Some(_)) => {
            Err(format!("{name} takes nothing: write {name} without brackets"))
        }
        ("default", None) => Err("default wants to know what to put there: for example default(\"none\")".to_owned()),
        ("truncate", None) => Err("truncate wants to know how many characters: for example truncate(20)".to_owned()),
        ("date", None) => Err(format!("date wants to know its format: for example {DATE_EXAMPLE}")),
        _ => Err(format!("`{name}` is not a filter: there are {FILTERS}")),
    }
}

/// The text between quotes.
fn quoted(text: &str) -> Option<&str> {
    ['"', '\''].into_iter().find_map(|quote| {
        let between = text.strip_prefix(quote)?.strip_suffix(quote)?;
        (!between.contains(quote)).then_some(between)
    })
}

fn date(text: &str) -> Result<DateFormat, String> {
    let format = quoted(text);
    let format = format.ok_or_else(|| format!("date({text}) is not understood: write {DATE_EXAMPLE}"))?;
    format.parse().map_err(|error| format!("date({text}): {error}"))
}

fn literal(text: &str) -> Result<Literal, String> {
    if let Some(text) = quoted(text) {
        return Ok(Literal::Text(text.into()));
    }
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
    if is_number || text == "true" || text == "false" {
        return Ok(Literal::Json(text.into()));
    }
    Err(format!("default({text}) is not understood: write one text in quotes, a number, true or false"))
}

fn length(text: &str) -> Result<usize, String> {
    let wrong = || format!("truncate({text}) is not understood: write a whole number from 1 to {LONGEST_TRUNCATED}");
    text.parse().ok().filter(|length| (1..=LONGEST_TRUNCATED).contains(length)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Result<Vec<Segment<String>>, Vec<String>> {
        segments(text, |slot| Ok(format!("{} {:?}", slot.path, slot.filters)))
    }

    #[test]
    fn a_text_is_cut_at_its_slots() {
        let text = |text: &str| Segment::Text(text.into());
        let slot = |slot: &str| Segment::Slot(slot.to_owned());
        assert_eq!(cut("v1,{{ a.b }} {{c|json}}").unwrap(), [text("v1,"), slot("a.b []"), text(" "), slot("c [Json]")]);
        assert_eq!(cut("plain } text }}").unwrap(), [text("plain } text }}")]);
        assert_eq!(cut("").unwrap(), []);
    }

    #[test]
    fn filters_have_arguments_and_follow_each_other() {
        let cases = [
            (r#"{{a.0.$b | default("x|}}'y") | upper}}"#, r#"a.0.$b [Default(Text("x|}}'y")), Upper]"#),
            ("{{ a|default('')|lower|json }}", r#"a [Default(Text("")), Lower, Json]"#),
            ("{{a | default( -1.50 )}}", r#"a [Default(Json("-1.50"))]"#),
            ("{{a | default(true) | truncate (20)}}", r#"a [Default(Json("true")), Truncate(20)]"#),
            ("{{größe}}", "größe []"),
            ("{{a|default(0)|unix|json}}", r#"a [Default(Json("0")), Time(Unix), Json]"#),
            ("{{a | unix_ms | upper}}", "a [Time(UnixMillis), Upper]"),
            ("{{a | rfc3339 | default('')}}", r#"a [Time(Rfc3339), Default(Text(""))]"#),
            ("{{a | date( '%F | %T}}' )}}", r#"a [Time(Date(DateFormat("%F | %T}}")))]"#),
        ];
        for (text, expected) in cases {
            assert_eq!(cut(text).unwrap(), [Segment::Slot(expected.to_owned())], "{text}");
        }
    }

    #[test]
    fn what_is_no_slot_is_refused_with_what_would_be() {
        let cases = [
            ("{{a", "not closed"),
            ("{{a | default(\"}}", "not closed"),
            ("{{}}", "event.type"),
            ("{{ }}", "event.type"),
            ("{{a b}}", "event.type"),
            ("{{a..b}}", "event.type"),
            ("{{a.}}", "event.type"),
            ("{{a[0]}}", "event.data.items.0.sku"),
            ("{{{{a}}}}", "event.type"),
            ("{{'a'}}", "event.type"),
            ("{{a|}}", "there are json"),
            ("{{a||json}}", "there are json"),
            ("{{a | shout}}", "`shout`"),
            ("{{a | Upper}}", "`Upper`"),
            ("{{a | upper()}}", "without brackets"),
            ("{{a | default}}", "default(\"none\")"),
            ("{{a | default(x)}}", "in quotes"),
            ("{{a | default()}}", "in quotes"),
            ("{{a | default(null)}}", "in quotes"),
            ("{{a | default(\"x\", \"y\")}}", "one text"),
            ("{{a | default([1])}}", "in quotes"),
            ("{{a | default('x'}}", "bracket"),
            ("{{a | truncate}}", "truncate(20)"),
            ("{{a | truncate(0)}}", "1 to 10000"),
            ("{{a | truncate(-1)}}", "1 to 10000"),
            ("{{a | truncate('5')}}", "1 to 10000"),
            ("{{a | json | upper}}", "last"),
            ("{{a | unix()}}", "without brackets"),
            ("{{a | rfc3339('Z')}}", "without brackets"),
            ("{{a | date}}", "date(\"%Y-"),
            ("{{a | date(%Y)}}", "date(\"%Y-"),
            ("{{a | date('%Y', 'x')}}", "date(\"%Y-"),
            ("{{a | date('')}}", "1 to 128"),
            ("{{a | date('%Y %q')}}", "%q is no part of a date"),
            ("{{a | date('today')}}", "nothing of the time"),
            ("{{a | unix | rfc3339}}", "one of unix"),
            ("{{a | upper | date('%Y')}}", "only default stands before"),
            ("{{a | truncate(10) | unix}}", "only default stands before"),
            ("{% if a %}", "statements"),
            ("{# a #}", "comments"),
        ];
        for (text, hint) in cases {
            let wrong = cut(text).unwrap_err();
            assert!(wrong.len() == 1 && wrong[0].contains(hint), "{text}: {wrong:?}");
        }
        assert_eq!(cut("{{a b}} {{a|shout}} {{c").unwrap_err().len(), 3);
    }
}
