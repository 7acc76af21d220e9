//! Lists of deliveries: for any filter, about as many rows are read as are shown.
//!
//! The changing columns of a delivery are in no index, so that an attempt updates its row in place. Pending deliveries
//! are found in their own table; outcomes, and the event's type and tenant, by their [occurrences].

use std::sync::Arc;

use model::delivery::Status;
use model::id::ProjectId;
use tokio_postgres::Row;

use super::full::delivery_row;
use crate::Error;
use crate::occurrences::{Kind, of_tenant};
use crate::postgres::columns::Columns;
use crate::postgres::event_key::{self, EventKey};
use crate::postgres::list::{List, Occurring, Span};
use crate::postgres::node_context::NodeContext;
use crate::postgres::param::Uuid;
use crate::postgres::row;
use crate::postgres::transaction::ReadTxn;
use crate::search::{Cursor, DELIVERY, Delivery, DeliveryFilter, Page, Paging};

/// Rows of a page, with their cursors.
type Found = Vec<(Delivery, Cursor)>;

pub(crate) async fn deliveries(
    db: &Arc<NodeContext>,
    project: ProjectId,
    filter: &DeliveryFilter,
    paging: Paging,
) -> Result<Page<Delivery>, Error> {
    let txn = db.search(project).await?;
    let span = Span::of(filter.since, filter.until, paging.after);
    let search = Search { db, txn: &txn, project, filter, span, most: paging.limit + 1 };
    let found = search.run().await?;
    txn.end().await?;
    Ok(Page::of(found, paging.limit))
}

/// The filter of a search, and its transaction.
struct Search<'a> {
    db: &'a Arc<NodeContext>,
    txn: &'a ReadTxn,
    project: ProjectId,
    filter: &'a DeliveryFilter,
    span: Span,
    most: usize,
}

