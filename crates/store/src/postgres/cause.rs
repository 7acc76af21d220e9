//! Why something failed, of errors that say only that it did.

/// What is behind an error that says of itself only that there is one.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
