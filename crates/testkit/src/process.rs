//! A program as its users run it: a real process, with real signals.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::record::{PATIENCE, patiently};

/// A running program. It dies with this.
pub struct Process {
    child: Child,
    output: Lines,
    errors: Lines,
}

/// The lines that a program has printed so far.
struct Lines {
    text: Arc<Mutex<Vec<String>>>,
    changed: watch::Receiver<usize>,
    reader: JoinHandle<()>,
}

impl Lines {
    #[expect(clippy::disallowed_methods, reason = "owned by the handle, aborted with it")]
    fn of(stream: impl AsyncRead + Unpin + Send + 'static) -> Self {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (change, changed) = watch::channel(0);
        let kept = text.clone();
        let reader = tokio::spawn(async move {
            let mut lines = BufReader::new(stream).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push(line);
                change.send_replace(kept.len());
            }
        });
        Self { text, changed, reader }
    }

    fn all(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).join("\n")
    }

    fn find(&self, part: &str) -> Option<String> {
        let lines = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().find(|line| line.contains(part)).cloned()
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl Process {
    /// Starts `program` with nothing of our environment but `PATH`, and `variables`.
    #[expect(clippy::disallowed_methods, reason = "tests hand their search path on to what they start")]
    pub fn start(program: impl AsRef<Path>, words: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(program.as_ref());
        command.args(words).env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
        command.envs(variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", program.as_ref().display()));
        let output = Lines::of(child.stdout.take().expect("its standard output is a pipe"));
        let errors = Lines::of(child.stderr.take().expect("its standard error is a pipe"));
        Self { child, output, errors }
    }

    /// Waits for a line on standard output with `part` in it.
    pub async fn prints(&mut self, part: &str) -> String {
        let mut changed = self.output.changed.clone();
        let found = async {
            loop {
                if let Some(line) = self.output.find(part) {
                    return line;
                }
                if changed.changed().await.is_err() {
                    // Its last lines may still be on their way.
                    let _ = (&mut self.errors.reader).await;
                    let status = self.child.wait().await.expect("a child can be waited for");
                    panic!("the program ended ({status}) without printing {part:?}; it said:\n{}", self.errors.all());
                }
            }
        };
        patiently(found, || format!("no line with {part:?} within {PATIENCE:?}")).await
    }

    /// Waits for a line on standard error, its log, that `fits`.
    pub async fn logs(&self, fits: impl Fn(&str) -> bool) {
        let mut changed = self.errors.changed.clone();
        let found = async { while !self.errors.all().lines().any(&fits) && changed.changed().await.is_ok() {} };
        patiently(found, || format!("no such line was logged within {PATIENCE:?}")).await;
        assert!(self.errors.all().lines().any(&fits), "the program ended without logging such a line");
    }

    /// Its standard output so far.
    pub fn output(&self) -> String {
        self.output.all()
    }

    /// Its standard error so far: its log.
    pub fn errors(&self) -> String {
        self.errors.all()
    }

    /// Sends a signal by its name, as `kill -NAME` does.
    pub async fn signal(&self, name: &str) {
        let pid = self.child.id().expect("the process runs").to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status().await;
        assert!(sent.is_ok_and(|status| status.success()), "kill -{name} {pid}");
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a running process can be killed");
    }

    /// Waits for its end, and until all that it printed has been read.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = async {
            let status = self.child.wait().await.expect("a child can be waited for");
            let _ = (&mut self.output.reader).await;
            let _ = (&mut self.errors.reader).await;
            status
        };
        patiently(ended, || format!("the process did not end within {PATIENCE:?}")).await
    }
}

/// Shows the program's log if the test fails: it is the first thing to look at.
impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "the test harness shows it with the failure")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the process had said:\n{}", self.errors.all());
        }
    }
}
