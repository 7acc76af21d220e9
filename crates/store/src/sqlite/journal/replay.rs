//! Replay: brings the journal's groups into the tables.
//!
//! Rows of a table are put there many in a statement and in the order of their keys: SQLite then goes on where it is in
//! an index instead of searching again. A delivery that arrived meanwhile is put there once, as delivered.

use std::sync::LazyLock;

use model::delivery::Status;
use model::map::Map;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};

use super::record::{self, Record, RecordKind, Values};
use super::statements;
use crate::Error;
use crate::sqlite::row;

/// Rows in one statement.
const ROWS: usize = 32;

/// Records of the journal, by the table that they go to.
#[derive(Default)]
pub(crate) struct Replay<'a> {
    events: Vec<Values<'a>>,
    deliveries: Vec<Delivery<'a>>,
    /// Positions in `deliveries`, by id.
    places: Map<[u8; 16], usize>,
    /// Updates of deliveries that are in the tables.
    delivered: Vec<Values<'a>>,
    attempts: Vec<Values<'a>>,
    keys: Vec<Values<'a>>,
    occurrences: Vec<Values<'a>>,
    /// Records of fan-outs, in their order.
    fan_outs: Vec<Record<'a>>,
    /// True if deliveries may be missing that attempts were recorded of.
    after_loss: bool,
}

struct Delivery<'a> {
    id: [u8; 16],
    made: Values<'a>,
    arrived: Option<Values<'a>>,
}

impl<'a> Replay<'a> {
    /// A replay of what is left of a journal that was damaged.
    pub(crate) fn after_loss() -> Self {
        Self { after_loss: true, ..Self::default() }
    }

    /// Adds the statements of a group, or of several. Groups come in their order.
    pub(crate) fn take(&mut self, mut statements: &'a [u8]) -> Result<(), Error> {
        while let Some((Record { put, values }, rest)) = record::first(statements)? {
            match put {
                RecordKind::Event => self.events.push(values),
                RecordKind::Delivery | RecordKind::DeliveryOfTenant => {
                    let id = values.id()?;
                    self.places.insert(id, self.deliveries.len());
                    self.deliveries.push(Delivery { id, made: values, arrived: None });
                }
                RecordKind::Delivered => match self.places.get(&values.id()?) {
                    Some(&place) => self.deliveries[place].arrived = Some(values),
                    None => self.delivered.push(values),
                },
                RecordKind::Attempt => self.attempts.push(values),
                RecordKind::IdempotencyKey => self.keys.push(values),
                RecordKind::Occurrence => self.occurrences.push(values),
                RecordKind::FanOutList
                | RecordKind::FanOut
                | RecordKind::FanOutMoved
                | RecordKind::FanOutEnded
                | RecordKind::FanOutListEnded => {
                    self.fan_outs.push(Record { put, values });
                }
            }
            statements = rest;
        }
        Ok(())
    }

    /// Runs all statements, in the transaction that is open on `db`.
    pub(crate) fn run(mut self, db: &Connection) -> Result<(), Error> {
        static EVENTS: LazyLock<Rows> = LazyLock::new(|| Rows::of(RecordKind::Event.sql()));
        static DELIVERIES: LazyLock<Rows> = LazyLock::new(|| Rows::of(statements::WHOLE_DELIVERY));
        static ATTEMPTS: LazyLock<Rows> = LazyLock::new(|| Rows::of(RecordKind::Attempt.sql()));
        static KEYS: LazyLock<Rows> = LazyLock::new(|| Rows::of(RecordKind::IdempotencyKey.sql()));
        static OCCURRENCES: LazyLock<Rows> = LazyLock::new(|| Rows::of(RecordKind::Occurrence.sql()));
        self.deliveries.sort_unstable_by_key(|delivery| delivery.id);
        self.attempts.sort_by_cached_key(|attempt| attempt.id().unwrap_or_default());

        EVENTS.run(db, &self.events, |event, places| event.each(|value| places.bind(value)))?;
        DELIVERIES.run(db, &self.deliveries, Delivery::bind)?;
        for delivered in &self.delivered {
            run_one(db, RecordKind::Delivered, delivered)?;
        }
        if self.after_loss {
            self.drop_orphans(db)?;
        }
        ATTEMPTS.run(db, &self.attempts, |attempt, places| attempt.each(|value| places.bind(value)))?;
        KEYS.run(db, &self.keys, |key, places| key.each(|value| places.bind(value)))?;
        OCCURRENCES.run(db, &self.occurrences, |one, places| one.each(|value| places.bind(value)))?;
        self.fan_outs.iter().try_for_each(|Record { put, values }| run_one(db, *put, values))
    }
}

impl Replay<'_> {
    /// Drops the attempts of deliveries that are not there.
    fn drop_orphans(&mut self, db: &Connection) -> Result<(), Error> {
        let mut is_there = db.prepare("SELECT 1 FROM deliveries WHERE id = ?")?;
        for attempt in std::mem::take(&mut self.attempts) {
            if is_there.exists([attempt.id()?])? {
                self.attempts.push(attempt);
            }
        }
        Ok(())
    }
}

