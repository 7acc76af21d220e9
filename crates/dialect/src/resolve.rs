//! Compiled slots: the variable that each names is checked when the text is read, and looked up for every attempt.

use std::borrow::Cow;
use std::fmt::{self, Write};

use model::attempt::{Failure, FailureKind};

use crate::moment;
use crate::paths::{PathValues, Paths};
use crate::slot::{Filter, Literal, Slot};
use crate::variable::{EndpointInfo, RenderContext, Value, Variable};

/// Maximum slots in one text: the work of filling it has to end.
const MOST_SLOTS: usize = 1000;

/// Maximum bytes of values that go through the filters of one text.
const MOST_FILTERED: usize = 16 * 1024 * 1024;

/// A slot whose variable, path and filters have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CompiledSlot {
    source: Source,
    /// True if a JSON value replaces the string that the slot stands in.
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// The variable alone.
    Variable(Variable),
    /// The expression with this number.
    Made(usize),
}

impl CompiledSlot {
    /// The variable, if the slot is just that.
    pub(crate) fn variable(self) -> Option<Variable> {
        match self.source {
            Source::Variable(variable) => Some(variable),
            Source::Made(_) => None,
        }
    }
}

/// The slots of one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    count: usize,
    expressions: Vec<Expression>,
    paths: Paths,
}

/// A slot that is more than a variable: a path into it, filters, or both.
#[derive(Clone, Debug)]
struct Expression {
    /// As it is written.
    path: Box<str>,
    variable: Variable,
    /// The path's number, if it leads into the variable.
    inside: Option<usize>,
    filters: Vec<Filter>,
}

/// The values of a text's slots for one render context.
pub(crate) struct ResolvedSlots<'a> {
    slots: &'a Slots,
    context: &'a RenderContext<'a>,
    endpoint: &'a EndpointInfo,
    made: Vec<Value<'a>>,
}

impl Slots {
    /// Compiles a slot of a body, or returns why it cannot be filled.
    pub(crate) fn add(&mut self, slot: &Slot<'_>) -> Result<CompiledSlot, String> {
        let (variable, words) = Variable::named(slot.path)?;
        self.add_named(slot, variable, &words)
    }

    /// Compiles a slot of a header, where an attempt's time without a filter is in seconds.
    pub(crate) fn add_in_header(&mut self, slot: &Slot<'_>) -> Result<CompiledSlot, String> {
        let (variable, words) = Variable::named(slot.path)?;
        self.add_named(slot, if slot.has_time_form() { variable } else { variable.in_header() }, &words)
    }

    fn add_named(&mut self, slot: &Slot<'_>, variable: Variable, words: &[&str]) -> Result<CompiledSlot, String> {
        self.count += 1;
        if self.count > MOST_SLOTS {
            return Err(format!("there are at most {MOST_SLOTS} slots"));
        }
        if slot.has_time_form() && !variable.may_be_time() {
            return Err(format!("`{}` is no time: unix, unix_ms, rfc3339 and date are for times", slot.path));
        }
        let (json, filters) = match slot.filters.split_last() {
            Some((Filter::Json, others)) => (true, others),
            _ => (false, slot.filters.as_slice()),
        };
        if words.is_empty() && filters.is_empty() {
            return Ok(CompiledSlot { source: Source::Variable(variable), json });
        }
        let inside = if words.is_empty() { None } else { Some(self.paths.add(variable, words)?) };
        self.expressions.push(Expression { path: slot.path.into(), variable, inside, filters: filters.to_vec() });
        Ok(CompiledSlot { source: Source::Made(self.expressions.len() - 1), json })
    }

    /// Looks all values up. Nothing is allocated unless there are paths or filters.
    pub(crate) fn resolve<'a>(
        &'a self,
        context: &'a RenderContext<'a>,
        endpoint: &'a EndpointInfo,
    ) -> Result<ResolvedSlots<'a>, Failure> {
        let found = self.paths.find(|variable| variable.json(context));
        let mut room = MOST_FILTERED;
        let made = self.expressions.iter().map(|expression| {
            let value = expression.value(&found, context, endpoint);
            expression.filters.iter().try_fold(value, |value, filter| filtered(value, filter, &mut room))
        });
        Ok(ResolvedSlots { slots: self, context, endpoint, made: made.collect::<Result<_, _>>()? })
    }
}

impl Expression {
    fn value<'a>(
        &self,
        found: &PathValues<'a>,
        context: &'a RenderContext<'_>,
        endpoint: &'a EndpointInfo,
    ) -> Value<'a> {
        match self.inside {
            Some(path) => found.get(path).map_or(Value::Missing, Value::Json),
            None => self.variable.value(context, endpoint),
        }
    }
}

