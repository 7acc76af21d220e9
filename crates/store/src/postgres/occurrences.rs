//! Occurrences in PostgreSQL: written with events, deliveries and attempts.

use std::collections::BTreeSet;

use model::delivery::Status;
use model::event::Event;
use model::id::DeliveryId;

use super::columns::{Columns, column};
use super::event_key::EventKey;
use super::param::Uuid;
use super::row;
use crate::occurrences::{Kind, Noted, of_tenant, outcome, slot_of};
use crate::record::Record;

/// Inserts without a check for existing rows: no node waits for another, and readers take two for one.
pub(super) const INSERT: &str =
    "INSERT INTO occurrences (scope, kind, name, slot) SELECT * FROM unnest($1, $2, $3, $4)";

/// The occurrences of cancelled deliveries, for a query after a CTE `cancelled` with the columns of deliveries.
pub(super) const NOTE_CANCELLED: &str = "INSERT INTO occurrences (scope, kind, name, slot)
     SELECT DISTINCT o.* FROM cancelled AS c JOIN events AS e ON e.key = c.event
         CROSS JOIN LATERAL (SELECT '3:' || lpad(coalesce(c.status_code, 0)::text, 3, '0') AS outcome) AS x
         CROSS JOIN LATERAL (VALUES (c.project, 3::smallint, x.outcome, slot_of(c.id)),
             (c.endpoint, 3::smallint, x.outcome, slot_of(c.id)),
             (c.project, 4::smallint, e.tenant || E'\\x01' || x.outcome, slot_of(c.id))) AS o (scope, kind, name, slot)
     WHERE o.name IS NOT NULL";

/// Occurrences that a commit adds.
pub(super) struct Fresh<'a> {
    noted: &'a mut Noted,
    rows: BTreeSet<(Uuid, i16, String, i64)>,
}

impl<'a> Fresh<'a> {
    /// Collects the occurrences that are not `noted`, which must be cleared if the commit fails.
    pub(super) fn beside(noted: &'a mut Noted) -> Self {
        Self { noted, rows: BTreeSet::new() }
    }

    pub(super) fn event(&mut self, key: EventKey, event: &Event) {
        let project = Uuid::from(event.project);
        self.named(project, Kind::EventType, event.event_type.as_str(), slot_of(key));
        if let Some(tenant) = &event.tenant {
            self.named(project, Kind::EventTenant, tenant, slot_of(key));
        }
    }

    pub(super) fn delivery(&mut self, id: DeliveryId, event: &Event) {
        let project = Uuid::from(event.project);
        self.named(project, Kind::DeliveryType, event.event_type.as_str(), slot_of(id));
        if let Some(tenant) = &event.tenant {
            self.named(project, Kind::DeliveryTenant, tenant, slot_of(id));
        }
    }

    /// Notes an outcome. Pending deliveries are found in their own table, so they are not noted.
    pub(super) fn outcome(&mut self, record: &Record, status: Status) {
        if status == Status::Pending {
            return;
        }
        let (due, code, slot) = (&record.due, record.attempt.outcome.status(), slot_of(record.due.id));
        let status = row::position(&status, &Status::ALL);
        let project = Uuid::from(due.event.project);
        for txn in [project, Uuid::from(due.endpoint)] {
            if self.noted.is_new((txn, status, code, slot)) {
                self.rows.insert((txn, Kind::Outcome.number(), outcome(status, code), slot));
            }
        }
        if let Some(tenant) = &due.event.tenant
            && self.noted.is_new((project, tenant, status, code, slot))
        {
            let name = of_tenant(tenant, &outcome(status, code));
            self.rows.insert((project, Kind::TenantOutcome.number(), name, slot));
        }
    }

    fn named(&mut self, txn: Uuid, kind: Kind, name: &str, slot: i64) {
        if self.noted.is_new((txn, kind, name, slot)) {
            self.rows.insert((txn, kind.number(), name.to_owned(), slot));
        }
    }

    /// The values of [`INSERT`], if there are any.
    pub(super) fn columns(self) -> Option<Columns> {
        if self.rows.is_empty() {
            return None;
        }
        let rows: Vec<_> = self.rows.into_iter().collect();
        Some(vec![
            column(&rows, |(txn, ..)| *txn),
            column(&rows, |(_, kind, ..)| *kind),
            column(&rows, |(_, _, name, _)| name.clone()),
            column(&rows, |(.., slot)| *slot),
        ])
    }
}
