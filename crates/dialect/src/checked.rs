//! A value of a dialect file, or what is wrong with it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::plain;

/// A value, or what is wrong with it: one bad value does not hide the next.
pub(crate) struct Checked<T>(pub(crate) Result<T, String>);

impl<T: Default> Default for Checked<T> {
    fn default() -> Self {
        Self(Ok(T::default()))
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Checked<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(plain::read(toml::Value::deserialize(deserializer)?)))
    }
}
