//! Work on a thread of its own, so that the kernel counts its processor time apart from all else.

use std::future::Future;
use std::time::Duration;

use crate::BenchError;
use crate::processor::Account;

/// Runs `work` to its end on a new thread with that name. Returns its result and the processor time it took.
pub(crate) fn alone<T, F>(name: &str, work: F) -> Result<(T, Duration), BenchError>
where
    F: Future<Output = Result<T, BenchError>> + Send,
    T: Send,
{
    let run = move || {
        let account = Account::of_this_thread()?;
        let before = account.spent()?;
        let done = runtime()?.block_on(work)?;
        Ok((done, account.spent()?.saturating_sub(before)))
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn_scoped(scope, run)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Niceness of a thread that plays another machine: all others go first.
const NICENESS: i32 = 19;

/// Lowers the priority of the calling thread. It plays another machine, and takes no processor time from those that are
/// measured.
pub(crate) fn stand_back() -> std::io::Result<()> {
    Ok(rustix::process::setpriority_process(None, NICENESS)?)
}

/// A runtime on the calling thread alone: no stealing, no waking of others.
pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
