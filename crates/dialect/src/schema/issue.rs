//! Findings: a JSON pointer (RFC 6901) to a place, and the reason why it does not fit.

/// A JSON pointer (RFC 6901), and the error there.
pub type SchemaIssue = (String, String);

/// A key as it stands in a pointer.
pub(super) fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
