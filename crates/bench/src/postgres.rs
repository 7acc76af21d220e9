//! A PostgreSQL of our own: as its package sets it up (`fsync` on), on a Unix socket, gone when it is dropped.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::processor::Family;
use crate::{BenchError, clock, proc};

/// The user that runs it if we are root, which PostgreSQL refuses to be.
const USER: &str = "postgres";

/// Directory of the programs in Debian's packages, with one directory a version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Maximum time for starting, and for stopping.
const PATIENCE: Duration = Duration::from_secs(60);

const LOOK_EVERY: Duration = Duration::from_millis(10);

pub(crate) struct Postgres {
    child: Child,
    family: Family,
    url: String,
    home: TempDir,
    /// Directory of the socket alone, whose path must be short.
    _socket: TempDir,
}

/// A user and a group, by their numbers.
type Owner = (u32, u32);

/// The programs of the newest version that is installed.
pub(crate) fn installed() -> Result<PathBuf, BenchError> {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let numbered = versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let newest = numbered.max().map(|(_, path)| path.join("bin"));
    newest.ok_or_else(|| format!("no PostgreSQL in {VERSIONS}: install one, or name one with --postgres-bin").into())
}

impl Postgres {
    /// Makes an empty one under `work_dir` and waits until it takes connections.
    pub(crate) fn start(programs: &Path, work_dir: &Path) -> Result<Self, BenchError> {
        let owner = if rustix::process::geteuid().is_root() { Some(owner()?) } else { None };
        let home = tempfile::Builder::new().prefix("postgres-").tempdir_in(work_dir)?;
        let socket = tempfile::Builder::new().prefix("bench-").tempdir()?;
        if let Some((user, group)) = owner {
            chown(home.path(), Some(user), Some(group))?;
            chown(socket.path(), Some(user), Some(group))?;
        }
        let log = home.path().join("log");
        let data = home.path().join("data");
        let made = command(&programs.join("initdb"), owner, &log)?
            .args(["--username", "posthaste", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--pgdata"])
            .arg(&data)
            .status()?;
        if !made.success() {
            return Err(complaint(&format!("could not be made (does {USER} reach {}?)", home.path().display()), &log));
        }
        let child = command(&programs.join("postgres"), owner, &log)?
            .args(["-c", "listen_addresses=", "-D"])
            .arg(&data)
            .arg("-k")
            .arg(socket.path())
            .spawn()?;
        let host = socket.path().to_string_lossy().replace('/', "%2F");
        let url = format!("postgres://posthaste@{host}/postgres");
        let mut postgres = Self { family: Family::of(child.id()), child, url, home, _socket: socket };
        postgres.wait_until_ready(&data, &log)?;
        Ok(postgres)
    }

    /// Waits until the last line of its file says that it is ready.
    fn wait_until_ready(&mut self, data: &Path, log: &Path) -> Result<(), BenchError> {
        let deadline = clock::now() + PATIENCE;
        let ready = || fs::read_to_string(data.join("postmaster.pid")).is_ok_and(|text| text.contains("ready"));
        while !ready() {
            if self.child.try_wait()?.is_some() || clock::now() > deadline {
                return Err(complaint("did not start", log));
            }
            clock::wait(LOOK_EVERY);
        }
        Ok(())
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Processor time of all its processes, also of those that have ended.
    pub(crate) fn processor_time(&self) -> Result<Duration, BenchError> {
        Ok(self.family.spent()?)
    }

    /// Bytes written by the processes that are alive.
    pub(crate) fn written_bytes(&self) -> Result<u64, BenchError> {
        self.family.members()?.into_iter().map(proc::written_bytes).sum()
    }

    /// Bytes of tables and indexes. Its log is recycled, and so does not grow with what is stored.
    pub(crate) fn bytes_on_disk(&self) -> std::io::Result<u64> {
        proc::size_of(&self.home.path().join("data/base"))
    }
}

impl Drop for Postgres {
    /// A fast shutdown, which its children take part in.
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::INT);
        let deadline = clock::now() + PATIENCE;
        while clock::now() < deadline {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            clock::wait(LOOK_EVERY);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(program: &Path, owner: Option<Owner>, log: &Path) -> Result<Command, BenchError> {
    if !program.is_file() {
        return Err(format!("there is no {}", program.display()).into());
    }
    let log = File::options().create(true).append(true).open(log)?;
    let mut command = Command::new(program);
    command.env_clear().current_dir("/").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    Ok(command)
}

fn owner() -> Result<Owner, BenchError> {
    let users = fs::read_to_string("/etc/passwd")?;
    owner_in(&users).ok_or_else(|| format!("there is no user {USER}, and PostgreSQL refuses to be run by root").into())
}

fn owner_in(users: &str) -> Option<Owner> {
    let mut fields = users.lines().find(|line| line.split(':').next() == Some(USER))?.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn complaint(what: &str, log: &Path) -> BenchError {
    format!("PostgreSQL {what}; its log:\n{}", fs::read_to_string(log).unwrap_or_default()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0::/root:/bin/sh\npostgres2:x:9:9::/:/bin/sh\npostgres:x:101:104::/var:/bin/sh\n";
        assert_eq!(owner_in(users), Some((101, 104)));
        assert_eq!(owner_in("root:x:0:0::/root:/bin/sh\n"), None);
    }
}
