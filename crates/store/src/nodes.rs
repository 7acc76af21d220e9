//! Who works on this database and whether they keep up: asked by whoever operates it, never on the road.

use model::time::Timestamp;

/// Pending deliveries that are counted. Where there are more, nobody needs to know how many more.
pub const COUNTED: usize = 100_000;

/// The nodes of one database, as one of them sees it.
#[derive(Clone, Debug)]
pub struct Overview {
    pub kind: Kind,
    /// The id of the node that answers.
    pub node: String,
    pub nodes: Vec<Node>,
    /// Shards of which no node that is heard of has the lease: nothing is delivered for what is in them.
    pub unassigned: usize,
    /// How far the database's clock is ahead of this machine's, in milliseconds.
    pub clock_offset_ms: i64,
    pub lag: Lag,
    pub endpoints: Counts,
}

/// How all endpoints are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub active: usize,
    /// Active ones whose last attempt failed.
    pub failing: usize,
    /// Disabled by us.
    pub disabled: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Sqlite,
    Postgres,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub id: String,
    pub name: String,
    pub version: String,
    pub delivers: bool,
    pub started_at: Timestamp,
    pub seen_at: Timestamp,
    /// It has been heard of within its lease.
    pub alive: bool,
    /// Shards that are its own.
    pub shards: usize,
}

/// What waits to be delivered to active endpoints.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lag {
    /// When the delivery that has been due for longest was due, if one is.
    pub oldest_due_at: Option<Timestamp>,
    /// For how long that is.
    pub late_ms: u64,
    /// Deliveries of all endpoints that are neither delivered nor given up, [`COUNTED`] at most.
    pub pending: usize,
}
