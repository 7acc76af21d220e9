//! The actor of a verb, traced inside its transaction, on either database.

use model::actor::Actor;

/// Traces the actor in whose name a transaction runs.
pub(crate) fn acts(by: &Actor) {
    tracing::trace!(%by, "verb begun in its transaction");
}
