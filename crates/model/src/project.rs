//! A project: one product's webhooks, apart from every other project's on the same server.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::id::ProjectId;
use crate::retention;
use crate::time::Timestamp;

#[derive(Clone, Debug)]
pub struct Project {
    pub id: ProjectId,
    pub slug: Slug,
    pub name: String,
    /// Name of the dialect that it speaks.
    pub dialect: String,
    /// Mail addresses that are notified when an endpoint fails for good.
    pub admins: Vec<String>,
    /// Retention of its data.
    pub retention: retention::Chosen,
    /// Rule for the tenants of its endpoints and events.
    pub tenants: Tenants,
    pub created_at: Timestamp,
}

/// Rule by which each endpoint and each event of a project is one tenant's, or may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tenants {
    /// An endpoint without one gets the events of all.
    #[default]
    Optional,
    /// Endpoints and events without one are refused.
    Required,
}

impl Tenants {
    pub const ALL: [Self; 2] = [Self::Optional, Self::Required];

    /// As callers write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
        }
    }
}

/// A project's name in headers and command lines: `[a-z0-9][a-z0-9-]{0,62}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Slug(String);

#[derive(Debug, thiserror::Error)]
#[error("a slug has 1 to 63 lower-case letters, digits or hyphens and starts with a letter or digit")]
pub struct NotASlug;

impl Slug {
    pub const DEFAULT: &'static str = "default";

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The slug a name suggests: lower case, everything else hyphens. `None` if nothing is left of it.
    pub fn suggested(name: &str) -> Option<Self> {
        let lower = name.to_lowercase();
        let words: Vec<&str> =
            lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let mut slug = words.join("-");
        slug.truncate(63);
        slug.trim_end_matches('-').parse().ok()
    }
}

impl FromStr for Slug {
    type Err = NotASlug;

    fn from_str(text: &str) -> Result<Self, NotASlug> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=63).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(NotASlug) }
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_suggests_a_slug() {
        assert_eq!(Slug::suggested("Acme & Söhne, Inc.").unwrap().as_str(), "acme-s-hne-inc");
        assert!(Slug::suggested("日本").is_none());
    }
}
