//! Lists of rows in order of their age, newest first, a page at a time.

use std::time::Duration;

use model::id::DeliveryId;
use model::time::Timestamp;
use tokio_postgres::Row;

use super::columns::{Columns, borrowed};
use super::param::{Param, Uuid};
use super::row;
use super::transaction::ReadTxn;
use crate::Error;
use crate::occurrences::{Kind, ids_of, slot_of};
use crate::search::Cursor;

/// Days that the stretches of a list go back to, before the day it begins on. The rows of a page are mostly in the
/// first; only for rare ones everything is searched. Whole days, as rows are partitioned by them.
const STRETCHES: [u32; 4] = [0, 1, 7, 30];

const DAY: Duration = Duration::from_secs(86_400);

/// The part of a table that a list covers: ids from `since` on and before `until`.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) since: DeliveryId,
    pub(super) until: DeliveryId,
}

impl Span {
    /// The part between two times and after the previous page.
    pub(super) fn of(since: Option<Timestamp>, until: Option<Timestamp>, after: Option<Cursor>) -> Self {
        let ends = [until.map(DeliveryId::first_at), after.map(|cursor| DeliveryId::from_bytes(cursor.0))];
        Self {
            since: since.map_or(DeliveryId::from_bytes([0; 16]), DeliveryId::first_at),
            until: ends.into_iter().flatten().min().unwrap_or(DeliveryId::from_bytes([0xff; 16])),
        }
    }

    /// The span cut into stretches, newest first.
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

/// A query to which conditions are added.
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

    /// The newest rows of a span, at most `most`. Never sorts all rows to find them.
    pub(super) async fn newest<T>(
        mut self,
        search: &ReadTxn,
        span: Span,
        now: Timestamp,
        most: usize,
        read: impl Fn(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let (since, until, limit) = (self.values.len() + 1, self.values.len() + 2, self.values.len() + 3);
        for id in self.ids {
            self.sql += &format!(" AND {id} >= ${since} AND {id} < ${until}");
        }
        self.sql += &format!(" ORDER BY {} DESC LIMIT ${limit}", self.ids[0]);
        let mut found = Vec::new();
        for Span { since, until } in span.stretches(now) {
            let (since, until) = (Uuid::from(since), Uuid::from(until));
            let wanted = row::limit(most - found.len());
            let mut values = borrowed(&self.values);
            values.extend([&since as &dyn Param, &until, &wanted]);
            for row in search.query(&self.sql, &values).await? {
                found.push(read(&row)?);
            }
            if found.len() >= most {
                break;
            }
        }
        Ok(found)
    }

    /// As [`Self::newest`], but reads only the slots in which something occurs.
    pub(super) async fn newest_in<T>(
        mut self,
        search: &ReadTxn,
        occurring: &Occurring,
        span: Span,
        most: usize,
        read: impl Fn(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let (since, until, limit) = (self.values.len() + 1, self.values.len() + 2, self.values.len() + 3);
        for id in self.ids {
            self.sql += &format!(" AND {id} >= s.since AND {id} < s.until");
        }
        let sql = format!(
            "SELECT x.* FROM unnest(${since}, ${until}) AS s (since, until) CROSS JOIN LATERAL (
                 {} ORDER BY {} DESC LIMIT ${limit}) AS x LIMIT ${limit}",
            self.sql, self.ids[0]
        );
        let (mut found, mut before) = (Vec::new(), slot_of(span.until));
        loop {
            let slots = occurring.slots(search, slot_of(span.since), before).await?;
            let Some(last) = slots.last() else { return Ok(found) };
            before = last - 1;
            let within = slots.iter().map(|slot| {
                let (first, end) = ids_of(*slot);
                (Uuid::from(first.max(span.since)), Uuid::from(end.min(span.until)))
            });
            let (since, until): (Vec<_>, Vec<_>) = within.unzip();
            let wanted = row::limit(most - found.len());
            let mut values = borrowed(&self.values);
            values.extend([&since as &dyn Param, &until, &wanted]);
            for row in search.query(&sql, &values).await? {
                found.push(read(&row)?);
            }
            if found.len() >= most {
                return Ok(found);
            }
        }
    }
}

/// A search by occurrences: any of these names.
pub(super) struct Occurring {
    pub(super) txn: Uuid,
    pub(super) kind: Kind,
    pub(super) names: Vec<String>,
}

/// Maximum slots that are read together.
const SLOTS: usize = 64;

impl Occurring {
    pub(super) fn one(txn: impl Into<Uuid>, kind: Kind, name: &str) -> Self {
        Self { txn: txn.into(), kind, names: vec![name.to_owned()] }
    }

    /// All outcomes with `prefix`, except those with another status or status code.
    pub(super) async fn outcomes(
        search: &ReadTxn,
        txn: impl Into<Uuid>,
        kind: Kind,
        prefix: &str,
        status: Option<i16>,
        status_code: Option<u16>,
    ) -> Result<Self, Error> {
        let txn = txn.into();
        let (first, end) = match status {
            Some(status) => (format!("{prefix}{status}:"), format!("{prefix}{status};")),
            None => (format!("{prefix}0"), format!("{prefix}:")),
        };
        // There are few names, and each further one is a seek.
        let sql = "WITH RECURSIVE named AS (
                (SELECT name FROM occurrences WHERE scope = $1 AND kind = $2 AND name >= $3 AND name < $4
                 ORDER BY name LIMIT 1)
                UNION ALL
                SELECT (SELECT o.name FROM occurrences AS o
                        WHERE o.scope = $1 AND o.kind = $2 AND o.name > named.name AND o.name < $4
                        ORDER BY o.name LIMIT 1)
                FROM named WHERE named.name IS NOT NULL)
             SELECT name FROM named WHERE name IS NOT NULL";
        let rows = search.query(sql, &[&txn, &kind.number(), &first, &end]).await?;
        let suffix = status_code.map(|code| format!(":{code:03}")).unwrap_or_default();
        let mut names = rows.iter().map(|row| row::get(row, 0)).collect::<Result<Vec<String>, Error>>()?;
        names.retain(|name| name.ends_with(&suffix));
        Ok(Self { txn, kind, names })
    }

    /// The newest slots between two that have something, newest first.
    async fn slots(&self, search: &ReadTxn, since: i64, until: i64) -> Result<Vec<i64>, Error> {
        let sql = "SELECT o.slot FROM unnest($1) AS wanted (name) CROSS JOIN LATERAL (
                SELECT DISTINCT slot FROM occurrences
                WHERE scope = $2 AND kind = $3 AND name = wanted.name AND slot >= $4 AND slot <= $5
                ORDER BY slot DESC LIMIT $6) AS o";
        let rows = search
            .query(sql, &[&self.names, &self.txn, &self.kind.number(), &since, &until, &row::limit(SLOTS)])
            .await?;
        let mut slots = rows.iter().map(|row| row::get(row, 0)).collect::<Result<Vec<i64>, Error>>()?;
        slots.sort_unstable_by(|one, other| other.cmp(one));
        slots.dedup();
        slots.truncate(SLOTS);
        Ok(slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: u32, hours: u32) -> Timestamp {
        Timestamp::from_millis(0) + day * DAY + hours * Duration::from_secs(3600)
    }

    /// The ends of the stretches of a list that begins on day 100, in days.
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
