//! A shell between us and a server that is not ours, so that the server never outlives the test process.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

const SCRIPT: &str = include_str!("supervise.sh");

/// A file system in memory, and the space that has to be free there: containers are given a few megabytes by default.
const MEMORY: &str = "/dev/shm";
const MEMORY_KIB: u64 = 1024 * 1024;

/// The place of a supervisor's directory.
#[derive(Clone, Copy)]
pub(crate) enum Medium {
    Disk,
    /// In memory where there is enough of it; on the disk otherwise. Without the disk it is many times faster.
    Memory,
}

impl Medium {
    fn directory(self) -> PathBuf {
        match self {
            Self::Memory if free_kib(MEMORY).is_some_and(|free| free >= MEMORY_KIB) => PathBuf::from(MEMORY),
            Self::Memory | Self::Disk => std::env::temp_dir(),
        }
    }
}

fn free_kib(directory: &str) -> Option<u64> {
    let answer = Command::new("df").args(["--output=avail", "--block-size=K", directory]).output().ok()?;
    let text = String::from_utf8(answer.stdout).ok()?;
    text.lines().last()?.trim().trim_end_matches('K').parse().ok()
}

/// Runs commands in a directory of its own, which is `$dir` in each of them. When this is dropped, or the process that
/// owns it dies in whatever way, it runs the last one and removes the directory.
pub(crate) struct Supervisor {
    dir: PathBuf,
    shell: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Supervisor {
    /// `files` are in the directory before anything runs. `stop` is what runs last.
    #[expect(clippy::disallowed_methods, reason = "tests hand their search path on to what they start")]
    pub(crate) fn start(name: &str, medium: Medium, files: &[(&str, &str)], stop: &str) -> Self {
        // The shell removes it: it outlives us.
        let dir = tempfile::Builder::new().prefix(&format!("posthaste-{name}-")).tempdir_in(medium.directory());
        let dir = dir.expect("there is room for temporary directories").keep();
        for (name, text) in files.iter().chain(&[("supervise.sh", SCRIPT)]) {
            std::fs::write(dir.join(name), text).expect("a new directory can be written to");
        }
        let mut command = Command::new("sh");
        command.arg(dir.join("supervise.sh")).arg(&dir).arg(stop);
        // PGDATA, PGPORT and the like are for other servers than this one.
        command.env_clear().envs(std::env::vars_os().filter(|(name, _)| name == "PATH"));
        // Ctrl-C ends the tests, and their end stops the server.
        command.process_group(0);
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("there is a shell");
        let orders = shell.stdin.take();
        let answers = BufReader::new(shell.stdout.take().expect("its standard output is a pipe"));
        Self { dir, shell, orders, answers }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Waits until the command has run; true if it succeeded.
    pub(crate) fn run(&mut self, command: &str) -> bool {
        let orders = self.orders.as_mut().expect("it takes orders until it is dropped");
        let told = writeln!(orders, "{command}");
        let mut answer = String::new();
        let heard = self.answers.read_line(&mut answer);
        assert!(told.is_ok() && heard.is_ok() && !answer.is_empty(), "the supervising shell ended: {}", self.log());
        answer == "done\n"
    }

    /// As [`run`](Self::run), for commands that must succeed.
    pub(crate) fn must(&mut self, command: &str) {
        assert!(self.run(command), "{command}\n{}", self.log());
    }

    /// The output of the commands.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.orders.take());
        _ = self.shell.wait();
    }
}
