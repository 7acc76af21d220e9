//! Conformance of the store on every database, in its own verbs: there is no SQL in here.
//!
//! `POSTHASTE_TEST_ON` names the database: `embedded`, as when it is not set, or `postgres`. `harness/place.rs` makes
//! both. Rules of the embedded one alone, because they are about files, are in `embedded.rs`.

#![allow(clippy::unwrap_used, reason = "what a test cannot get has failed it, and the line says where")]

mod actors;
mod commit;
mod crash;
mod doubt;
mod due;
mod durability;
mod embedded;
mod endpoints;
mod fan_outs;
mod feed;
mod filters;
mod harness;
mod health;
mod ingest;
mod jobs;
mod journal;
mod journal_damage;
mod leases;
mod mails;
mod matching;
mod missed;
mod nodes;
mod operational;
mod projects;
mod record;
mod retention;
mod retries;
mod search;
mod speech;
mod waits;
