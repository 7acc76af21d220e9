//! A length of time as a file writes it.

use std::time::Duration;

use model::time::Span;

use crate::checked::Checked;
use crate::mistake::{Mistakes, Place};

pub(super) fn span(span: Checked<Span>, place: &Place<'_>, m: &mut Mistakes) -> Option<Duration> {
    m.take(place, span).map(|span| span.0)
}
