//! The cause of errors that say only that something failed.

/// The error with its source, for errors that say nothing themselves.
pub(super) fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
