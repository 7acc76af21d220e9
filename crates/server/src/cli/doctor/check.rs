//! One of the doctor's checks, and its result.

use std::borrow::Cow;

use serde::Serialize;

#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) check: &'static str,
    pub(super) ok: bool,
    /// It is no trouble yet.
    pub(super) warning: bool,
    pub(super) found: String,
    /// What to do about it.
    pub(super) remedy: Option<Cow<'static, str>>,
}

impl Check {
    pub(super) fn fine(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, ok: true, warning: false, found: found.into(), remedy: None }
    }

    pub(super) fn warning(check: &'static str, found: impl Into<String>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { check, ok: true, warning: true, found: found.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn trouble(check: &'static str, found: impl Into<String>, remedy: impl Into<Cow<'static, str>>) -> Self {
        Self { check, ok: false, warning: false, found: found.into(), remedy: Some(remedy.into()) }
    }
}
