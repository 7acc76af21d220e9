//! Identifiers: time-ordered, prefixed by what they name, safe in URLs and logs.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::env::Env;
use crate::time::Timestamp;

/// 48 bits of milliseconds, then 80 random ones: sorts by age in SQL, as bytes and as text.
type Raw = [u8; 16];

fn time_ordered(now: Timestamp, env: &dyn Env) -> Raw {
    let mut raw = [0; 16];
    env.fill(&mut raw[6..]);
    raw[..6].copy_from_slice(&now.as_millis().to_be_bytes()[2..]);
    raw
}

/// Crockford's base 32 in lower case: keeps the order of the bytes, has no letters that look like digits.
const ALPHABET: &str = "0123456789abcdefghjkmnpqrstvwxyz";

fn base32() -> data_encoding::Encoding {
    let mut spec = data_encoding::Specification::new();
    spec.symbols.push_str(ALPHABET);
    spec.encoding().expect("the alphabet has 32 distinct symbols")
}

/// The [`BASE32`] form of sixteen bytes, in a tenth of the time: every event has ids made for it.
fn symbols(raw: Raw) -> [u8; SYMBOLS] {
    let bits = u128::from_be_bytes(raw);
    std::array::from_fn(|at| {
        // The last symbol has three bits and two zeros behind them.
        let five = match 123_u32.checked_sub(5 * at as u32) {
            Some(shift) => bits >> shift,
            None => bits << 2,
        };
        ALPHABET.as_bytes()[(five & 31) as usize]
    })
}

/// Symbols that sixteen bytes take, five bits each.
const SYMBOLS: usize = 26;

static BASE32: std::sync::LazyLock<data_encoding::Encoding> = std::sync::LazyLock::new(base32);

/// Text that is not an identifier of the kind asked for.
#[derive(Debug, thiserror::Error)]
#[error("not an id of this kind: it starts with {prefix:?}")]
pub struct NotAnId {
    prefix: &'static str,
}

/// The kind of thing that an identifier names, and so its prefix.
pub trait Kind {
    const PREFIX: &'static str;
}

/// An identifier of one kind: sixteen bytes in the database, prefix and base 32 everywhere else.
pub struct Id<K> {
    raw: Raw,
    kind: std::marker::PhantomData<fn() -> K>,
}

impl<K: Kind> Id<K> {
    pub fn new(env: &dyn Env) -> Self {
        Self::from_bytes(time_ordered(env.now(), env))
    }

    pub const fn from_bytes(raw: Raw) -> Self {
        Self { raw, kind: std::marker::PhantomData }
    }

    pub const fn as_bytes(&self) -> &Raw {
        &self.raw
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Id<K> {}

impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.raw == other.raw
    }
}

impl<K> Eq for Id<K> {}

impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.raw.cmp(&other.raw)
    }
}

impl<K> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.raw.hash(state);
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Ids stand in the bodies and headers of deliveries, so printing one allocates nothing.
        let symbols = symbols(self.raw);
        f.write_str(K::PREFIX)?;
        f.write_str(std::str::from_utf8(&symbols).map_err(|_| fmt::Error)?)
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = NotAnId { prefix: K::PREFIX };
        let Some(symbols) = text.strip_prefix(K::PREFIX) else { return Err(wrong) };
        match BASE32.decode(symbols.as_bytes()).map(Raw::try_from) {
            Ok(Ok(raw)) => Ok(Self::from_bytes(raw)),
            _ => Err(wrong),
        }
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The kinds. They have no values.
pub mod kind {
    use super::Kind;

    pub enum Project {}
    pub enum Endpoint {}
    pub enum Key {}
    pub enum Job {}
    pub enum Mail {}
    pub enum Session {}

    impl Kind for Project {
        const PREFIX: &'static str = "prj_";
    }
    impl Kind for Endpoint {
        const PREFIX: &'static str = "ep_";
    }
    impl Kind for Key {
        const PREFIX: &'static str = "key_";
    }
    impl Kind for Job {
        const PREFIX: &'static str = "job_";
    }
    impl Kind for Mail {
        const PREFIX: &'static str = "mail_";
    }
    impl Kind for Session {
        const PREFIX: &'static str = "ses_";
    }
}

pub type ProjectId = Id<kind::Project>;
pub type EndpointId = Id<kind::Endpoint>;
pub type KeyId = Id<kind::Key>;
pub type JobId = Id<kind::Job>;
pub type MailId = Id<kind::Mail>;
/// A session of somebody who has signed in to pages.
pub type SessionId = Id<kind::Session>;

/// A plain UUID of version 7: receivers and log tools know the form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeliveryId(uuid::Uuid);

