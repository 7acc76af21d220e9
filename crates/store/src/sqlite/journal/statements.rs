//! The statements that a commit may put into the journal instead of the tables, each with its values in the order in
//! which they are bound. The journal keeps the values; what a statement does with them may change with the version.

/// Bound by `ingest::insert_event`.
pub(crate) const EVENT: &str = "INSERT INTO events (seq, project, id, type, tenant, data, brand, workflow, summary,
                         occurred_at, created_at, deliver_at, expires_at, deliveries, fingerprint, test)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Bound by `deliveries::deliver_to`.
pub(crate) const DELIVERY: &str =
    "INSERT INTO deliveries (id, project, endpoint, event, status, manual, place, next_attempt_at, note)
     VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)";

/// The same for an event of a tenant. In two statements, because most have none.
pub(crate) const DELIVERY_OF_TENANT: &str =
    "INSERT INTO deliveries (id, project, endpoint, event, status, manual, place, next_attempt_at, note, tenant)
     VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?)";

/// A delivery in its present state, out of the journal. Bound by the replay.
pub(crate) const WHOLE_DELIVERY: &str =
    "INSERT INTO deliveries (id, project, endpoint, event, manual, note, status, attempts, place, next_attempt_at,
                             status_code, tenant)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// Bound by `record::insert_attempt`.
pub(crate) const ATTEMPT: &str =
    "INSERT INTO attempts (delivery, number, started_at, duration_ms, status_code, error_kind, error, request_headers,
                           response_headers, response_body, truncated, next_attempt_at, request_body, dialect, notes)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (delivery, number) DO NOTHING";

/// A delivery that arrived.
pub(crate) const DELIVERED: &str =
    "UPDATE deliveries SET status = 1, reason = NULL, attempts = ?2, place = ?3, next_attempt_at = ?4, status_code = ?5
     WHERE id = ?1";

/// Bound by `ingest::remember_key`.
pub(crate) const IDEMPOTENCY_KEY: &str =
    "INSERT INTO idempotency (project, key, event, fingerprint) VALUES (?, ?, ?, ?)";

/// Bound by `occurrences::note`.
pub(crate) const OCCURRENCE: &str =
    "INSERT INTO occurrences (project, kind, name, slot) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";

/// The recipients of an event, as `fan_outs::encode` writes them.
pub(crate) const FAN_OUT_LIST: &str = "INSERT INTO fan_out_lists (id, recipients) VALUES (?, ?)";

/// The mark of an event whose deliveries are made later.
pub(crate) const FAN_OUT: &str = "INSERT INTO fan_outs (event, project, list, position) VALUES (?, ?, ?, 0)";

/// Moves the mark after a slice.
pub(crate) const FAN_OUT_MOVED: &str = "UPDATE fan_outs SET position = ?2 WHERE event = ?1";

/// Removes the mark after the last slice.
pub(crate) const FAN_OUT_ENDED: &str = "DELETE FROM fan_outs WHERE event = ?";

/// Removes the list with the last mark that needs it.
pub(crate) const FAN_OUT_LIST_ENDED: &str =
    "DELETE FROM fan_out_lists WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM fan_outs WHERE list = ?1)";
