//! What may be put into the journal first: rows that need nothing read, as statements with their values.

use std::collections::HashMap;
use std::ops::{Range, RangeInclusive};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, ToSql};

use super::{ingest, record};
use crate::Error;

/// A statement, by the number that the journal has for it. What a number means stays, whatever comes: a journal that a
/// crash left is read by the version that starts next.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Put {
    Event = 1,
    Delivery = 2,
    Attempt = 3,
    Delivered = 4,
    IdempotencyKey = 5,
}

impl Put {
    fn of(number: u8) -> Option<Self> {
        let all = [Self::Event, Self::Delivery, Self::Attempt, Self::Delivered, Self::IdempotencyKey];
        all.into_iter().find(|put| *put as u8 == number)
    }

    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Event => ingest::PUT_EVENT,
            Self::Delivery => ingest::PUT_DELIVERY,
            Self::Attempt => record::PUT_ATTEMPT,
            Self::Delivered => record::PUT_DELIVERED,
            Self::IdempotencyKey => ingest::PUT_KEY,
        }
    }

    /// Whether it is a mistake to put the same row a second time. In the journal it is passed over: whoever put it was
    /// answered.
    pub(crate) fn must_be_new(self) -> bool {
        matches!(self, Self::Attempt)
    }

    /// Writes the statement and its values behind what is in `bytes`.
    pub(crate) fn encode(self, values: &[&dyn ToSql], bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.push(self as u8);
        values.iter().try_for_each(|value| encode(&value.to_sql()?, bytes))
    }
}

/// Runs statements out of the journal's bytes. A delivery is held back until it arrives, because then it is put into the
/// tables once instead of twice.
#[derive(Default)]
pub(crate) struct Runner {
    /// Where the values of those that are held back begin, by their ids.
    held: HashMap<[u8; 16], usize>,
}

impl Runner {
    /// Runs the statements at `range` of `bytes`, in their order.
    pub(crate) fn run(&mut self, db: &Connection, bytes: &[u8], range: Range<usize>) -> Result<(), Error> {
        let all = &bytes[..range.end];
        let mut at = range.start;
        while let Some(number) = all.get(at) {
            let put = Put::of(*number).ok_or_else(|| unreadable(&format!("a statement {number}")))?;
            let values = &all[at + 1..];
            let rest = match put {
                Put::Delivery => self.hold(at + 1, values)?,
                Put::Delivered => self.deliver(db, all, values)?,
                Put::Event | Put::Attempt | Put::IdempotencyKey => run(db, put.sql(), values)?,
            };
            at = all.len() - rest.len();
        }
        Ok(())
    }

    /// Runs what was held back.
    pub(crate) fn finish(&mut self, db: &Connection, bytes: &[u8]) -> Result<(), Error> {
        let mut held: Vec<usize> = self.held.drain().map(|(_, at)| at).collect();
        held.sort_unstable();
        held.into_iter().try_for_each(|at| run(db, Put::Delivery.sql(), &bytes[at..]).map(|_| ()))
    }

    fn hold<'a>(&mut self, at: usize, values: &'a [u8]) -> Result<&'a [u8], Error> {
        self.held.insert(id(values)?, at);
        (0..ingest::DELIVERY_VALUES).try_fold(values, |rest, _| Ok(decode(rest)?.1))
    }

    fn deliver<'a>(&mut self, db: &Connection, bytes: &[u8], values: &'a [u8]) -> Result<&'a [u8], Error> {
        let Some(at) = self.held.remove(&id(values)?) else { return run(db, Put::Delivered.sql(), values) };
        let mut statement = db.prepare_cached(record::PUT_ARRIVED)?;
        let last = statement.parameter_count();
        bind(&mut statement, 1..=ingest::DELIVERY_VALUES, &bytes[at..])?;
        let rest = bind(&mut statement, ingest::DELIVERY_VALUES + 1..=last, values)?;
        statement.raw_execute()?;
        Ok(rest)
    }
}

/// Runs a statement with the first of `values` and answers what is behind them.
fn run<'a>(db: &Connection, sql: &str, values: &'a [u8]) -> Result<&'a [u8], Error> {
    let mut statement = db.prepare_cached(sql)?;
    let last = statement.parameter_count();
    let rest = bind(&mut statement, 1..=last, values)?;
    statement.raw_execute()?;
    Ok(rest)
}

