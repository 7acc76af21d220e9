//! Records of the journal: rows that can be put without reading anything, as statements with their values.

use rusqlite::ToSql;
use rusqlite::types::{ToSqlOutput, ValueRef};

use super::statements;
use crate::Error;

/// A statement, by the number that the journal has for it. The meaning of a number never changes: a journal that a
/// crash left is read by the version that starts next.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum RecordKind {
    Event = 1,
    Delivery = 2,
    Attempt = 3,
    Delivered = 4,
    IdempotencyKey = 5,
    FanOutList = 6,
    FanOut = 7,
    FanOutMoved = 8,
    FanOutEnded = 9,
    FanOutListEnded = 10,
    DeliveryOfTenant = 20,
    Occurrence = 21,
}

impl RecordKind {
    const ALL: [Self; 12] = [
        Self::Event,
        Self::Delivery,
        Self::Attempt,
        Self::Delivered,
        Self::IdempotencyKey,
        Self::FanOutList,
        Self::FanOut,
        Self::FanOutMoved,
        Self::FanOutEnded,
        Self::FanOutListEnded,
        Self::DeliveryOfTenant,
        Self::Occurrence,
    ];

    fn of(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|put| *put as u8 == number)
    }

    /// Number of values of the statement.
    fn values(self) -> usize {
        match self {
            Self::Event => 16,
            Self::Delivery => 8,
            Self::Attempt => 15,
            Self::Delivered => 5,
            Self::IdempotencyKey | Self::Occurrence => 4,
            Self::DeliveryOfTenant => 9,
            Self::FanOut => 3,
            Self::FanOutList | Self::FanOutMoved => 2,
            Self::FanOutEnded | Self::FanOutListEnded => 1,
        }
    }

    pub(crate) fn sql(self) -> &'static str {
        match self {
            Self::Event => statements::EVENT,
            Self::Delivery => statements::DELIVERY,
            Self::Attempt => statements::ATTEMPT,
            Self::Delivered => statements::DELIVERED,
            Self::IdempotencyKey => statements::IDEMPOTENCY_KEY,
            Self::DeliveryOfTenant => statements::DELIVERY_OF_TENANT,
            Self::Occurrence => statements::OCCURRENCE,
            Self::FanOutList => statements::FAN_OUT_LIST,
            Self::FanOut => statements::FAN_OUT,
            Self::FanOutMoved => statements::FAN_OUT_MOVED,
            Self::FanOutEnded => statements::FAN_OUT_ENDED,
            Self::FanOutListEnded => statements::FAN_OUT_LIST_ENDED,
        }
    }

    /// True if it is an error to put the same row a second time. In the journal the second one is passed over: its
    /// caller was answered.
    pub(crate) fn must_be_new(self) -> bool {
        matches!(self, Self::Attempt)
    }

    /// Appends the statement and its values to `bytes`.
    pub(crate) fn encode(self, values: &[&dyn ToSql], bytes: &mut Vec<u8>) -> Result<(), Error> {
        bytes.push(self as u8);
        values.iter().try_for_each(|value| encode(&value.to_sql()?, bytes))
    }
}

/// A statement with its values, as it stands in the journal.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) put: RecordKind,
    pub(crate) values: Values<'a>,
}

/// The first of the statements in `bytes`, and the bytes after it.
pub(crate) fn first(bytes: &[u8]) -> Result<Option<(Record<'_>, &[u8])>, Error> {
    let Some((number, bytes)) = bytes.split_first() else { return Ok(None) };
    let put = RecordKind::of(*number).ok_or_else(|| unreadable(&format!("a statement {number}")))?;
    let rest = (0..put.values()).try_fold(bytes, |rest, _| Ok::<_, Error>(decode(rest)?.1))?;
    let values = Values(&bytes[..bytes.len() - rest.len()]);
    Ok(Some((Record { put, values }, rest)))
}

/// Values of a statement, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    pub(crate) fn each(&self, mut take: impl FnMut(ValueRef<'a>) -> Result<(), Error>) -> Result<(), Error> {
        let mut rest = self.0;
        while !rest.is_empty() {
            let (value, behind) = decode(rest)?;
            take(value)?;
            rest = behind;
        }
        Ok(())
    }

    /// All of them, of which there are `N`.
    pub(crate) fn all<const N: usize>(&self) -> Result<[ValueRef<'a>; N], Error> {
        let mut all = [ValueRef::Null; N];
        let mut places = all.iter_mut();
        self.each(|value| {
            *places.next().ok_or_else(|| unreadable("a value too many"))? = value;
            Ok(())
        })?;
        Ok(all)
    }

    /// All of them, of which there are `N`, or `N` and one more. The additional one is NULL if it is not there.
    pub(crate) fn all_and_one_more<const N: usize>(&self) -> Result<([ValueRef<'a>; N], ValueRef<'a>), Error> {
        let (mut all, mut more, mut at) = ([ValueRef::Null; N], ValueRef::Null, 0);
        self.each(|value| {
            match all.get_mut(at) {
                Some(place) => *place = value,
                None if at == N => more = value,
                None => return Err(unreadable("a value too many")),
            }
            at += 1;
            Ok(())
        })?;
        Ok((all, more))
    }

    /// The id of a delivery, if it is the first value.
    pub(crate) fn id(&self) -> Result<[u8; 16], Error> {
        match decode(self.0)?.0 {
            ValueRef::Blob(id) => id.try_into().map_err(|_| unreadable("an id of another length")),
            _ => Err(unreadable("a delivery without an id")),
        }
    }
}

fn unreadable(what: &str) -> Error {
    Error::Corrupt(format!("{what} in the journal; was it written by a newer version?"))
}

/// The byte before a value. Numbers have 8 bytes; the others begin with their length, in 4. Little-endian.
mod tag {
    pub(crate) const NULL: u8 = 0;
    pub(crate) const INTEGER: u8 = 1;
    pub(crate) const REAL: u8 = 2;
    pub(crate) const TEXT: u8 = 3;
    pub(crate) const BLOB: u8 = 4;
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

/// The first value, and the bytes after it.
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
        first(bytes).map(|_| ()).unwrap_err().to_string()
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
        RecordKind::IdempotencyKey.encode(params![[1u8; 16], "key", 7, None::<Vec<u8>>], &mut bytes).unwrap();
        for end in 1..bytes.len() {
            assert!(refused(&bytes[..end]).contains("cut off"), "after {end} bytes");
        }
    }
}
