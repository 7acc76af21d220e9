//! Threads that stand back where the processor is short.

/// How much: their weight in the scheduler is a tenth of an ordinary thread's.
const NICENESS: i32 = 10;

/// The calling thread stands back from now on, on Linux. Where that is not permitted all is the same, but slower for
/// others.
pub fn stand_back() {
    let _ = rustix::process::setpriority_process(None, NICENESS);
}