/// Binds the first of `values` to `places` and answers what is behind them.
fn bind<'a>(
    statement: &mut Statement<'_>,
    mut places: RangeInclusive<usize>,
    values: &'a [u8],
) -> Result<&'a [u8], Error> {
    places.try_fold(values, |values, place| {
        let (value, rest) = decode(values)?;
        statement.raw_bind_parameter(place, ToSqlOutput::Borrowed(value))?;
        Ok(rest)
    })
}

/// The id of a delivery, the first of its values.
fn id(values: &[u8]) -> Result<[u8; 16], Error> {
    match decode(values)?.0 {
        ValueRef::Blob(id) => id.try_into().map_err(|_| unreadable("an id of another length")),
        _ => Err(unreadable("a delivery without an id")),
    }
}

fn unreadable(what: &str) -> Error {
    Error::Corrupt(format!("{what} in the journal; was it written by a newer version?"))
}

/// What stands before a value. Numbers have 8 bytes; the others say how many they have, in 4. Little end first.
mod tag {
    pub(super) const NULL: u8 = 0;
    pub(super) const INTEGER: u8 = 1;
    pub(super) const REAL: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const BLOB: u8 = 4;
}

fn encode(value: &ToSqlOutput<'_>, bytes: &mut Vec<u8>) -> Result<(), Error> {
    let value = match value {
        ToSqlOutput::Borrowed(value) => *value,
        ToSqlOutput::Owned(value) => ValueRef::from(value),
        _ => return Err(Error::Corrupt("the journal cannot hold such a value".to_owned())),
    };
    match value {
        ValueRef::Null => bytes.push(tag::NULL),
        ValueRef::Integer(number) => {
            bytes.push(tag::INTEGER);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        ValueRef::Real(number) => {
            bytes.push(tag::REAL);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        ValueRef::Text(text) => encode_long(tag::TEXT, text, bytes)?,
        ValueRef::Blob(blob) => encode_long(tag::BLOB, blob, bytes)?,
    }
    Ok(())
}

fn encode_long(tag: u8, value: &[u8], bytes: &mut Vec<u8>) -> Result<(), Error> {
    let length = u32::try_from(value.len()).map_err(|_| Error::Corrupt("a value of 4 GB".to_owned()))?;
    bytes.push(tag);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(value);
    Ok(())
}

/// The first value, and what is behind it.
fn decode(bytes: &[u8]) -> Result<(ValueRef<'_>, &[u8]), Error> {
    decoded(bytes).ok_or_else(|| unreadable("a value that is cut off"))
}

fn decoded(bytes: &[u8]) -> Option<(ValueRef<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    match *tag {
        tag::NULL => Some((ValueRef::Null, rest)),
        tag::INTEGER => {
            let (number, rest) = rest.split_first_chunk()?;
            Some((ValueRef::Integer(i64::from_le_bytes(*number)), rest))
        }
        tag::REAL => {
            let (number, rest) = rest.split_first_chunk()?;
            Some((ValueRef::Real(f64::from_le_bytes(*number)), rest))
        }
        tag::TEXT => decode_long(rest).map(|(text, rest)| (ValueRef::Text(text), rest)),
        tag::BLOB => decode_long(rest).map(|(blob, rest)| (ValueRef::Blob(blob), rest)),
        _ => None,
    }
}

fn decode_long(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use rusqlite::params;

    use super::*;

    fn refused(bytes: &[u8]) -> String {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE idempotency (project, key, event, fingerprint)").unwrap();
        Runner::default().run(&db, bytes, 0..bytes.len()).unwrap_err().to_string()
    }

    #[test]
    fn what_this_version_does_not_know_is_refused_and_said() {
        assert_eq!(
            refused(&[99]),
            "the database holds what it should not: a statement 99 in the journal; was it written by a newer version?"
        );
    }

    #[test]
    fn a_statement_that_is_cut_off_anywhere_is_refused() {
        let mut bytes = Vec::new();
        Put::IdempotencyKey.encode(params![[1u8; 16], "key", 7, None::<Vec<u8>>], &mut bytes).unwrap();
        for end in 1..bytes.len() {
            assert!(refused(&bytes[..end]).contains("cut off"), "after {end} bytes");
        }
    }
}
