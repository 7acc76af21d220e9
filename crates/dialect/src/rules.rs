//! Rules for endpoints that a dialect chooses from.

use serde::Deserialize;

/// Whether endpoints have secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRule {
    /// One is made if none is given.
    #[default]
    Always,
    /// Those that were given one.
    Optional,
    Never,
}

/// What becomes of a secret when another takes its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotateRule {
    /// Both sign for a while.
    #[default]
    Overlap,
    /// The old one ends with the rotation, always.
    AtOnce,
}

/// How many event types an endpoint names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventsRule {
    /// Any number. None at all means every type.
    #[default]
    Many,
    /// One or more.
    #[serde(rename = "some")]
    AtLeastOne,
    One,
}
