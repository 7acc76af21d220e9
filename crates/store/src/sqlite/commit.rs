//! The group commit: one thread writes, and callers wait for its commits.
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
//! `verb.rs` has what is submitted, `writer.rs` the queue, `thread.rs` the content and the time of the next commit,
//! `committer.rs` the commit, `txn.rs` what a verb may do in it, and `flush.rs` the tables' connection.

mod aside;
pub(crate) mod committer;
pub(crate) mod flush;
pub(crate) mod project_queues;
mod thread;
pub(crate) mod txn;
mod verb;
pub(crate) mod writer;
