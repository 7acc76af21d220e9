//! The actor of a change: every verb that changes something carries it into its transaction.

use std::fmt;
use std::sync::Arc;

use crate::id::{KeyId, SessionId};

/// The party that asks for a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// The holder of the server's admin key.
    Admin,
    /// The holder of a project's key.
    Key(KeyId),
    /// A customer in the portal, who sees one tenant.
    Portal { tenant: Arc<str>, session: SessionId },
    /// Posthaste itself: attempts, retention, upgrades.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admin => f.write_str("admin"),
            Self::Key(id) => write!(f, "{id}"),
            Self::Portal { tenant, session } => write!(f, "{session} of tenant {tenant:?}"),
            Self::System => f.write_str("system"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_actor_is_named_by_its_kind_and_its_id() {
        let (key, session) = (KeyId::from_bytes([0; 16]), SessionId::from_bytes([0; 16]));
        let zeros = "0".repeat(26);
        for (actor, name) in [
            (Actor::Admin, "admin".to_owned()),
            (Actor::Key(key), format!("key_{zeros}")),
            (Actor::Portal { tenant: "acme\n".into(), session }, format!("ses_{zeros} of tenant \"acme\\n\"")),
            (Actor::System, "system".to_owned()),
        ] {
            assert_eq!(actor.to_string(), name);
        }
    }
}