impl<'a> ResolvedSlots<'a> {
    /// Calls `take` with the value of `compiled`.
    pub(crate) fn with<T>(&self, compiled: CompiledSlot, take: impl FnOnce(&Value<'_>) -> T) -> T {
        match compiled.source {
            Source::Variable(variable) => take(&variable.value(self.context, self.endpoint)),
            Source::Made(index) => take(&self.made[index]),
        }
    }

    /// Adds the path of `compiled` to `missing`, once, if it leads nowhere. Variables that the event or endpoint does
    /// not have at all are added only with `roots`, and not where the slot writes null for them.
    pub(crate) fn note(&self, compiled: CompiledSlot, roots: bool, missing: &mut Vec<String>) {
        let is_no_time = self.with(compiled, |value| match value {
            Value::Missing => Some(false),
            Value::NoTime => Some(true),
            _ => None,
        });
        let Some(is_no_time) = is_no_time else { return };
        let (path, is_root) = match compiled.source {
            Source::Variable(variable) => (variable.path(), true),
            Source::Made(index) => {
                let expression = &self.slots.expressions[index];
                (&*expression.path, expression.inside.is_none())
            }
        };
        let wanted = !is_root || is_no_time || (roots && !compiled.json);
        if !wanted {
            return;
        }
        let path = if is_no_time { format!("{path} that is a time") } else { path.to_owned() };
        if !missing.contains(&path) {
            missing.push(path);
        }
    }
}

fn filtered<'a>(value: Value<'a>, filter: &'a Filter, room: &mut usize) -> Result<Value<'a>, Failure> {
    let nothing = matches!(value, Value::Missing | Value::NoTime | Value::Json("null"));
    match filter {
        Filter::Default(_) if !nothing => Ok(value),
        Filter::Default(Literal::Text(text)) => Ok(Value::Text(Cow::Borrowed(text))),
        Filter::Default(Literal::Json(json)) => Ok(Value::Json(json)),
        Filter::Upper | Filter::Lower | Filter::Truncate(_) | Filter::Time(_) | Filter::Json if nothing => Ok(value),
        Filter::Upper => Ok(Value::Text(plain(&value, usize::MAX, room)?.to_uppercase().into())),
        Filter::Lower => Ok(Value::Text(plain(&value, usize::MAX, room)?.to_lowercase().into())),
        Filter::Truncate(length) => Ok(Value::Text(truncated(plain(&value, length + 1, room)?, *length).into())),
        Filter::Time(form) => Ok(moment::of(&value).map_or(Value::NoTime, |at| moment::written(at, form))),
        Filter::Json => Ok(value),
    }
}

/// The first `characters` of the text of `value`, or a few more.
fn plain(value: &Value<'_>, characters: usize, room: &mut usize) -> Result<String, Failure> {
    let most = characters.saturating_mul(4).min(*room);
    let mut text = Beginning { text: String::new(), most };
    if value.write_text(&mut text).is_err() && most == *room {
        let message =
            format!("more than {MOST_FILTERED} bytes would go through filters: take a smaller part of the data");
        return Err(Failure::new(FailureKind::Render, message));
    }
    *room -= text.text.len();
    Ok(text.text)
}

fn truncated(text: String, length: usize) -> String {
    let mut ends = text.char_indices().map(|(at, _)| at).skip(length - 1);
    match (ends.next(), ends.next()) {
        (Some(last), Some(_)) => format!("{}…", &text[..last]),
        _ => text,
    }
}

/// Keeps the first `most` bytes written to it.
struct Beginning {
    text: String,
    most: usize,
}

impl Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.most - self.text.len();
        if text.len() <= room {
            self.text.push_str(text);
            return Ok(());
        }
        self.text.push_str(&text[..text.floor_char_boundary(room)]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_ends_in_an_ellipsis() {
        let cases = [
            ("abc", 3, "abc"),
            ("abcd", 3, "ab…"),
            ("", 1, ""),
            ("ab", 1, "…"),
            ("äöüß", 3, "äö…"),
            ("😀😀", 2, "😀😀"),
        ];
        for (text, length, expected) in cases {
            assert_eq!(truncated(text.to_owned(), length), expected);
        }
    }

    #[test]
    fn filters_have_their_bound() {
        let long = "x".repeat(1000);
        let value = || Value::Text(Cow::Borrowed(&long));
        let mut room = 2500;
        assert!(filtered(value(), &Filter::Upper, &mut room).is_ok());
        assert!(filtered(value(), &Filter::Truncate(20), &mut room).is_ok());
        assert!(filtered(value(), &Filter::Lower, &mut room).is_ok());
        assert_eq!(filtered(value(), &Filter::Upper, &mut room).err().unwrap().kind, FailureKind::Render);
    }
}
