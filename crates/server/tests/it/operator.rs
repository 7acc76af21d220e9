//! What an operator meets: signals, lines of the log, a configuration that cannot work, exit codes and answers for scripts.

use serde_json::{Value, json};
use testkit::behaviour::Reply;
use testkit::http::Http;
use testkit::patiently;
use testkit::postgres::Database;
use testkit::process::Process;
use testkit::proxy::{Cut, Proxy};
use testkit::receiver::Receiver;

use crate::gateway::text;
use crate::place::Place;
use crate::running::{KEY, Running};

const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");

/// The exit code, and what a program printed on standard output and standard error.
async fn run(words: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let mut process = Process::start(PROGRAM, words, variables);
    let code = process.ended().await.code();
    (code, process.output(), process.errors())
}

async fn ask(server: &Running, words: &[&str]) -> (Option<i32>, String, String) {
    run(words, &[("POSTHASTE_SERVER", server.http.base()), ("POSTHASTE_API_KEY", KEY)]).await
}

fn parsed(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
}

#[tokio::test]
async fn every_signal_that_asks_for_an_end_is_an_orderly_one() {
    for signal in ["HUP", "TERM", "INT"] {
        let place = Place::fresh().await;
        let mut server = Running::start(&place, &[]).await;
        server.http.post("/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
        server.process.signal(signal).await;
        assert_eq!(server.process.ended().await.code(), Some(0), "SIG{signal}");
    }
}

#[tokio::test]
async fn an_embedded_database_is_not_served_by_a_process_that_does_not_deliver() {
    let place = Place::embedded();
    for roles in ["api", "receive", "api,receive"] {
        let data_dir = place.data_dir().to_str().expect("UTF-8");
        let words = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir, "--roles", roles];
        let (code, output, errors) = run(&words, &[("POSTHASTE_ADMIN_KEY", KEY)]).await;
        assert_eq!((code, output.as_str()), (Some(64), ""), "{roles}: {errors}");
        assert!(errors.starts_with("--roles: roles: must hold deliver on the embedded database"), "{errors}");
        assert!(!place.data_dir().exists(), "nothing was made");
    }
}

#[tokio::test]
async fn the_log_tells_of_the_job_at_info_and_of_attempts_at_debug() {
    let place = Place::fresh().await;
    let receiver =
        Receiver::with(|request| Reply::status(if request.path == "/gone" { 410 } else { 500 })).start().await;
    let server = Running::start(&place, &["--log-level", "debug"]).await;
    let gone = server
        .register(json!({ "url": format!("{}/gone", receiver.url_as("127.0.0.1").trim_end_matches("/hook")) }))
        .await;
    let tired = json!({ "url": receiver.url(), "retry": { "schedule": [] } });
    let tired = server.register(tired).await;
    server.http.post("/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
    let lines = [
        ("INFO", "started", "version="),
        ("INFO", "started", "roles=api,deliver,receive"),
        ("INFO", "endpoint disabled", &text(&gone["id"])),
        ("INFO", "delivery given up", &text(&tired["id"])),
        ("DEBUG", "attempt", "http.status=500"),
    ];
    for (level, message, field) in lines {
        server.process.logs(|line| line.contains(level) && line.contains(message) && line.contains(field)).await;
    }
}

#[tokio::test]
async fn with_a_log_for_machines_every_line_is_json() {
    let place = Place::fresh().await;
    let words: Vec<&str> =
        ["serve", "--listen", "127.0.0.1:0", "--log-format", "json"].into_iter().chain(place.flags()).collect();
    let mut process = Process::start(PROGRAM, &words, &[]);
    let listening = parsed(&process.prints("listening on http://").await);
    assert!(text(&listening["message"]).starts_with("listening on http://127.0.0.1:"), "{listening}");
    process.signal("TERM").await;
    assert_eq!(process.ended().await.code(), Some(0));
    let errors = process.errors();
    for line in errors.lines() {
        assert!(parsed(line)["level"].is_string(), "{line}");
    }
    assert!(errors.contains("admin key") && errors.contains("\"started\""), "{errors}");

    let taken = Place::embedded();
    std::fs::write(taken.data_dir(), "in the way").expect("it can be written");
    let data_dir = taken.data_dir().to_str().expect("UTF-8");
    let words = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--data-dir", data_dir];
    let (code, _, errors) = run(&words, &[]).await;
    assert_eq!(code, Some(1), "{errors}");
    errors.lines().for_each(|line| drop(parsed(line)));
}

#[tokio::test]
async fn a_test_that_was_not_acknowledged_ends_with_1_and_shows_what_came() {
    let place = Place::fresh().await;
    let (well, broken) = (Receiver::healthy().start().await, Receiver::replying([500]).start().await);
    let server = Running::start(&place, &[]).await;
    for (receiver, expected) in [(&well, 0), (&broken, 1)] {
        let made = server.register(json!({ "url": receiver.url() })).await;
        for format in ["table", "json"] {
            let (code, output, errors) =
                ask(&server, &["webhooks", "test", &text(&made["id"]), "--output", format]).await;
            assert_eq!(code, Some(expected), "{output} {errors}");
            let status = if expected == 0 { "204" } else { "500" };
            assert!(output.contains(status) && errors.is_empty(), "{output} {errors}");
        }
    }
}

#[tokio::test]
async fn errors_and_checks_are_json_where_json_was_asked_for() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &[]).await;
    let (code, output, errors) = ask(&server, &["webhooks", "show", "ep_none", "--output", "json"]).await;
    assert_eq!((code, output.as_str()), (Some(1), ""), "{errors}");
    let problem = parsed(errors.trim());
    assert_eq!((&problem["status"], &problem["code"]), (&json!(404), &json!("not_found")));

    let nowhere = ["webhooks", "list", "--output", "json", "--server", "http://127.0.0.1:1"];
    let (code, _, errors) = run(&nowhere, &[]).await;
    assert_eq!(code, Some(1));
    assert!(text(&parsed(errors.trim())["detail"]).contains("no server listens at"), "{errors}");

    let file = place.beside("own.toml");
    for (content, ok) in [("name = 'own'\n", true), ("name = 'own'\n[retry]\njiter = 1\n", false)] {
        std::fs::write(&file, content).expect("a temporary directory can be written");
        let path = file.to_str().expect("UTF-8");
        let (code, output, errors) = run(&["dialects", "check", path, "--output", "json"], &[]).await;
        assert_eq!((code, errors.as_str()), (Some(i32::from(!ok)), ""));
        let told = parsed(&output);
        assert_eq!(told["ok"], ok, "{told}");
        let lines: Vec<Option<u64>> =
            told["mistakes"].as_array().expect("a list").iter().map(|mistake| mistake["line"].as_u64()).collect();
        assert_eq!(lines, if ok { vec![] } else { vec![Some(3)] });
    }
}

