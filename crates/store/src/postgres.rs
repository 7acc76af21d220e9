//! The PostgreSQL side of every verb, for many nodes on one database: all SQL of a cluster is in this folder.

mod attempts;
mod change;
mod claims;
mod clock;
mod cluster;
mod connect;
mod directory;
pub(crate) mod due;
pub(crate) mod endpoints;
mod group;
pub(crate) mod ingest;
pub(crate) mod jobs;
pub(crate) mod keys;
mod lease;
mod list;
pub(crate) mod mails;
mod member;
pub(crate) mod nodes;
mod open;
mod param;
mod partitions;
pub(crate) mod projects;
mod reach;
pub(crate) mod record;
mod recovery;
mod rekey;
pub(crate) mod retention;
pub(crate) mod retries;
mod row;
mod rows;
pub(crate) mod search;
mod session;
pub(crate) mod speech;
mod tls;

pub(crate) use cluster::Cluster;
pub(crate) use connect::check;
