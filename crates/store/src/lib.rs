//! The durable state of Posthaste: SQL behind one set of verbs, the directory in memory, and the feed of committed
//! work.
//!
//! A verb is one transaction. Verbs of accepting and delivering: [`ingest`], [`fan_outs`], [`due`], [`record`]; of
//! lookups: [`search`]; of configuration: [`projects`], [`endpoints`]; of work that outlives a request: [`jobs`],
//! [`outbox`], [`retention`].
//!
//! Three storeys: the [`handle`] with all verbs on top, the two databases below it, and the nouns and rules that both
//! share on the ground. All SQL is in [`sqlite`] and [`postgres`]: two folders behind the same verbs, held to the same
//! conformance suite (`tests/conformance`).

mod actor;
mod backend;
mod clock;
mod commit_sink;
pub mod directory;
pub mod due;
pub mod endpoints;
pub mod error;
pub mod fan_outs;
pub mod feed;
mod filtering;
pub mod handle;
mod health;
pub mod holds;
pub mod ingest;
pub mod inspection;
pub mod jobs;
pub mod journal_damage;
pub mod local_faults;
pub mod nodes;
pub mod notices;
mod occurrences;
pub mod operational;
pub mod outbox;
mod postgres;
pub mod priority;
pub mod private;
pub mod project_dialects;
pub mod projects;
pub mod record;
mod recovery;
pub mod retention;
pub mod retries;
mod rules;
pub mod seal;
pub mod search;
mod settings;
pub mod shard;
pub mod shares;
pub mod slice;
mod sqlite;
pub mod trouble;
pub mod waits;

pub use error::Error;
pub use handle::Store;
