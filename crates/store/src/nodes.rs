//! The nodes that work on this database, and whether they keep up: read by operators, never while delivering.

use model::time::Timestamp;

/// Maximum pending deliveries that are counted: beyond that nobody needs the exact number.
pub const COUNTED: usize = 100_000;

/// The nodes of one database, as one of them sees it.
#[derive(Clone, Debug)]
pub struct Overview {
    pub kind: Kind,
    /// The id of the node that answers.
    pub node: String,
    pub nodes: Vec<Node>,
    /// Shards without a lease of a node that is heard from: nothing in them is delivered.
    pub unassigned: usize,
    /// Milliseconds by which the database's clock is ahead of this machine's.
    pub clock_offset_ms: i64,
    pub lag: Lag,
    pub endpoints: Counts,
}

/// Numbers of endpoints, by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub active: usize,
    /// Active endpoints whose last attempt failed.
    pub failing: usize,
    /// Endpoints disabled by us.
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
    /// True if the node was heard from within its lease.
    pub alive: bool,
    /// Shards that the node holds.
    pub shards: usize,
}

/// The delivery backlog.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lag {
    /// Due time of the delivery to an active endpoint that has been due for longest, if one is due.
    pub oldest_due_at: Option<Timestamp>,
    /// Milliseconds since then.
    pub late_ms: u64,
    /// Deliveries of all endpoints that are neither delivered nor given up, at most [`COUNTED`].
    pub pending: usize,
}
