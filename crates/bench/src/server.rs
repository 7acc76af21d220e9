//! The server that is measured: a real `posthaste serve`, in its own process, on a database of its own.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use hyper::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::connection::{self, Head};
use crate::processor::Account;
use crate::{Failure, clock, thread};

const ADMIN_KEY: &str = "ph_admin_for_one_benchmark_on_loopback";

/// Starting, stopping, one answer: each may take so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Work behind the last answer (records of attempts, a checkpoint) is done when the processor was idle for so long.
const AT_REST: Duration = Duration::from_millis(250);

/// A server that never rests is waited for so long.
const REST_PATIENCE: Duration = Duration::from_secs(5);

/// What a directory's blocks are counted in, whatever the file system (stat(2)).
const BLOCK: u64 = 512;

/// A running server. It is killed, and its data deleted, when this is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    account: Account,
    directory: TempDir,
}

impl Server {
    /// Starts one on an empty database under `work_dir` and waits until it listens.
    pub(crate) fn start(binary: &Path, work_dir: &Path) -> Result<Self, Failure> {
        let directory = tempfile::Builder::new().prefix("data-").tempdir_in(work_dir)?;
        let log = File::create(directory.path().join("log"))?;
        let mut child = Command::new(binary)
            .args(["serve", "--listen", "127.0.0.1:0", "--allow-http", "--allow-network", "127.0.0.0/8", "--data-dir"])
            .arg(directory.path().join("data"))
            .env_clear()
            .env("POSTHASTE_ADMIN_KEY", ADMIN_KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let lines = child.stdout.take().map(follow).ok_or("its standard output is not a pipe")?;
        let account = Account::of_process(child.id());
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), account, directory };
        server.address = lines.recv_timeout(PATIENCE).map_err(|_| server.complaint("did not start"))?;
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A key that may only send events: what a product uses.
    pub(crate) fn sending_key(&self) -> Result<String, Failure> {
        let made = self.create("/v1/keys", &json!({ "name": "bench", "scopes": ["events:write"] }))?;
        let key = made["api_key"].as_str().ok_or_else(|| format!("no api_key in {made}"))?;
        Ok(key.to_owned())
    }

    pub(crate) fn register(&self, url: &str) -> Result<(), Failure> {
        self.create("/v1/endpoints", &json!({ "url": url })).map(drop)
    }

    fn create(&self, path: &'static str, body: &Value) -> Result<Value, Failure> {
        let request = Head::new(self.address, path)?.authorized(ADMIN_KEY)?.with_body(body.to_string().into());
        let exchange = connection::with(self.address, async move |mut connection| {
            let status = connection.exchange(request).await?;
            Ok((status, connection.body().to_vec()))
        });
        let ((status, body), _) =
            thread::alone("control", async { clock::within(PATIENCE, exchange).await.ok_or("no answer")? })?;
        if status != StatusCode::CREATED {
            return Err(self.complaint(&format!("answered {status} to {path}: {}", String::from_utf8_lossy(&body))));
        }
        Ok(serde_json::from_slice(&body)?)
    }

    pub(crate) fn processor_time(&self) -> std::io::Result<Duration> {
        self.account.spent()
    }

    /// Waits until it does nothing any more, and answers its processor time.
    pub(crate) fn at_rest(&self) -> Result<Duration, Failure> {
        let deadline = clock::now() + REST_PATIENCE;
        let mut spent = self.processor_time()?;
        loop {
            clock::wait(AT_REST);
            let later = self.processor_time()?;
            if later == spent || clock::now() > deadline {
                return Ok(later);
            }
            spent = later;
        }
    }

    /// The most memory it ever had (VmHWM of proc_pid_status(5)).
    pub(crate) fn peak_rss_bytes(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak =
            status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
        peak.map(|kibibytes: u64| kibibytes * 1024).ok_or_else(|| "no VmHWM in /proc".into())
    }

    /// What its data takes up on the disk.
    pub(crate) fn bytes_on_disk(&self) -> std::io::Result<u64> {
        size_of(&self.directory.path().join("data"))
    }

    /// Stops it as an operator would, so that all is in place on the disk.
    pub(crate) fn stop(&mut self) -> Result<(), Failure> {
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

    /// A failure of its, with the end of its log.
    pub(crate) fn complaint(&self, what: &str) -> Failure {
        let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let last = &lines[lines.len().saturating_sub(10)..];
        format!("the server {what}; the end of its log:\n{}", last.join("\n")).into()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads all that a server prints, on a thread that ends with it, and passes on where it listens.
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

fn size_of(directory: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { size_of(&entry.path())? } else { metadata.blocks() * BLOCK };
    }
    Ok(bytes)
}
