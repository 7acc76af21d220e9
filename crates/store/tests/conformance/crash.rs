//! Power cuts and failing disks, at every moment and of every kind: acknowledged writes are there.
//!
//! Each [way](ways::Way) of writing runs on a disk that records (`faultdisk`). From the record every state is made that
//! the disk may be in after a power cut, and a store is opened on it. `make test` takes a sample; `make crash`, which
//! sets `POSTHASTE_TEST_CRASH=all`, takes all, and says how many there were.

#![allow(clippy::print_stdout, reason = "whoever runs it is told how much was tried")]

mod failures;
mod power;
mod ways;

/// True if everything is tried, and not a sample.
#[expect(clippy::disallowed_methods, reason = "how much is tried is a matter of the run, not of the program")]
fn everything() -> bool {
    std::env::var_os("POSTHASTE_TEST_CRASH").is_some_and(|how| how == "all")
}

#[test]
fn the_files_calls_are_the_recording_ones() {
    assert!(faultdisk::are_found());
}
