//! Usual names of members and headers, and their meaning.

use super::candidates::words;

/// A name in lower case without the separators between its words.
pub(super) fn plain(name: &str) -> String {
    words(name).concat()
}

pub(super) fn is_type(name: &str) -> bool {
    ["type", "event", "eventtype", "eventname", "kind", "topic", "trigger"].contains(&plain(name).as_str())
}

/// The lower the likelier; `None` if it is no time.
pub(super) fn time_rank(name: &str) -> Option<usize> {
    const TIMES: [&str; 16] = [
        "timestamp",
        "time",
        "occurredat",
        "eventtime",
        "eventtimestamp",
        "triggeredat",
        "firedat",
        "emittedat",
        "sentat",
        "createdat",
        "created",
        "datetime",
        "date",
        "at",
        "ts",
        "t",
    ];
    TIMES.iter().position(|time| *time == plain(name))
}

/// The lower the likelier; `None` if it is no id of an event.
pub(super) fn id_rank(name: &str) -> Option<usize> {
    const IDS: [&str; 9] =
        ["eventid", "id", "messageid", "notificationid", "idempotencykey", "uuid", "guid", "deliveryid", "delivery"];
    IDS.iter().position(|id| *id == plain(name))
}

/// The lower the likelier; `None` if it is no name for data.
pub(super) fn data_rank(name: &str) -> Option<usize> {
    const DATA: [&str; 10] =
        ["data", "payload", "resource", "object", "content", "attributes", "properties", "details", "detail", "body"];
    DATA.iter().position(|data| *data == plain(name))
}

/// Objects in which a part of the envelope may stand.
pub(super) fn is_part_of_envelope(name: &str) -> bool {
    ["event", "meta", "metadata", "header", "headers", "envelope", "context", "webhook", "notification"]
        .contains(&plain(name).as_str())
}

/// Members and headers that are usually the same in every request.
pub(super) fn is_constant(name: &str) -> bool {
    const CONSTANTS: [&str; 17] = [
        "version",
        "apiversion",
        "schemaversion",
        "specversion",
        "schema",
        "object",
        "source",
        "livemode",
        "environment",
        "env",
        "mode",
        "test",
        "pendingwebhooks",
        "product",
        "app",
        "account",
        "request",
    ];
    CONSTANTS.contains(&plain(name).as_str())
}

pub(super) fn is_attempt(name: &str) -> bool {
    let words = words(name);
    let last = words.last().map(String::as_str).unwrap_or_default();
    let counts = ["attempt", "attempts", "retry", "retries"];
    counts.contains(&last)
        || words.iter().any(|word| counts.contains(&word.as_str())) && ["number", "num", "count", "no"].contains(&last)
}

/// An id of the endpoint, by its last two words.
pub(super) fn is_endpoint_id(name: &str) -> bool {
    let words = words(name);
    let owners = ["endpoint", "hook", "webhook", "subscription", "destination"];
    matches!(words.as_slice(), [.., owner, last] if last == "id" && owners.contains(&owner.as_str()))
}
