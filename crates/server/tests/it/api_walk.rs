//! A walk through the contract's routes: what is asked for comes back, by its name, in its shape.

mod deliveries;
mod endpoints;
mod events;
pub(crate) mod jobs;
mod pages;
mod projects;
mod reference;

use serde_json::Value;

use crate::gateway::text;

/// Fails unless `value` is an object with exactly these members.
#[track_caller]
fn has_members(value: &Value, members: &[&str]) {
    for member in members {
        assert!(value.get(member).is_some(), "no {member} in {value:#}");
    }
}

/// An id of ours: a prefix and 26 characters or so of base 32.
#[track_caller]
fn is_id(value: &Value, prefix: &str) {
    let id = text(value);
    let rest = id.strip_prefix(prefix).unwrap_or_else(|| panic!("{id} does not begin with {prefix}"));
    assert!(rest.len() >= 20 && rest.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{id}");
}

/// A UUID of version 7.
#[track_caller]
fn is_uuid(value: &Value) {
    let id = text(value);
    let shape: String = id.chars().map(|c| if c.is_ascii_hexdigit() { 'x' } else { c }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", "{id}");
    assert_eq!(&id[14..15], "7", "{id}");
}
