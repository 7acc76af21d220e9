//! A disk for tests that records what is written to it and fails on demand.
//!
//! In a test's process the C library's file calls (`write`, `fsync`, `rename` and their like) are found here first:
//! those of Rust's standard library and those of SQLite. A call on a file below a directory that is [watched](Watch) is
//! recorded, or fails; every other goes to the system as it is. From a [record](Record) each state can be made that a
//! disk may be in after a power cut ([`Disk`]).
//!
//! Watched files are not really synced: the record says what is on the disk after a sync.

mod calls;
mod disk;
mod record;
mod watch;

pub use calls::are_found;
pub use disk::{Disk, Image, Tear};
pub use record::{Change, Inode, Op, Record};
pub use watch::{InjectedFault, Watch};
