//! The surface, by its name and its nouns.

use crate::surfaces::Surface;

pub(crate) struct Hooks;

impl Surface for Hooks {
    const NAME: &'static str = "hooks";
    const NOUN: &'static str = "hook";
    const FIELDS: &'static [(&'static str, &'static str)] = &[("/events", "/on"), ("/active", "/status")];
}
