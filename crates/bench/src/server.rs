//! A server that is measured: a real `posthaste serve` in its own process.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::processor::Account;
use crate::{BenchError, clock, proc};

pub(crate) const ADMIN_KEY: &str = "ph_admin_for_one_benchmark_on_loopback";

/// Any key will do, but the nodes of a cluster share it: 32 bytes in base64.
const MASTER_KEY: &str = "b25lIGJlbmNobWFyayBvbiBsb29wYmFjaywgMzIgYnk=";

/// Maximum time for starting, and for stopping, also with millions of deliveries stored.
const PATIENCE: Duration = Duration::from_secs(120);

/// Its log, in its home.
pub(crate) const LOG: &str = "log";

/// The configuration of one process.
pub(crate) struct Start<'a> {
    pub(crate) binary: &'a Path,
    /// Its data is in `data`, its log in [`LOG`].
    pub(crate) home: &'a Path,
    /// SQLite in its home, if there is none.
    pub(crate) database_url: Option<&'a str>,
}

/// A running server. It is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    account: Account,
    log: PathBuf,
}

impl Server {
    /// Starts one and waits until it listens.
    pub(crate) fn start(start: &Start<'_>) -> Result<Self, BenchError> {
        let log = start.home.join(LOG);
        let mut command = Command::new(start.binary);
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--allow-http", "--allow-network", "127.0.0.0/8", "--data-dir"])
            .arg(start.home.join("data"));
        if let Some(url) = start.database_url {
            command.args(["--database-url", url]);
        }
        let mut child = command
            .env_clear()
            .env("POSTHASTE_ADMIN_KEY", ADMIN_KEY)
            .env("POSTHASTE_MASTER_KEY", MASTER_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::options().create(true).append(true).open(&log)?)
            .spawn()
            .map_err(|error| format!("{}: {error}", start.binary.display()))?;
        let lines = child.stdout.take().map(follow).ok_or("its standard output is not a pipe")?;
        let account = Account::of_process(child.id());
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), account, log };
        server.address = lines.recv_timeout(PATIENCE).map_err(|_| server.complaint("did not start"))?;
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn processor_time(&self) -> std::io::Result<Duration> {
        self.account.spent()
    }

    pub(crate) fn peak_rss_bytes(&self) -> Result<u64, BenchError> {
        proc::peak_rss_bytes(self.child.id())
    }

    /// Stops it as an operator would, so that all is in place on the disk.
    pub(crate) fn stop(&mut self) -> Result<(), BenchError> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let deadline = clock::now() + PATIENCE;
        loop {
            match self.child.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.complaint(&format!("ended with {status}"))),
                None if clock::now() > deadline => return Err(self.complaint("did not stop")),
                None => clock::wait(Duration::from_millis(5)),
            }
        }
    }

    /// Ends it as a power cut would (SIGKILL), and waits until it is gone.
    pub(crate) fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// An error about it, with the end of its log.
    pub(crate) fn complaint(&self, what: &str) -> BenchError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(10)..];
        format!("the server {what}; the end of its log:\n{}", last.join("\n")).into()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Reads all that a server prints, on a thread that ends with it, and passes on the address where it listens.
fn follow(output: ChildStdout) -> mpsc::Receiver<SocketAddr> {
    let (found, address) = mpsc::sync_channel(1);
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(Ok(address)) = line.strip_prefix("listening on http://").map(str::parse) {
                let _ = found.try_send(address);
            }
        }
    });
    address
}
