//! A JSON Schema, compiled once: validates data and reports errors for people.
//!
//! Schemas are untrusted and run within requests, so their cost is bounded when they are saved: their size, how far
//! their references unfold (`schema/outline.rs`), and patterns, which are matched in linear time.

mod issue;
mod message;
mod outline;
mod work;

use jsonschema::{PatternOptions, ValidationError, Validator};
use model::json::{Json, is_deeper};
use serde_json::Value;

pub use self::issue::SchemaIssue;
use self::issue::escaped;
use self::outline::Outline;
use self::work::Patterns;

/// Maximum bytes of a schema.
const LONGEST: usize = 64 * 1024;
/// Maximum findings reported: nobody fixes more at once.
const MOST_FINDINGS: usize = 20;
/// Bytes of data beyond which only the first finding is reported: each of a million bad items would be kept until all
/// are found.
const LONGEST_LISTED: usize = 64 * 1024;
/// The same limit for bytes of data times subschemas: each alternative keeps a copy of what does not fit.
const MOST_WORK: usize = 8 * 1024 * 1024;
/// Maximum depth of data that is searched with a schema that refers to itself: the library searches again from each
/// level.
const DEEPEST_LISTED: usize = 16;
const TOO_MUCH_WORK: &str = "is too much work to hold against this schema: send less at a time, or give the schema fewer alternatives, patterns and references";
/// Maximum bytes of one compiled pattern.
const LARGEST_PATTERN: usize = 128 * 1024;
/// Sizes of a compiled pattern, in KiB. A pattern is charged by the smallest that is enough.
const PATTERN_SIZES: [u64; 3] = [4, 16, 64];
/// Bytes of data times the schema's weight up to which no work is counted: less than a millisecond of it.
const UNCOUNTED: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Schema {
    schema: Value,
    validator: Validator,
    patterns: Patterns,
    outline: Outline,
}

/// The findings reported for data that does not fit. A yes or no is cheap whatever the schema: the library remembers
/// what it has validated. Finding the places can take forever, or more memory than there is.
enum Search {
    All,
    First,
    /// No places, for this reason.
    None(&'static str),
}

impl Schema {
    /// Compiles JSON Schema 2020-12, unless `$schema` names another draft. Findings point into the schema.
    pub(crate) fn compile(text: &Json) -> Result<Self, Vec<SchemaIssue>> {
        if text.as_str().len() > LONGEST {
            return Err(whole(format!("a schema has at most {LONGEST} bytes")));
        }
        let schema: Value = serde_json::from_str(text.as_str())
            .map_err(|_| whole("has a number that is out of range or half of a surrogate pair in a text"))?;
        let outline = outline::of(&schema).map_err(|wrong| few(wrong.into_iter()))?;
        let meta = jsonschema::meta::validator_for(&schema).map_err(|error| vec![in_schema(&error)])?;
        let wrong = few(meta.iter_errors(&schema).map(|error| in_schema(&error)));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let validator = jsonschema::options()
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex().size_limit(LARGEST_PATTERN))
            .build(&schema)
            .map_err(|error| vec![in_schema(&error)])?;
        let mut patterns = Patterns::default();
        for pattern in &outline.patterns {
            patterns.add(pattern, compiled_kib(pattern));
        }
        Ok(Self { schema, validator, patterns, outline })
    }

    /// Maximum cost of a byte of data, in subschemas that it is checked against.
    pub(crate) fn weight(&self) -> usize {
        self.outline.unfolded + self.patterns.weight()
    }

    /// Returns everything the schema forbids in `data`, which is JSON.
    pub(crate) fn judge(&self, data: &str) -> Vec<SchemaIssue> {
        let value: Value = match serde_json::from_str(data) {
            Ok(value) => value,
            // A number too large or half a surrogate pair passes for JSON, but not for a value.
            Err(_) => {
                return whole(
                    "has a number that is out of range or half of a surrogate pair in a text: it cannot be held against the schema",
                );
            }
        };
        let is_counted = data.len().saturating_mul(self.weight()) > UNCOUNTED;
        if is_counted && !work::is_affordable(&self.schema, &self.patterns, &self.outline, &value, data.len()) {
            return whole(TOO_MUCH_WORK);
        }
        if self.validator.is_valid(&value) {
            return Vec::new();
        }
        match self.search(data) {
            Search::All => few(self.validator.iter_errors(&value).map(|error| finding(&error))),
            Search::First => few(self.validator.validate(&value).err().iter().map(finding)),
            Search::None(reason) => whole(format!("does not fit the schema; where is not said, because {reason}")),
        }
    }

    fn search(&self, data: &str) -> Search {
        let Outline { unfolded, returns, alternatives, .. } = self.outline;
        match returns {
            0 => {}
            1 if !is_deeper(data, DEEPEST_LISTED) => {}
            1 => return Search::None("the schema refers to itself and the data is deep"),
            _ => return Search::None("the schema refers to itself in several ways"),
        }
        if data.len() <= LONGEST_LISTED && unfolded * data.len() <= MOST_WORK {
            Search::All
        } else if alternatives {
            Search::None("the data is long and the schema has alternatives")
        } else {
            Search::First
        }
    }
}

/// The KiB that a pattern is compiled into, rounded up.
fn compiled_kib(pattern: &str) -> u64 {
    let fits = |kib: &u64| {
        let most = usize::try_from(kib * 1024).unwrap_or(usize::MAX);
        let options = jsonschema::options().with_pattern_options(PatternOptions::regex().size_limit(most));
        options.build(&serde_json::json!({ "pattern": pattern })).is_ok()
    };
    PATTERN_SIZES.into_iter().find(fits).unwrap_or(LARGEST_PATTERN as u64 / 1024)
}

/// The first [`MOST_FINDINGS`], without repeats: what two references lead to is found twice.
fn few(findings: impl Iterator<Item = SchemaIssue>) -> Vec<SchemaIssue> {
    let mut few = Vec::new();
    for finding in findings {
        if few.len() == MOST_FINDINGS {
            break;
        }
        if !few.contains(&finding) {
            few.push(finding);
        }
    }
    few
}

fn whole(message: impl Into<String>) -> Vec<SchemaIssue> {
    vec![(String::new(), message.into())]
}

fn finding(error: &ValidationError<'_>) -> SchemaIssue {
    let pointer = error.instance_path().as_str();
    match message::missing(error) {
        Some(member) => (format!("{pointer}/{}", escaped(member)), "is missing".to_owned()),
        None => (pointer.to_owned(), message::of(error)),
    }
}

/// A finding about a schema, where a refused pattern has a message of its own.
fn in_schema(error: &ValidationError<'_>) -> SchemaIssue {
    let (pointer, message) = finding(error);
    if message::is_about_a_pattern(error) {
        return (
            pointer,
            "is no regular expression, or a large one, or has look-around or backreferences, which take too long"
                .to_owned(),
        );
    }
    (pointer, message)
}
