//! Threads that stand back where the processor is short.

#[cfg(target_os = "linux")]
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// How much: their weight in the scheduler is a tenth of an ordinary thread's.
const NICENESS: i32 = 10;

/// The calling thread stands back from now on, on Linux. Where that is not permitted all is the same, but slower for
/// others.
pub fn stand_back() {
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

/// The calling thread runs from now on where a core has nothing else to do, and gives way at once: a thread that only
/// stands back keeps a core for some milliseconds while another waits for it. Next to nothing is left for it where all
/// cores are busy. Elsewhere than on Linux it stands back.
pub(crate) fn give_way() {
    #[cfg(target_os = "linux")]
    {
        let policy = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        if set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Min, policy).is_ok() {
            return;
        }
    }
    stand_back();
}
