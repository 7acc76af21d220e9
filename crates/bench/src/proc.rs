//! The kernel's figures of a process and of a directory: memory, disk writes, size.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::BenchError;

/// Bytes of the unit in which a directory's blocks are counted, whatever the file system (stat(2)).
const BLOCK: u64 = 512;

/// Peak memory of a process (VmHWM of proc_pid_status(5)).
pub(crate) fn peak_rss_bytes(pid: u32) -> Result<u64, BenchError> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.map(|kibibytes: u64| kibibytes * 1024).ok_or_else(|| "no VmHWM in /proc".into())
}

/// Bytes that it has caused to be written to a disk so far (write_bytes of proc_pid_io(5)). Only its owner and root may
/// ask.
pub(crate) fn written_bytes(pid: u32) -> Result<u64, BenchError> {
    let io = fs::read_to_string(format!("/proc/{pid}/io"))?;
    let written = io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok());
    written.ok_or_else(|| "no write_bytes in /proc".into())
}

/// Bytes that a directory takes up on the disk: allocated blocks. Zero, if there is none.
pub(crate) fn size_of(directory: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of(&entry.path())?,
            Ok(metadata) => metadata.blocks() * BLOCK,
            // A database deletes files while we look.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_writes() {
        assert!(peak_rss_bytes(std::process::id()).expect("it lives") > 0);
        assert!(written_bytes(std::process::id()).is_ok());
    }

    #[test]
    fn a_directory_is_as_large_as_its_files() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::create_dir(directory.path().join("inner")).expect("a directory in it");
        fs::write(directory.path().join("inner/file"), [7; 10_000]).expect("a file in that");
        assert!(size_of(directory.path()).expect("it can be read") >= 10_000);
        assert_eq!(size_of(&directory.path().join("none")).expect("nothing is no error"), 0);
    }
}
