//! API keys: what they may do, and how they are kept.

use serde::{Deserialize, Serialize};

use crate::id::{KeyId, ProjectId};
use crate::time::Timestamp;

/// One thing that a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scope {
    /// Send events.
    #[serde(rename = "events:write")]
    EventsWrite,
    /// Create, change, delete and see endpoints; pause, test, rotate, retry and recover.
    #[serde(rename = "endpoints:write")]
    EndpointsWrite,
    /// Read everything of the project but secrets.
    #[serde(rename = "read")]
    Read,
    /// Create and delete sources of incoming webhooks.
    #[serde(rename = "sources:write")]
    SourcesWrite,
    /// All of these, and the project's keys and settings.
    #[serde(rename = "admin")]
    Admin,
    /// Make links to the customer portal.
    #[serde(rename = "portal")]
    Portal,
}

impl Scope {
    pub const ALL: [Self; 6] =
        [Self::EventsWrite, Self::EndpointsWrite, Self::Read, Self::SourcesWrite, Self::Admin, Self::Portal];

    pub const fn name(self) -> &'static str {
        match self {
            Self::EventsWrite => "events:write",
            Self::EndpointsWrite => "endpoints:write",
            Self::Read => "read",
            Self::SourcesWrite => "sources:write",
            Self::Admin => "admin",
            Self::Portal => "portal",
        }
    }
}

/// A key of a project. The key itself is known to its holder alone; we keep its SHA-256.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: KeyId,
    pub project: ProjectId,
    pub name: String,
    pub scopes: Vec<Scope>,
    pub hash: [u8; 32],
    pub created_at: Timestamp,
}

impl Key {
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&Scope::Admin) || self.scopes.contains(&scope)
    }
}
