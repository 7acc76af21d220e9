//! Processor time of a process or a thread: user and system together, from `/proc`.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Where the kernel keeps somebody's account, in clock ticks (10 ms nearly everywhere).
#[derive(Clone)]
pub(crate) struct Account {
    stat: PathBuf,
}

impl Account {
    /// All threads of a process, also those that have ended.
    pub(crate) fn of_process(pid: u32) -> Self {
        Self { stat: format!("/proc/{pid}/stat").into() }
    }

    /// The calling thread alone.
    pub(crate) fn of_this_thread() -> io::Result<Self> {
        let thread = std::fs::read_link("/proc/thread-self")?;
        Ok(Self { stat: PathBuf::from("/proc").join(thread).join("stat") })
    }

    /// What was spent since it began.
    pub(crate) fn spent(&self) -> io::Result<Duration> {
        let stat = std::fs::read_to_string(&self.stat)?;
        let ticks = ticks(&stat).ok_or_else(|| io::Error::other(format!("{}: {stat:?}", self.stat.display())))?;
        Ok(time_of(ticks))
    }
}

pub(crate) fn time_of(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// utime and stime of proc_pid_stat(5): fields 14 and 15, counted from the name in parentheses, which may hold spaces.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(") ")?;
    let mut fields = after_name.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_misleads_nobody() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 123 45 0 0 20 0 4 0 100 1000 10";
        assert_eq!(ticks(stat), Some(168));
    }

    #[test]
    fn this_process_and_thread_have_accounts() {
        assert!(Account::of_process(std::process::id()).spent().is_ok());
        assert!(Account::of_this_thread().and_then(|account| account.spent()).is_ok());
    }
}
