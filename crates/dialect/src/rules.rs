//! Rules for endpoints that a dialect chooses from.

use serde::Deserialize;

/// The rule for endpoints' secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRule {
    /// Every endpoint has one: it is generated if none is given.
    #[default]
    Always,
    /// Endpoints have one if it was given.
    Optional,
    Never,
}

/// The rule for the old secret when another replaces it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotateRule {
    /// Both sign until the old one expires.
    #[default]
    Overlap,
    /// The old one ends with the rotation, always.
    AtOnce,
}

/// The number of event types that an endpoint names.
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
