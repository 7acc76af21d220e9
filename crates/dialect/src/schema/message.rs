//! Validation errors in words for people.

use std::fmt::Display;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ValidationError};
use serde_json::Value;

/// Characters at which values and texts are cut.
const LONGEST: usize = 80;
/// Maximum alternatives listed that did not fit; an ellipsis stands for the rest.
const MOST_ALTERNATIVES: usize = 4;

/// The missing member, if that is the error.
pub(super) fn missing<'e>(error: &'e ValidationError<'_>) -> Option<&'e str> {
    match error.kind() {
        ValidationErrorKind::Required { property } => property.as_str(),
        _ => None,
    }
}

/// True if the error is a pattern in the schema itself.
pub(super) fn is_about_a_pattern(error: &ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Format { format } if format == "regex")
}

pub(super) fn of(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    let not = |rule: String| format!("{rule}, not {}", found(error.instance()));
    match error.kind() {
        Kind::Type { kind } => not(format!("must be {}", types(kind))),
        Kind::Constant { expected_value } => not(format!("must be {}", written(expected_value))),
        Kind::Enum { options } => {
            not(format!("must be one of {}", list(options.as_array().into_iter().flatten().map(written))))
        }
        Kind::Format { format } => not(format!("must be {}", formatted(format))),
        Kind::Pattern { pattern } => not(format!("must match {}", cut(pattern))),
        Kind::Minimum { limit } => not(format!("must be at least {limit}")),
        Kind::Maximum { limit } => not(format!("must be at most {limit}")),
        Kind::ExclusiveMinimum { limit } => not(format!("must be more than {limit}")),
        Kind::ExclusiveMaximum { limit } => not(format!("must be less than {limit}")),
        Kind::MultipleOf { multiple_of } => not(format!("must be a multiple of {multiple_of}")),
        Kind::MinLength { limit } => not(format!("must have at least {}", count(*limit, "character"))),
        Kind::MaxLength { limit } => not(format!("must have at most {}", count(*limit, "character"))),
        Kind::MinItems { limit } => format!("must have at least {}", count(*limit, "item")),
        Kind::MaxItems { limit } => format!("must have at most {}", count(*limit, "item")),
        Kind::AdditionalItems { limit } => format!("must have at most {}", count(*limit as u64, "item")),
        Kind::MinProperties { limit } => format!("must have at least {}", count(*limit, "member")),
        Kind::MaxProperties { limit } => format!("must have at most {}", count(*limit, "member")),
        Kind::UniqueItems => "must not have the same item twice".to_owned(),
        Kind::Contains => "must have an item that fits the schema's `contains`".to_owned(),
        Kind::FalseSchema if error.schema_path().as_str().ends_with("/additionalProperties") => {
            "must not have any further members".to_owned()
        }
        Kind::FalseSchema => "must not be here".to_owned(),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            format!("must not have the members {}", list(unexpected.iter().map(|name| quoted(name))))
        }
        Kind::UnevaluatedItems { .. } => "must not have further items".to_owned(),
        Kind::Not { schema } => forbidden(schema, error.instance()),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            format!("must fit one of {} alternatives: {}", context.len(), alternatives(context))
        }
        Kind::OneOfMultipleValid { .. } => "must fit one of the alternatives alone, and fits several".to_owned(),
        Kind::PropertyNames { error } => format!("has a member whose name {}", of(error)),
        Kind::Required { property } => format!("must have the member {}", written(property)),
        _ => "does not fit the schema".to_owned(),
    }
}

fn types(kind: &TypeKind) -> String {
    let name = |json_type| match json_type {
        JsonType::Null => "null",
        JsonType::Boolean => "true or false",
        JsonType::Integer => "a whole number",
        JsonType::Number => "a number",
        JsonType::String => "a string",
        JsonType::Array => "a list",
        JsonType::Object => "an object",
    };
    match kind {
        TypeKind::Single(json_type) => name(*json_type).to_owned(),
        TypeKind::Multiple(types) => types.iter().map(name).collect::<Vec<_>>().join(" or "),
    }
}

fn formatted(format: &str) -> String {
    let known = match format {
        "date-time" => "a date and time like 2026-01-31T09:30:00Z",
        "date" => "a date like 2026-01-31",
        "time" => "a time like 09:30:00Z",
        "email" | "idn-email" => "an email address",
        "uuid" => "a UUID",
        "uri" | "iri" => "an absolute URI",
        other => return format!("of the format {}", cut(other)),
    };
    known.to_owned()
}

/// The message for `not`, in full where it forbids just a format, such as a UUID.
fn forbidden(schema: &Value, instance: &Value) -> String {
    let plain = schema.as_object().filter(|keywords| keywords.len() == 1);
    match plain.and_then(|keywords| keywords.get("format")).and_then(Value::as_str) {
        Some(format) => format!("must not be {}, and {} is", formatted(format), found(instance)),
        None => format!("must not fit {}", written(schema)),
    }
}

/// The first finding of each alternative.
fn alternatives(context: &[Vec<ValidationError<'_>>]) -> String {
    let firsts = context.iter().filter_map(|errors| errors.first());
    let texts: Vec<String> = firsts.take(MOST_ALTERNATIVES).map(|error| placed(error)).collect();
    let rest = if context.len() > texts.len() { "; …" } else { "" };
    format!("{}{rest}", texts.join("; "))
}

fn placed(error: &ValidationError<'_>) -> String {
    let nested = matches!(
        error.kind(),
        ValidationErrorKind::AnyOf { .. }
            | ValidationErrorKind::OneOfNotValid { .. }
            | ValidationErrorKind::PropertyNames { .. }
    );
    // Alternatives of alternatives would grow without end.
    let message = if nested { "must fit one of further alternatives".to_owned() } else { of(error) };
    match error.instance_path().as_str() {
        "" => message,
        pointer => format!("{} {message}", cut(pointer)),
    }
}

/// A value as it is described to its sender.
fn found(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        scalar => written(scalar),
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        other => cut(&other.to_string()),
    }
}

/// As JSON, cut when it is long.
pub(super) fn quoted(text: &str) -> String {
    Value::from(cut(text)).to_string()
}

fn list(items: impl Iterator<Item = String>) -> String {
    let mut text = String::new();
    for item in items {
        if text.len() > 2 * LONGEST {
            return text + ", …";
        }
        let comma = if text.is_empty() { "" } else { ", " };
        text = text + comma + &item;
    }
    text
}

fn count(number: impl Into<u64> + Display + Copy, noun: &str) -> String {
    let plural = if number.into() == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
