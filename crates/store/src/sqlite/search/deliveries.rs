//! Lists of deliveries: by any filter, about as much is read as is shown.
//!
//! A delivery's outcome (its status, and the status code of its last attempt) stands in the indexes before its id.
//! There are few outcomes, so a list of several of them is merged from the newest of each. No index of deliveries has
//! types of events: they are found by their [occurrences].

use model::delivery::Status;
use model::id::{DeliveryId, EndpointId, ProjectId};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::super::{occurrences, row};
use super::conditions::Conditions;
use crate::Error;
use crate::occurrences::{Kind, ids_of, slot_of};
use crate::search::{Cursor, DELIVERY, Delivery, DeliveryFilter, Page, Paging};

pub(crate) fn deliveries(
    db: &Connection,
    project: ProjectId,
    filter: &DeliveryFilter,
    paging: Paging,
) -> Result<Page<Delivery>, Error> {
    let span = Span::of(filter, paging.after);
    let most = paging.limit + 1;
    let ids = match (&filter.event, filter.endpoint, &filter.tenant, &filter.event_type) {
        _ if span.is_empty() => Vec::new(),
        (Some(event), ..) => match super::events::event_number(db, project, event)? {
            None => Vec::new(),
            Some(seq) => of_event(db, seq, &rest(project, filter), span, most)?,
        },
        (None, Some(endpoint), ..) => {
            let prefix = Conditions::new("d.endpoint = ?", endpoint.as_bytes().to_vec());
            let outcomes = Outcomes { index: "deliveries_by_endpoint", prefix };
            outcomes.newest(db, filter, &rest(project, filter), span, most)?
        }
        (None, None, Some(tenant), _) => {
            let mut prefix = Conditions::new("d.project = ?", project.as_bytes().to_vec());
            prefix.add("d.tenant = ?", tenant.clone());
            let outcomes = Outcomes { index: "deliveries_by_tenant", prefix };
            outcomes.newest(db, filter, &rest(project, filter), span, most)?
        }
        (None, None, None, Some(event_type)) if !is_narrow(filter) => {
            of_type(db, project, event_type.as_str(), &rest(project, filter), span, most)?
        }
        (None, None, None, _) => {
            let prefix = Conditions::new("d.project = ?", project.as_bytes().to_vec());
            let outcomes = Outcomes { index: "deliveries_by_project", prefix };
            outcomes.newest(db, filter, &rest(project, filter), span, most)?
        }
    };
    let found = ids.iter().filter_map(|id| shown(db, *id).transpose()).collect::<Result<_, Error>>()?;
    Ok(Page::of(found, paging.limit))
}

/// True if the outcomes that the filter leaves are usually fewer than all others.
fn is_narrow(filter: &DeliveryFilter) -> bool {
    filter.status_code.is_some() || filter.status.is_some_and(|status| status != Status::Delivered)
}

/// Ids from `since` on and before `until`.
#[derive(Clone, Copy)]
struct Span {
    since: DeliveryId,
    until: DeliveryId,
}

impl Span {
    const ALL: Self = Self { since: DeliveryId::from_bytes([0; 16]), until: DeliveryId::from_bytes([0xff; 16]) };

    fn of(filter: &DeliveryFilter, after: Option<Cursor>) -> Self {
        let ends = [filter.until.map(DeliveryId::first_at), after.map(|cursor| DeliveryId::from_bytes(cursor.0))];
        Self {
            since: filter.since.map_or(Self::ALL.since, DeliveryId::first_at),
            until: ends.into_iter().flatten().min().unwrap_or(Self::ALL.until),
        }
    }

    fn is_empty(self) -> bool {
        self.since >= self.until
    }

    fn conditions(self) -> Conditions {
        let mut conditions = Conditions::new("d.id >= ?", self.since.as_bytes().to_vec());
        conditions.add("d.id < ?", self.until.as_bytes().to_vec());
        conditions
    }
}

/// Conditions besides those that a delivery is looked up by. The `+` keeps SQLite from another index than the one that
/// has them in order.
fn rest(project: ProjectId, filter: &DeliveryFilter) -> Conditions {
    let mut rest = Conditions::new("+d.project = ?", project.as_bytes().to_vec());
    rest.add_if("+d.endpoint = ?", filter.endpoint.map(|endpoint| endpoint.as_bytes().to_vec()));
    rest.add_if("+d.status = ?", filter.status.map(row::status_number));
    rest.add_if("+d.status_code = ?", filter.status_code.map(i64::from));
    rest.add_if("+d.tenant = ?", filter.tenant.clone());
    let event_type = filter.event_type.as_ref().map(|event_type| event_type.as_str().to_owned());
    rest.add_if("(SELECT type FROM events WHERE seq = d.event) = ?", event_type);
    rest
}

