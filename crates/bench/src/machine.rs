//! The machine that figures were measured on: without it they mean nothing.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use serde::Serialize;

use crate::latency::Latencies;
use crate::{BenchError, clock};

/// Writes by which the disk's time for one is measured.
const WRITES: usize = 200;

#[derive(Serialize)]
pub(crate) struct Machine {
    /// RFC 3339, UTC.
    pub(crate) date: String,
    pub(crate) cores: usize,
    pub(crate) processor: String,
    pub(crate) kernel: String,
    /// Median time to make 4 KiB durable (fdatasync), where the databases are.
    pub(crate) fsync_ms: f64,
}

impl Machine {
    pub(crate) fn look(work_dir: &Path) -> Result<Self, BenchError> {
        Ok(Self {
            date: format!("{:.0}", clock::date()),
            cores: std::thread::available_parallelism()?.get(),
            processor: processor_name(&fs::read_to_string("/proc/cpuinfo")?),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            fsync_ms: fsync_ms(work_dir)?,
        })
    }
}

fn processor_name(cpuinfo: &str) -> String {
    let name = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

fn fsync_ms(directory: &Path) -> Result<f64, BenchError> {
    let mut file: File = tempfile::tempfile_in(directory)?;
    let mut latencies = Latencies::new();
    for _ in 0..WRITES {
        let began = clock::now();
        file.write_all(&[7; 4096])?;
        file.sync_data()?;
        latencies.record(began.elapsed());
    }
    Ok(latencies.quantiles().p50_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_has_a_name() {
        assert_eq!(processor_name("processor\t: 0\nmodel name\t: AMD EPYC\n"), "AMD EPYC");
        assert_eq!(processor_name(""), std::env::consts::ARCH);
    }
}
