//! Patterns of `matches`, compiled when a filter is judged.

use cel::common::ast::{Expr, IdedExpr, LiteralValue};
use regex::{Regex, RegexBuilder};

/// A pattern of `matches`, compiled.
#[derive(Debug)]
pub(super) struct Pattern {
    pub(super) regex: Regex,
    /// KiB that it was compiled into, rounded up: the most steps that a letter of a text costs.
    pub(super) weight: u64,
}

/// Size limits for a compiled pattern, in KiB. The smallest that is enough is its weight.
const WEIGHTS: [u64; 4] = [4, 16, 64, 256];

pub(super) fn text_of(expression: &IdedExpr) -> Option<&str> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner()),
        _ => None,
    }
}

pub(super) fn compile(pattern: &str) -> Result<Pattern, String> {
    let mut failed = None;
    for weight in WEIGHTS {
        let kib = usize::try_from(weight).expect("a few hundred");
        match RegexBuilder::new(pattern).size_limit(kib * 1024).build() {
            Ok(regex) => return Ok(Pattern { regex, weight }),
            Err(error) => failed = Some(error),
        }
    }
    Err(match failed {
        Some(regex::Error::Syntax(_)) => format!(
            "`{pattern}` is not a regular expression: a bracket may not be closed, or a sign that means something else needs \\ before it; there is no look-around and there are no backreferences"
        ),
        _ => format!("`{pattern}` is too large a regular expression: repeat less, or name letters as in [A-Za-z0-9_]"),
    })
}
