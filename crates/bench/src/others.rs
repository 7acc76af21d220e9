//! The processor time of others: a compiler beside the benchmark spoils its rates and latencies, and should be seen.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use crate::clock;
use crate::processor::{self, Account};

/// user, nice, system, (idle, iowait,) irq, softirq, steal of proc_stat(5): the time that was not idle.
const BUSY: [usize; 6] = [0, 1, 2, 5, 6, 7];

/// Watches the whole machine from its start.
pub(crate) struct Others {
    benchmark: Account,
    began: Instant,
    busy: Duration,
    ours: Duration,
}

impl Others {
    pub(crate) fn watch() -> io::Result<Self> {
        let benchmark = Account::of_process(std::process::id());
        let ours = benchmark.spent()?;
        Ok(Self { benchmark, began: clock::now(), busy: busy()?, ours })
    }

    /// The share of all cores since then, in percent, that went neither to the benchmark nor to its server, which took
    /// `server`. The kernel's own threads and the hypervisor are others.
    pub(crate) fn percent(&self, server: Duration) -> io::Result<f64> {
        let ours = self.benchmark.spent()?.saturating_sub(self.ours) + server;
        let others = busy()?.saturating_sub(self.busy).saturating_sub(ours);
        let all = self.began.elapsed().as_secs_f64() * std::thread::available_parallelism()?.get() as f64;
        Ok(100.0 * others.as_secs_f64() / all)
    }
}

fn busy() -> io::Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let ticks = busy_ticks(&stat).ok_or_else(|| io::Error::other("/proc/stat has no line for all processors"))?;
    Ok(processor::time_of(ticks))
}

fn busy_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    BUSY.iter().map(|&index| fields.get(index)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idling_and_waiting_for_the_disk_are_not_busy() {
        assert_eq!(busy_ticks("cpu  1 2 4 1000 1000 8 16 32 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n"), Some(63));
        assert_eq!(busy_ticks("cpu0 9 9 9"), None);
    }
}
