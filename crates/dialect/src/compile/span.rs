//! A length of time as a file writes it.

use std::time::Duration;

use model::time::Span;

use crate::checked::Checked;
use crate::diagnostic::{Diagnostics, KeyLocation};

pub(super) fn span(span: Checked<Span>, location: &KeyLocation<'_>, m: &mut Diagnostics) -> Option<Duration> {
    m.take(location, span).map(|span| span.0)
}
