//! Statement parameters: each knows its own type, so a statement takes one round trip.

use std::error::Error;

use bytes::BytesMut;
use model::id::{DeliveryId, Id, Kind};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A value in a statement.
pub(super) trait Param: Send + Sync {
    fn value(&self) -> &(dyn ToSql + Sync);
    fn kind(&self) -> Type;
}

/// An id of any kind, as a `uuid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Uuid(pub(super) [u8; 16]);

impl<K: Kind> From<Id<K>> for Uuid {
    fn from(id: Id<K>) -> Self {
        Self(*id.as_bytes())
    }
}

impl From<DeliveryId> for Uuid {
    fn from(id: DeliveryId) -> Self {
        Self(*id.as_bytes())
    }
}

impl<K: Kind> From<Uuid> for Id<K> {
    fn from(uuid: Uuid) -> Self {
        Self::from_bytes(uuid.0)
    }
}

impl From<Uuid> for DeliveryId {
    fn from(uuid: Uuid) -> Self {
        Self::from_bytes(uuid.0)
    }
}

impl ToSql for Uuid {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Uuid {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }
}

/// Implements [`Param`] for a type, alone and in lists, with and without nulls.
macro_rules! params {
    ($($rust:ty: $one:ident, $many:ident;)*) => {$(
        params!(@ $rust: $one);
        params!(@ Option<$rust>: $one);
        params!(@ Vec<$rust>: $many);
        params!(@ Vec<Option<$rust>>: $many);
    )*};
    (@ $rust:ty: $kind:ident) => {
        impl Param for $rust {
            fn value(&self) -> &(dyn ToSql + Sync) {
                self
            }

            fn kind(&self) -> Type {
                Type::$kind
            }
        }
    };
}

params! {
    Uuid: UUID, UUID_ARRAY;
    bool: BOOL, BOOL_ARRAY;
    i16: INT2, INT2_ARRAY;
    i32: INT4, INT4_ARRAY;
    i64: INT8, INT8_ARRAY;
    &str: TEXT, TEXT_ARRAY;
    String: TEXT, TEXT_ARRAY;
    &[u8]: BYTEA, BYTEA_ARRAY;
    Vec<u8>: BYTEA, BYTEA_ARRAY;
}
