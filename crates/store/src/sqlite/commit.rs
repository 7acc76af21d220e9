//! The group commit: one thread writes, and whoever has something to commit waits for it.
//!
//! ```text
//! a verb ─ Work::Verb ─► thread: a group of them
//!                          │ committer: each runs against a WriteTxn
//!                          ├─► tables   BEGIN … COMMIT, when few come
//!                          └─► journal  one write and one sync, when many do
//!                                │ 1 MB, or quiet
//!                                └─ start_flush ─► the flush thread ─ poll_flush ─► committer
//! the verb ◄─ reply ─ thread, when it is on disk
//! ```
//!
//! `verb.rs` is what is handed in, `writer.rs` where, `thread.rs` what goes into the next commit and when it is made,
//! `committer.rs` the commit, `txn.rs` what a verb may do in it, and `flush.rs` who has the tables.

mod aside;
pub(crate) mod committer;
pub(crate) mod flush;
pub(crate) mod project_queues;
mod thread;
pub(crate) mod txn;
mod verb;
pub(crate) mod writer;
