//! An expression made ready to run, and its run.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelMap};
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::parser::{Expression, Parser};
use cel::{Context, Env, ExecutionError, ParseErrors, Value};

use super::effort::Effort;
use super::meter::{self, Meter};
use super::not_a_filter::{LONGEST, NotAFilter, bounded};
use super::pattern::Pattern;
use super::subject::{Members, Subject};
use super::{judge, position, scan};
use crate::json::broken::{excerpt, offset};

/// Maximum syntax errors that are reported: the first ones bring about the others.
const TOLD: usize = 3;

/// CEL's own functions, and the ones that the meter puts in.
static LANGUAGE: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut language = Env::default().with_optional_support(false).with_stdlib();
    meter::declare(&mut language);
    Arc::new(language)
});

pub(super) struct Program {
    /// With the meter put in.
    expression: Expression,
    members: Members,
    patterns: Arc<[Pattern]>,
}

impl Program {
    pub(super) fn compile(source: &str) -> Result<Self, NotAFilter> {
        let one = |mistake: String| NotAFilter(vec![mistake]);
        if source.trim().is_empty() {
            return Err(one("it is empty; write for example event.data.amount > 100".to_owned()));
        }
        if source.len() > LONGEST {
            return Err(one(format!("it has {} bytes, and may have {LONGEST}", source.len())));
        }
        scan::check(source).map_err(one)?;
        let parsed = contained(|| Parser::new().max_recursion_depth(scan::DEEPEST).parse_with_source_info(source));
        let (mut expression, spelling) =
            parsed.map_err(one)?.map_err(|errors| NotAFilter(mistakes(&errors, source)))?;
        let judge::Findings { mistakes, members, patterns } = judge::judge(&expression, &spelling);
        if !mistakes.is_empty() {
            return Err(NotAFilter(mistakes));
        }
        meter::put_into(&mut expression, &patterns);
        Ok(Self { expression, members, patterns: patterns.into() })
    }

    pub(super) fn run(&self, subject: &Subject<'_>, pace: Effort) -> Result<bool, String> {
        contained(|| self.decide(subject, pace))?
    }

    fn decide(&self, subject: &Subject<'_>, pace: Effort) -> Result<bool, String> {
        let event = subject.with(self.members).map_err(bounded)?;
        let meter = Meter::new(self.patterns.clone(), pace);
        let variables = Variables { event: event.as_ref(), meter: &meter };
        let mut context = Context::with_env(LANGUAGE.clone());
        context.set_variable_resolver(&variables);
        let value = Value::resolve_val(&self.expression, &context);
        match value {
            Ok(value) => match value.downcast_ref::<CelBool>() {
                Some(answer) => Ok(*answer.inner()),
                None => Err(bounded(format_args!(
                    "it came to a value of type {}, not to true or false",
                    value.get_type().name()
                ))),
            },
            Err(_) if meter.is_used_up() => Err("it is too much work for this event".to_owned()),
            Err(error) => Err(told(&error)),
        }
    }
}

/// The variables of an expression. Borrowed: nothing is copied for a run.
struct Variables<'v> {
    event: &'v CelMap<'v>,
    meter: &'v Meter,
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, name: &str) -> Option<CowVal<'b, 'b>> {
        match name {
            "event" => Some(CowVal::Borrowed(self.event)),
            meter::NAME => Some(CowVal::Borrowed(self.meter)),
            _ => None,
        }
    }
}

/// Reason why a run failed, without quoting the event: it may hold confidential data.
fn told(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(name) => bounded(format_args!("there is no `{name}` in this event")),
        ExecutionError::Overflow(operation, ..) => format!("a number grew too large ({operation})"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "a division by zero".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "a list has no element of that index".to_owned(),
        ExecutionError::UnsupportedIndex(index, list) => bounded(format_args!(
            "a value of type {} is no index of a value of type {}",
            index.type_of(),
            list.type_of()
        )),
        ExecutionError::UnsupportedBinaryOperator(operation, left, right) => {
            let (left, right) = (left.type_of(), right.type_of());
            bounded(format_args!("there is no {operation} of values of the types {left} and {right}"))
        }
        ExecutionError::ValuesNotComparable(left, right) => {
            bounded(format_args!("values of the types {} and {} have no order", left.type_of(), right.type_of()))
        }
        ExecutionError::UnsupportedKeyType(key) => bounded(format_args!("a value of type {} is no key", key.type_of())),
        ExecutionError::DuplicateKey(_) => "a map has a key twice".to_owned(),
        other => bounded(other),
    }
}

/// The interpreter is not ours. Should it panic, the filter has failed and nothing else has.
fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| "the interpreter broke off".to_owned())
}

fn mistakes(errors: &ParseErrors, source: &str) -> Vec<String> {
    let told = errors.errors.iter().take(TOLD).map(|error| {
        let (line, column) = (error.pos.0.unsigned_abs(), error.pos.1.unsigned_abs());
        bounded(format_args!(
            "{}: {}",
            position::of(line, column, source),
            why_not(source, offset(source, line, column))
        ))
    });
    told.collect()
}

/// The mistake at a byte where the parser stopped. It is not said what could stand there: nearly everything could.
fn why_not(source: &str, at: usize) -> String {
    let (before, behind) = source.split_at(at);
    if behind.trim().is_empty() {
        return "it ends too early: something is missing behind this".to_owned();
    }
    let word = excerpt(before, behind);
    let hint = match word.as_str() {
        "=" => "two values are compared with ==",
        "&" | "|" => "conditions are joined with && and ||",
        "and" | "or" | "not" => "conditions are joined with && and ||, and turned round with !",
        word if word.starts_with(|c: char| c.is_ascii_digit()) => {
            "this is no number that CEL knows, or something is missing before it"
        }
        _ => "this has no place here",
    };
    format!("near `{word}`: {hint}")
}
