//! Priorities of threads that give way where the processor is short.

#[cfg(target_os = "linux")]
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
};

/// Nice value: the thread's weight in the scheduler is a tenth of an ordinary thread's.
const NICENESS: i32 = 10;

/// Lowers the calling thread's weight from now on, on Linux. Where that is not permitted nothing changes, except that
/// others get slower.
pub fn stand_back() {
    let _ = rustix::process::setpriority_process(None, NICENESS);
}

/// Runs the calling thread from now on only where a core has nothing else to do, and makes it give way at once: a
/// thread that merely has a low weight keeps a core for some milliseconds while another waits for it. Next to nothing
/// is left for it where all cores are busy. On other systems than Linux, or where that is not permitted, it stands back
/// instead.
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