impl Search<'_> {
    async fn run(&self) -> Result<Found, Error> {
        let DeliveryFilter { event, status, status_code, .. } = self.filter;
        if event.is_some() {
            return self.of_event().await;
        }
        match (status, status_code) {
            (Some(Status::Pending), _) => self.pending().await,
            (Some(Status::Failed), None) if self.filter.tenant.is_none() => {
                // Failed deliveries have indexes of their own.
                let mut list = self.rows();
                list.only("d.failed");
                self.newest(list).await
            }
            (Some(_), _) => self.settled().await,
            (None, Some(_)) => self.of_code().await,
            (None, None) => self.of_any_outcome().await,
        }
    }

    async fn of_event(&self) -> Result<Found, Error> {
        let sql = "SELECT key FROM events WHERE project = $1 AND id = $2";
        let id = self.filter.event.as_ref().map(|id| id.as_str().to_owned());
        let found = self.txn.query_opt(sql, &[&Uuid::from(self.project), &id]).await?;
        let Some(key) = found.map(|row| row::id::<EventKey>(&row, 0)).transpose()? else { return Ok(Vec::new()) };
        let earliest = event_key::earliest_delivery(key);
        // All of an event's deliveries, which are few, before any other condition is checked.
        let from = "(SELECT * FROM deliveries WHERE event = $1 AND id >= $2 OFFSET 0) AS d";
        let values: Columns = vec![Box::new(Uuid::from(key)), Box::new(Uuid::from(earliest))];
        let list = self.narrowed(List::new(select(from), values, &["d.id"]));
        let span = Span { since: self.span.since.max(earliest), ..self.span };
        list.newest(self.txn, span, self.db.env.now(), self.most, read).await
    }

    /// Pending deliveries: found in `pending`, however many others there are.
    async fn pending(&self) -> Result<Found, Error> {
        // Each by its key alone: while a table is new its statistics make the project's index look as good, and for
        // each pending delivery all of its project would be read.
        let from = "pending AS p CROSS JOIN LATERAL (SELECT * FROM deliveries WHERE id = p.delivery OFFSET 0) AS d";
        let mut list = List::new(select(from), Vec::new(), &["p.delivery"]);
        match (self.filter.endpoint, &self.filter.tenant) {
            (Some(endpoint), _) => list.add("p.endpoint = ?", Uuid::from(endpoint)),
            (None, tenant) => {
                list.add("p.project = ?", Uuid::from(self.project));
                list.add_if("p.tenant = ?", tenant.clone());
            }
        }
        list.add_if("p.status_code = ?", self.filter.status_code.map(i32::from));
        list.only("d.status = 0");
        let list = self.narrowed(list);
        // These are in no order of days.
        list.newest(self.txn, self.span, self.db.env.now(), self.most, read).await
    }

    /// Deliveries that have ended, with the outcome of the filter.
    async fn settled(&self) -> Result<Found, Error> {
        let status = self.filter.status.map(|status| row::position(&status, &Status::ALL));
        let code = self.filter.status_code;
        let outcomes = Kind::Outcome;
        let occurring = match (self.filter.endpoint, &self.filter.tenant) {
            (Some(endpoint), _) => Occurring::outcomes(self.txn, endpoint, outcomes, "", status, code).await?,
            (None, Some(tenant)) => {
                let (kind, prefix) = (Kind::TenantOutcome, of_tenant(tenant, ""));
                Occurring::outcomes(self.txn, self.project, kind, &prefix, status, code).await?
            }
            (None, None) => Occurring::outcomes(self.txn, self.project, outcomes, "", status, code).await?,
        };
        let mut list = self.rows();
        // A delivery that is tried once more had another outcome before.
        list.only("d.status <> 0");
        self.newest_in(list, &occurring).await
    }

    /// Deliveries that have ended or are pending, with a status code.
    async fn of_code(&self) -> Result<Found, Error> {
        let mut found = self.pending().await?;
        found.extend(self.settled().await?);
        found.sort_unstable_by_key(|(delivery, _)| std::cmp::Reverse(delivery.id));
        found.truncate(self.most);
        Ok(found)
    }

    async fn of_any_outcome(&self) -> Result<Found, Error> {
        let occurring = match self.filter {
            DeliveryFilter { endpoint: Some(_), .. } => None,
            DeliveryFilter { tenant: Some(tenant), .. } => {
                Some(Occurring::one(self.project, Kind::DeliveryTenant, tenant))
            }
            DeliveryFilter { event_type: Some(event_type), .. } => {
                Some(Occurring::one(self.project, Kind::DeliveryType, event_type.as_str()))
            }
            _ => None,
        };
        match occurring {
            Some(occurring) => self.newest_in(self.rows(), &occurring).await,
            None => self.newest(self.rows()).await,
        }
    }

    /// All deliveries with the conditions of the filter.
    fn rows(&self) -> List {
        self.narrowed(List::new(select("deliveries AS d"), Vec::new(), &["d.id"]))
    }

    fn narrowed(&self, mut list: List) -> List {
        let filter = self.filter;
        match filter.endpoint {
            // The endpoint's deliveries are fewer than its project's: the project's index must not be used.
            Some(endpoint) => {
                list.add("d.endpoint = ?", Uuid::from(endpoint));
                list.add("d.project IS NOT DISTINCT FROM ?", Uuid::from(self.project));
            }
            None => list.add("d.project = ?", Uuid::from(self.project)),
        }
        list.add_if("d.status = ?", filter.status.map(|status| row::position(&status, &Status::ALL)));
        list.add_if("d.status_code = ?", filter.status_code.map(i32::from));
        list.add_if("e.type = ?", filter.event_type.as_ref().map(|event_type| event_type.as_str().to_owned()));
        list.add_if("e.tenant = ?", filter.tenant.clone());
        list
    }

    async fn newest(&self, list: List) -> Result<Found, Error> {
        list.newest(self.txn, self.span, self.db.env.now(), self.most, read).await
    }

    async fn newest_in(&self, list: List, occurring: &Occurring) -> Result<Found, Error> {
        list.newest_in(self.txn, occurring, self.span, self.most, read).await
    }
}

fn select(from: &str) -> String {
    format!("SELECT {DELIVERY} FROM {from} JOIN events AS e ON e.key = d.event")
}

fn read(row: &Row) -> Result<(Delivery, Cursor), Error> {
    let delivery = delivery_row(row)?;
    let cursor = Cursor(*delivery.id.as_bytes());
    Ok((delivery, cursor))
}
