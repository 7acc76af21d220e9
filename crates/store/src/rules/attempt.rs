//! The parts of an attempt that are stored, and those that can be made again.

use model::attempt::{Attempt, Body, FailureKind};

use crate::Error;
use crate::search::SentBody;

/// The dialect that is meant where an attempt names none.
const STANDARD: &str = "standard";

/// The body that is stored with an attempt, because it cannot be made again.
pub(crate) fn kept_body(attempt: &Attempt) -> Option<&[u8]> {
    match &attempt.body {
        Body::Kept(body) => Some(body),
        Body::Of(_) | Body::None | Body::Dropped => None,
    }
}

/// True if an attempt before this one may have sent the same body, which is then not stored again.
pub(crate) fn may_repeat_a_body(attempt: &Attempt) -> bool {
    attempt.number > 1 && kept_body(attempt).is_some()
}

/// The dialect that is stored with an attempt: the one that made its body, unless that is [`STANDARD`].
pub(crate) fn named_dialect(attempt: &Attempt) -> Option<&str> {
    match &attempt.body {
        Body::Of(dialect) if **dialect != *STANDARD => Some(dialect),
        Body::Of(_) | Body::Kept(_) | Body::None | Body::Dropped => None,
    }
}

/// The body that an attempt sent, as far as it is known from what is stored.
pub(crate) fn sent_body_of(
    is_kept: bool,
    is_dropped: bool,
    failure: Option<FailureKind>,
    named_dialect: Option<&str>,
) -> SentBody {
    match failure {
        _ if is_kept => SentBody::Kept,
        _ if is_dropped => SentBody::Dropped,
        Some(FailureKind::Render) => SentBody::None,
        _ => SentBody::Of(named_dialect.unwrap_or(STANDARD).into()),
    }
}

/// The attempt's notes in stored form, if there are any.
pub(crate) fn notes(attempt: &Attempt) -> Result<Option<String>, Error> {
    let notes = (!attempt.notes.is_empty()).then(|| serde_json::to_string(&attempt.notes)).transpose();
    notes.map_err(|error| Error::Corrupt(error.to_string()))
}
