//! Processor time of a process or a thread: user and system together, from `/proc`.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// The kernel's file with somebody's account, in clock ticks (10 ms nearly everywhere).
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

    /// Time spent since it began.
    pub(crate) fn spent(&self) -> io::Result<Duration> {
        let stat = std::fs::read_to_string(&self.stat)?;
        let ticks = ticks(&stat).ok_or_else(|| io::Error::other(format!("{}: {stat:?}", self.stat.display())))?;
        Ok(time_of(ticks))
    }
}

pub(crate) fn time_of(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// A process and all of its children, also those that have ended: the cost of a PostgreSQL, whose sessions are
/// processes.
#[derive(Clone)]
pub(crate) struct Family {
    parent: u32,
}

impl Family {
    pub(crate) fn of(parent: u32) -> Self {
        Self { parent }
    }

    /// Time that all of them spent since they began. One that ends meanwhile is counted by its parent once that
    /// noticed.
    pub(crate) fn spent(&self) -> io::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.parent))?;
        let own = ticks_with_children(&stat).ok_or_else(|| io::Error::other("no processor time in its stat"))?;
        let children = self.children()?.into_iter().filter_map(|child| {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
            ticks_with_children(&stat)
        });
        Ok(time_of(own + children.sum::<u64>()))
    }

    /// The processes that are alive now, the parent among them.
    pub(crate) fn members(&self) -> io::Result<Vec<u32>> {
        let mut members = self.children()?;
        members.push(self.parent);
        Ok(members)
    }

    fn children(&self) -> io::Result<Vec<u32>> {
        let mut children = Vec::new();
        for entry in std::fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if fields(&stat).and_then(|mut fields| fields.nth(PARENT)?.parse().ok()) == Some(self.parent) {
                children.push(pid);
            }
        }
        Ok(children)
    }
}

/// Fields in proc_pid_stat(5) with the parent and the processor times, counted behind the name.
const PARENT: usize = 1;
const USER_TIME: usize = 11;

/// utime and stime.
fn ticks(stat: &str) -> Option<u64> {
    sum_of_ticks(stat, 2)
}

/// utime, stime, cutime and cstime: with the children that have ended and were waited for.
fn ticks_with_children(stat: &str) -> Option<u64> {
    sum_of_ticks(stat, 4)
}

fn sum_of_ticks(stat: &str, count: usize) -> Option<u64> {
    let fields = fields(stat)?.skip(USER_TIME).take(count);
    fields.map(|field| field.parse::<u64>().ok()).sum()
}

/// From the third field on: the name in parentheses before them may hold spaces and parentheses.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    stat.rsplit_once(") ").map(|(_, after_name)| after_name.split(' '))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_misleads_nobody() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 0 0 0 123 45 6 1 20 0 4 0 100 1000 10";
        assert_eq!((ticks(stat), ticks_with_children(stat)), (Some(168), Some(175)));
        assert_eq!(fields(stat).and_then(|mut fields| fields.nth(PARENT)), Some("1"));
    }

    #[test]
    fn a_child_belongs_to_its_family() {
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().expect("cat");
        let family = Family::of(std::process::id());
        assert!(family.members().is_ok_and(|members| members.contains(&child.id())));
        assert!(family.spent().is_ok());
        drop(child.stdin.take());
        let _ = child.wait();
    }

    #[test]
    fn this_process_and_thread_have_accounts() {
        assert!(Account::of_process(std::process::id()).spent().is_ok());
        assert!(Account::of_this_thread().and_then(|account| account.spent()).is_ok());
    }
}
