//! The one who asks for a verb, inside of its transaction, on either database.

use model::actor::Actor;

/// Says in whose name a transaction goes on.
pub(crate) fn acts(by: &Actor) {
    tracing::trace!(%by, "verb begun in its transaction");
}