fn newest(
    db: &Connection,
    from: &str,
    mut conditions: Conditions,
    most: usize,
    ids: &mut Vec<DeliveryId>,
) -> Result<(), Error> {
    let condition = conditions.sql();
    conditions.value(row::limit(most));
    let sql = format!("SELECT d.id FROM {from} WHERE {condition} ORDER BY d.id DESC LIMIT ?");
    let mut statement = db.prepare_cached(&sql)?;
    for id in statement.query_map(params_from_iter(conditions.into_values()), |row| row.get(0))? {
        ids.push(DeliveryId::from_bytes(id?));
    }
    Ok(())
}

fn of_event(db: &Connection, seq: i64, rest: &Conditions, span: Span, most: usize) -> Result<Vec<DeliveryId>, Error> {
    let mut ids = Vec::new();
    let conditions = Conditions::new("d.event = ?", seq).and(&span.conditions()).and(rest);
    newest(db, "deliveries AS d INDEXED BY deliveries_by_event", conditions, most, &mut ids)?;
    Ok(ids)
}

/// The newest deliveries of events of a type, slot by slot of those in which it occurs.
fn of_type(
    db: &Connection,
    project: ProjectId,
    event_type: &str,
    rest: &Conditions,
    span: Span,
    most: usize,
) -> Result<Vec<DeliveryId>, Error> {
    let (mut ids, mut slot) = (Vec::new(), slot_of(span.until));
    while ids.len() < most
        && let Some(found) = occurrences::newest(db, project, &[(Kind::DeliveryType, event_type)], slot)?
    {
        let (first, end) = ids_of(found);
        if end <= span.since {
            break;
        }
        let within = Span { since: first.max(span.since), until: end.min(span.until) };
        newest(db, "deliveries AS d", within.conditions().and(rest), most - ids.len(), &mut ids)?;
        slot = found - 1;
    }
    Ok(ids)
}

/// An index in which the outcome stands between the columns of `prefix` and the id.
struct Outcomes {
    index: &'static str,
    prefix: Conditions,
}

/// A status, and the status code of the last attempt.
type Outcome = (i64, Value);

impl Outcomes {
    /// The newest deliveries of all outcomes that a filter leaves.
    fn newest(
        &self,
        db: &Connection,
        filter: &DeliveryFilter,
        rest: &Conditions,
        span: Span,
        most: usize,
    ) -> Result<Vec<DeliveryId>, Error> {
        let from = format!("deliveries AS d INDEXED BY {}", self.index);
        let mut ids = Vec::new();
        for (status, code) in self.found(db, filter)? {
            let mut conditions = self.prefix.clone();
            conditions.add("d.status = ?", status);
            conditions.add("d.status_code IS ?", code);
            newest(db, &from, conditions.and(&span.conditions()).and(rest), most, &mut ids)?;
        }
        ids.sort_unstable_by(|one, other| other.cmp(one));
        ids.truncate(most);
        Ok(ids)
    }

    /// The outcomes there are, of those that a filter leaves: one seek each.
    fn found(&self, db: &Connection, filter: &DeliveryFilter) -> Result<Vec<Outcome>, Error> {
        let statuses = filter.status.map_or_else(|| Status::ALL.to_vec(), |status| vec![status]);
        let mut outcomes = Vec::new();
        for status in statuses.into_iter().map(row::status_number) {
            if let Some(code) = filter.status_code {
                outcomes.push((status, Value::Integer(code.into())));
                continue;
            }
            outcomes.push((status, Value::Null));
            let mut after = i64::MIN;
            while let Some(code) = self.next_code(db, status, after)? {
                outcomes.push((status, Value::Integer(code)));
                after = code;
            }
        }
        Ok(outcomes)
    }

    fn next_code(&self, db: &Connection, status: i64, after: i64) -> Result<Option<i64>, Error> {
        let mut conditions = self.prefix.clone();
        conditions.add("d.status = ?", status);
        conditions.add("d.status_code > ?", after);
        let sql = format!(
            "SELECT d.status_code FROM deliveries AS d INDEXED BY {} WHERE {} ORDER BY d.status_code LIMIT 1",
            self.index,
            conditions.sql()
        );
        let next = db.prepare_cached(&sql)?.query_row(params_from_iter(conditions.into_values()), |row| row.get(0));
        Ok(next.optional()?)
    }
}

/// The newest deliveries of an endpoint.
pub(crate) fn newest_of(db: &Connection, endpoint: EndpointId, most: usize) -> Result<Vec<DeliveryId>, Error> {
    let prefix = Conditions::new("d.endpoint = ?", endpoint.as_bytes().to_vec());
    let outcomes = Outcomes { index: "deliveries_by_endpoint", prefix };
    outcomes.newest(db, &DeliveryFilter::default(), &Conditions::default(), Span::ALL, most)
}

fn shown(db: &Connection, id: DeliveryId) -> Result<Option<(Delivery, Cursor)>, Error> {
    let sql = format!("SELECT {DELIVERY} FROM deliveries AS d JOIN events AS e ON e.seq = d.event WHERE d.id = ?");
    let found = db.prepare_cached(&sql)?.query_row(params![id.as_bytes()], row::delivery).optional()?;
    Ok(found.map(|delivery| (delivery, Cursor(*id.as_bytes()))))
}
