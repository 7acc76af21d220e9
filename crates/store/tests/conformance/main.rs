//! What a store does, whatever database is behind it, told in its own verbs: there is no SQL in here.
//!
//! Which database, `POSTHASTE_TEST_ON` says: `embedded`, as when it is not set, or `postgres`. `harness/place.rs` makes
//! both. What holds for the embedded one alone, because it is about files, stands in `embedded.rs`.

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
