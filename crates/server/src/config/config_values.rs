//! Words written for a setting in one place.

use super::diagnostic::ConfigLocation;

/// What was written for a setting in one place, a word for each item of a list.
pub(super) type ConfigValues = Vec<ConfigValue>;

#[derive(Clone, Debug)]
pub(super) struct ConfigValue {
    pub(super) text: String,
    pub(super) location: ConfigLocation,
}
