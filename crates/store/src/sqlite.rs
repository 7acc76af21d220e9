//! The SQLite side of every verb: all SQL of an embedded Posthaste is in this folder.

mod batch;
mod checkpoints;
mod committer;
mod crash_recovery;
pub(crate) mod due;
mod embedded;
pub(crate) mod endpoints;
mod filling;
mod format_one;
pub(crate) mod ingest;
pub(crate) mod inspect;
pub(crate) mod jobs;
mod journal;
mod journal_state;
pub(crate) mod keys;
pub(crate) mod lock;
pub(crate) mod mails;
mod open;
pub(crate) mod projects;
mod puts;
pub(crate) mod readers;
pub(crate) mod record;
mod recovery;
pub(crate) mod rekey;
pub(crate) mod retention;
pub(crate) mod retries;
mod row;
mod runner;
mod scan;
pub(crate) mod search;
mod sectors;
pub(crate) mod speech;
mod tables;
pub(crate) mod writer;

pub(crate) use embedded::Embedded;
use open::Database;
