//! Lists of what is kept by its age, newest first, a page at a time.

use std::time::Duration;

use model::id::DeliveryId;
use model::time::Timestamp;
use tokio_postgres::Row;

use super::param::{Param, Uuid};
use super::rows::{Columns, borrowed};
use super::{Cluster, row};
use crate::Error;
use crate::search::{Cursor, Page, Paging};

/// Days that the stretches of a list go back to, before the day it begins on. What a page needs is mostly in the first;
/// only what is rare is looked for in all there is. Whole days, as rows are partitioned by them.
const STRETCHES: [u32; 4] = [0, 1, 7, 30];

const DAY: Duration = Duration::from_secs(86_400);

/// Which part of a table a list is of: ids from `since` on and before `until`.
pub(super) struct Span {
    pub(super) since: DeliveryId,
    pub(super) until: DeliveryId,
}

impl Span {
    /// What is between two times and after the page before.
    pub(super) fn of(since: Option<Timestamp>, until: Option<Timestamp>, after: Option<Cursor>) -> Self {
        let ends = [until.map(DeliveryId::first_at), after.map(|cursor| DeliveryId::from_bytes(cursor.0))];
        Self {
            since: since.map_or(DeliveryId::from_bytes([0; 16]), DeliveryId::first_at),
            until: ends.into_iter().flatten().min().unwrap_or(DeliveryId::from_bytes([0xff; 16])),
        }
    }

    /// The same, a stretch after the other, newest first.
    fn stretches(self, now: Timestamp) -> impl Iterator<Item = Self> {
        let begins_on = day_of(self.until.created_at().min(now));
        let ends = STRETCHES.into_iter().map(move |days| DeliveryId::first_at(begins_on - days * DAY));
        let since = self.since;
        let mut until = self.until;
        ends.chain([since]).filter_map(move |end| {
            let end = end.max(since);
            (end < until).then(|| Self { since: end, until: std::mem::replace(&mut until, end) })
        })
    }
}

fn day_of(at: Timestamp) -> Timestamp {
    let day = i64::try_from(DAY.as_millis()).expect("a day is short");
    Timestamp::from_millis(at.as_millis().div_euclid(day) * day)
}

/// A query that grows with what is asked for.
pub(super) struct List {
    sql: String,
    values: Columns,
    /// The columns whose value is the id: rows are in the order of the first.
    ids: &'static [&'static str],
}

impl List {
    /// `select` reads from its tables without a condition, and may name `values` as `$1` and so on.
    pub(super) fn new(select: String, values: Columns, ids: &'static [&'static str]) -> Self {
        Self { sql: select + " WHERE true", values, ids }
    }

    /// Adds a condition in which `?` stands for the value.
    pub(super) fn add(&mut self, condition: &str, value: impl Param + 'static) {
        self.values.push(Box::new(value));
        self.sql += " AND ";
        self.sql += &condition.replace('?', &format!("${}", self.values.len()));
    }

    pub(super) fn add_if(&mut self, condition: &str, value: Option<impl Param + 'static>) {
        if let Some(value) = value {
            self.add(condition, value);
        }
    }

    /// Adds a condition without a value.
    pub(super) fn only(&mut self, condition: &str) {
        self.sql += " AND ";
        self.sql += condition;
    }

    /// The newest rows of a span, as many as the page has. Never sorts all of them to find those.
    pub(super) async fn page<T>(
        mut self,
        db: &Cluster,
        span: Span,
        paging: Paging,
        read: impl Fn(&Row) -> Result<(T, Cursor), Error>,
    ) -> Result<Page<T>, Error> {
        let (since, until, limit) = (self.values.len() + 1, self.values.len() + 2, self.values.len() + 3);
        for id in self.ids {
            self.sql += &format!(" AND {id} >= ${since} AND {id} < ${until}");
        }
        self.sql += &format!(" ORDER BY {} DESC LIMIT ${limit}", self.ids[0]);
        let snapshot = db.snapshot().await?;
        snapshot.session().in_order().await?;
        let mut found = Vec::new();
        for Span { since, until } in span.stretches(db.shared.env.now()) {
            let (since, until) = (Uuid::from(since), Uuid::from(until));
            let wanted = row::limit(paging.limit + 1 - found.len());
            let mut values = borrowed(&self.values);
            values.extend([&since as &dyn Param, &until, &wanted]);
            for row in snapshot.query(&self.sql, &values).await? {
                found.push(read(&row)?);
            }
            if found.len() > paging.limit {
                break;
            }
        }
        snapshot.end().await?;
        Ok(Page::of(found, paging.limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32, hours: u32) -> Timestamp {
        Timestamp::from_millis(0) + day * DAY + hours * Duration::from_secs(3600)
    }

    /// Where the stretches of a list that begins on day 100 end, in days.
    fn days(since: Option<Timestamp>, until: Option<Timestamp>) -> Vec<i64> {
        let day = i64::try_from(DAY.as_millis()).unwrap();
        let stretches: Vec<Span> = Span::of(since, until, None).stretches(at(100, 7)).collect();
        for pair in stretches.windows(2) {
            assert_eq!(pair[0].since, pair[1].until, "no gap and no overlap");
        }
        stretches.iter().map(|stretch| stretch.since.created_at().as_millis() / day).collect()
    }

    #[test]
    fn a_list_is_looked_for_in_longer_and_longer_stretches_to_its_end() {
        assert_eq!(days(None, None), [100, 99, 93, 70, 0]);
        assert_eq!(days(Some(at(96, 2)), None), [100, 99, 96]);
        assert_eq!(days(Some(at(100, 2)), None), [100]);
        assert_eq!(days(None, Some(at(50, 2))), [50, 49, 43, 20, 0]);
        assert_eq!(days(Some(at(48, 0)), Some(at(50, 0))), [49, 48], "the day that has not begun is not asked");
        assert_eq!(days(None, Some(at(200, 0))), [100, 99, 93, 70, 0], "there is little from the days to come");
        assert!(days(Some(at(60, 0)), Some(at(50, 0))).is_empty());
    }
}