fn run_one(db: &Connection, put: RecordKind, values: &Values<'_>) -> Result<(), Error> {
    let mut statement = db.prepare_cached(put.sql())?;
    let mut places = Places::of(&mut statement);
    values.each(|value| places.bind(value))?;
    statement.raw_execute()?;
    Ok(())
}

impl Delivery<'_> {
    /// Binds the values of [`statements::WHOLE_DELIVERY`].
    fn bind(&self, places: &mut Places<'_, '_>) -> Result<(), Error> {
        let (made, tenant) = self.made.all_and_one_more()?;
        let [id, project, endpoint, event, manual, place, next_attempt_at, note] = made;
        let fixed = [id, project, endpoint, event, manual, note];
        fixed.into_iter().try_for_each(|value| places.bind(value))?;
        let status = if self.arrived.is_some() { Status::Delivered } else { Status::Pending };
        places.bind(ValueRef::Integer(row::status_number(status)))?;
        let [attempts, place, next_attempt_at, status_code] = match &self.arrived {
            None => [ValueRef::Integer(0), place, next_attempt_at, ValueRef::Null],
            Some(arrived) => {
                let [_, moved @ ..] = arrived.all::<5>()?;
                moved
            }
        };
        [attempts, place, next_attempt_at, status_code, tenant].into_iter().try_for_each(|value| places.bind(value))
    }
}

/// A statement that puts one row into a table, and the same for [`ROWS`] of them.
struct Rows {
    one: String,
    many: String,
}

impl Rows {
    /// Makes both from a statement with one list of values. The long one rolls everything back if it fails, which
    /// spares SQLite from keeping what undoes this statement alone.
    fn of(sql: &str) -> Self {
        let (table, rest) = sql.split_once("VALUES ").expect("it puts values");
        let (row, rest) = rest.split_once(')').expect("the values end");
        let all = vec![format!("{row})"); ROWS].join(", ");
        let many = format!("{table}VALUES {all}{rest}").replacen("INSERT", "INSERT OR ROLLBACK", 1);
        Self { one: sql.to_owned(), many }
    }

    fn run<T>(
        &self,
        db: &Connection,
        rows: &[T],
        bind: impl Fn(&T, &mut Places<'_, '_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (many, rest) = rows.as_chunks::<ROWS>();
        let statements =
            many.iter().map(|rows| (&self.many, &rows[..])).chain(rest.chunks(1).map(|row| (&self.one, row)));
        for (sql, rows) in statements {
            let mut statement = db.prepare_cached(sql)?;
            let mut places = Places::of(&mut statement);
            rows.iter().try_for_each(|row| bind(row, &mut places))?;
            statement.raw_execute()?;
        }
        Ok(())
    }
}

/// The parameters of a statement, bound one after the other.
struct Places<'a, 'db> {
    statement: &'a mut Statement<'db>,
    last: usize,
}

impl<'a, 'db> Places<'a, 'db> {
    fn of(statement: &'a mut Statement<'db>) -> Self {
        Self { statement, last: 0 }
    }

    fn bind(&mut self, value: ValueRef<'_>) -> Result<(), Error> {
        self.last += 1;
        // A parameter that is not bound is NULL: rusqlite clears a statement before it is taken again.
        if value != ValueRef::Null {
            self.statement.raw_bind_parameter(self.last, ToSqlOutput::Borrowed(value))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;

    const MANY: i64 = ROWS as i64;

    fn events(first: i64, tenant: Option<&str>) -> Vec<u8> {
        let mut bytes = Vec::new();
        for seq in first..first + MANY {
            let none = None::<&str>;
            let id = format!("evt_{seq}");
            let values =
                params![seq, [1u8; 16], id, "a.b", tenant, "{}", none, none, none, 1, 2, none, none, 0, none, false];
            RecordKind::Event.encode(values, &mut bytes).unwrap();
        }
        bytes
    }

    #[test]
    fn a_row_has_nothing_of_the_row_that_was_in_its_place_before() {
        let db = Connection::open_in_memory().unwrap();
        let migrations =
            [include_str!("../migrations/V1__the_road.sql"), include_str!("../migrations/V2__dialects.sql")];
        migrations.iter().for_each(|migration| db.execute_batch(migration).unwrap());
        db.execute_batch(include_str!("../migrations/V7__search.sql")).unwrap();
        for bytes in [events(0, Some("acme")), events(MANY, None)] {
            let mut replay = Replay::default();
            replay.take(&bytes).unwrap();
            replay.run(&db).unwrap();
        }

        let of_tenants: Vec<i64> = db
            .prepare("SELECT seq FROM events WHERE tenant IS NOT NULL ORDER BY seq")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();

        assert_eq!(of_tenants, (0..MANY).collect::<Vec<_>>());
    }
}
