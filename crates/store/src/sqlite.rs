//! The SQLite side of every verb: all SQL of an embedded Posthaste is in this folder.

mod commit;
mod connect;
pub(crate) mod due;
mod embedded;
pub(crate) mod endpoints;
pub(crate) mod fan_outs;
mod health;
pub(crate) mod ingest;
pub(crate) mod inspect;
pub(crate) mod jobs;
mod journal;
pub(crate) mod keys;
pub(crate) mod lock;
pub(crate) mod mails;
mod occurrences;
mod open;
pub(crate) mod projects;
pub(crate) mod readers;
pub(crate) mod record;
mod recovery;
pub(crate) mod rekey;
pub(crate) mod retention;
pub(crate) mod retries;
mod row;
pub(crate) mod search;
pub(crate) mod speech;
pub(crate) mod waits;
mod wal_checkpoint;

pub(crate) use commit::txn::Batch;
pub(crate) use embedded::Embedded;
use open::Database;