/// Types an answer at a terminal, prints what stood there, and ends as the command did.
const TERMINAL: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
shown = b""
while b"[y/N]" not in shown:
    shown += os.read(terminal, 1024)
os.write(terminal, sys.argv[1].encode() + b"\n")
try:
    while True:
        got = os.read(terminal, 1024)
        if not got:
            break
        shown += got
except OSError:
    pass
sys.stdout.write(shown.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

#[tokio::test]
async fn what_cannot_be_undone_is_asked_at_a_terminal_and_nowhere_else() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &[]).await;
    let variables = [("POSTHASTE_SERVER", server.http.base()), ("POSTHASTE_API_KEY", KEY)];
    let exists = async |id: &str| server.http.get(&format!("/v1/endpoints/{id}")).await.status == 200;
    let made = async || text(&server.register(json!({ "url": "https://example.com/" })).await["id"]);
    for (answer, is_deleted) in [("n", false), ("", false), ("yes", true), ("Y", true)] {
        let id = made().await;
        let words = ["-c", TERMINAL, answer, PROGRAM, "webhooks", "delete", &id];
        let mut process = Process::start("python3", &words, &variables);
        let code = process.ended().await.code();
        assert_eq!(code, Some(i32::from(!is_deleted)), "{answer}: {}", process.output());
        assert!(process.output().contains("what is pending for it is cancelled"), "{}", process.output());
        assert_eq!(exists(&id).await, !is_deleted, "{answer}");
    }
    for words in [&["webhooks", "delete"][..], &["webhooks", "delete", "--yes"]] {
        let id = made().await;
        let words: Vec<&str> = words.iter().copied().chain([id.as_str()]).collect();
        assert_eq!(ask(&server, &words).await.0, Some(0));
        assert!(!exists(&id).await);
    }
}

#[tokio::test]
async fn a_command_on_the_servers_machine_finds_the_admin_key_where_serve_keeps_it() {
    let place = Place::embedded();
    let data_dir = place.data_dir().to_str().expect("UTF-8").to_owned();
    let words = ["serve", "--listen", "127.0.0.1:0", "--data-dir", &data_dir];
    let mut process = Process::start(PROGRAM, &words, &[]);
    let url = process.prints("listening on ").await.trim_start_matches("listening on ").to_owned();
    let file = place.beside("own.toml");
    std::fs::write(&file, format!("data_dir = {data_dir:?}\n")).expect("a temporary directory can be written");
    let file = file.to_str().expect("UTF-8");
    for variable in [("POSTHASTE_DATA_DIR", data_dir.as_str()), ("POSTHASTE_CONFIG", file)] {
        let (code, _, errors) = run(&["projects", "list", "--server", &url], &[variable]).await;
        assert_eq!(code, Some(0), "{variable:?}: {errors}");
    }
    let (code, _, errors) = run(&["projects", "list", "--server", &url], &[]).await;
    assert_eq!(code, Some(1), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_postgres_is_away_a_caller_hears_so_and_nothing_is_half_taken() {
    let Some(database) = Database::if_asked_for().await else { return };
    let place = Place::embedded();
    let wire = Proxy::to(database.upstream());
    let data_dir = place.data_dir().to_str().expect("UTF-8");
    let words = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data_dir, "--database-patience", "1s"];
    let url = database.url_at(wire.address());
    let variables = [("POSTHASTE_DATABASE_URL", url.as_str()), ("POSTHASTE_ADMIN_KEY", KEY)];
    let mut process = Process::start(PROGRAM, &words, &variables);
    let url = process.prints("listening on ").await.trim_start_matches("listening on ").to_owned();
    let http = Http::new(url).key(KEY);
    let send = async |id: &str| http.post("/v1/events", &json!({ "type": "a.b", "id": id, "data": {} })).await;
    send("before").await.expect(202);
    for cut in [Cut::Refused, Cut::Silent] {
        wire.cut(cut).await;
        let answer = send("meanwhile").await;
        assert_eq!(answer.status, 503, "{cut:?}: {}", answer.text());
        assert_eq!(answer.json()["code"], "unavailable");
        assert!(answer.header("retry-after").is_some());
        wire.heal().await;
        // The same request, when it is there again: taken once, whether or not it was on disk before.
        let taken = async {
            loop {
                let again = send("meanwhile").await;
                if [200, 202].contains(&again.status) {
                    return;
                }
                assert_eq!(again.status, 503, "{}", again.text());
            }
        };
        patiently(taken, || "the database is there again, and nothing is taken".to_owned()).await;
    }
}
