//! What a store does, whatever database is behind it, told in its own verbs: there is no SQL in here.
//!
//! Another database runs the same suite with one more constructor in `harness/place.rs`. What holds for the embedded
//! database alone, because it is about files, stands in `embedded.rs`.

#![allow(clippy::unwrap_used, reason = "what a test cannot get has failed it, and the line says where")]

mod commit;
mod due;
mod durability;
mod embedded;
mod endpoints;
mod feed;
mod filters;
mod harness;
mod health;
mod ingest;
mod jobs;
mod mails;
mod matching;
mod operational;
mod projects;
mod record;
mod retention;
mod retries;
mod search;
mod speech;