impl DeliveryId {
    pub fn new(env: &dyn Env) -> Self {
        let mut raw = time_ordered(env.now(), env);
        // Room to count upwards in: see `after`. The random part has 61 bits left beside the 12 before it.
        raw[8] &= 0b0001_1111;
        Self(
            uuid::Builder::from_bytes(raw)
                .with_version(uuid::Version::SortRand)
                .with_variant(uuid::Variant::RFC4122)
                .into_uuid(),
        )
    }

    /// A new one that sorts after `last`, also within a millisecond and when the clock went back.
    pub fn after(last: Option<Self>, env: &dyn Env) -> Self {
        let fresh = Self::new(env);
        match last {
            Some(last) if fresh <= last => Self(uuid::Uuid::from_u128(last.0.as_u128() + 1)),
            _ => fresh,
        }
    }

    pub const fn from_bytes(raw: [u8; 16]) -> Self {
        Self(uuid::Uuid::from_bytes(raw))
    }

    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The millisecond it was made in, which is the delivery's `created_at`.
    pub fn created_at(&self) -> Timestamp {
        let mut millis = [0; 8];
        millis[2..].copy_from_slice(&self.0.as_bytes()[..6]);
        Timestamp::from_millis(i64::from_be_bytes(millis))
    }

    /// The smallest id that could be made at `at`: where a listing from that time on begins.
    pub fn first_at(at: Timestamp) -> Self {
        let mut raw = [0; 16];
        raw[..6].copy_from_slice(&at.as_millis().max(0).to_be_bytes()[2..]);
        Self::from_bytes(raw)
    }
}

impl fmt::Display for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for DeliveryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for DeliveryId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        text.parse().map(Self)
    }
}

/// An event's id: ours (`evt_…`) or the caller's own, `[A-Za-z0-9_-]{1,64}`. Receivers see it as `webhook-id`.
/// Never a full stop in it: the signed content is joined by them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct EventId(Arc<str>);

/// An event id with other characters than are allowed.
#[derive(Debug, thiserror::Error)]
#[error("an event id has 1 to 64 letters, digits, hyphens or underscores")]
pub struct NotAnEventId;

impl EventId {
    const PREFIX: &str = "evt_";

    pub fn new(env: &dyn Env) -> Self {
        let mut text = [0; Self::PREFIX.len() + SYMBOLS];
        let (prefix, id) = text.split_at_mut(Self::PREFIX.len());
        prefix.copy_from_slice(Self::PREFIX.as_bytes());
        id.copy_from_slice(&symbols(time_ordered(env.now(), env)));
        Self(std::str::from_utf8(&text).expect("all of it is ASCII").into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for EventId {
    type Err = NotAnEventId;

    fn from_str(text: &str) -> Result<Self, NotAnEventId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(NotAnEventId)
        }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Sleep;
    use std::time::Duration;

    struct At(i64);

    impl Env for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(self.0)
        }
        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
        fn sleep(&self, _: Duration) -> Sleep {
            Box::pin(std::future::ready(()))
        }
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0xff);
        }
    }

    #[test]
    fn ids_are_written_as_base_32_has_them() {
        let ascending: Raw = std::array::from_fn(|at| 17 * at as u8);
        for raw in [[0; 16], [0xff; 16], ascending, 1_u128.to_be_bytes()] {
            assert_eq!(str::from_utf8(&symbols(raw)), Ok(&*BASE32.encode(&raw)));
        }
    }

    #[test]
    fn ids_sort_by_age_as_text_too() {
        let (older, newer) = (EndpointId::new(&At(1_000)), EndpointId::new(&At(2_000)));
        assert!(older < newer && older.to_string() < newer.to_string());
        assert_eq!(older.to_string().parse::<EndpointId>().unwrap(), older);
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let project = ProjectId::new(&At(1_000)).to_string();
        assert!(project.parse::<EndpointId>().is_err());
        assert!("ep_".parse::<EndpointId>().is_err());
        assert!("ep_ünïcode".parse::<EndpointId>().is_err());
    }

    #[test]
    fn a_delivery_id_is_a_version_7_uuid_that_tells_its_age() {
        let id = DeliveryId::new(&At(1_769_851_800_120));
        assert_eq!(&id.to_string()[14..15], "7");
        assert!(["8", "9"].contains(&&id.to_string()[19..20]), "{id} is of the variant of RFC 9562");
        assert_eq!(id.created_at(), Timestamp::from_millis(1_769_851_800_120));
        assert!(DeliveryId::first_at(id.created_at()) < id);
    }

    #[test]
    fn an_event_id_never_holds_a_full_stop() {
        assert!("order-7_a".parse::<EventId>().is_ok());
        for text in ["", "a.b", "a b", "ä", &"x".repeat(65)] {
            assert!(text.parse::<EventId>().is_err(), "{text}");
        }
    }
}
