//! The program at a user's hands: words in, tables or JSON out, and an exit code.

use serde_json::{Value, json};
use testkit::patiently;
use testkit::process::Process;
use testkit::receiver::Receiver;

use crate::gateway::text;
use crate::place::Place;
use crate::running::{KEY, Running};

const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");

/// What a command did.
struct Done {
    code: Option<i32>,
    output: String,
    errors: String,
}

impl Done {
    #[track_caller]
    fn ok(self) -> Self {
        assert_eq!(self.code, Some(0), "{}\n{}", self.output, self.errors);
        self
    }

    #[track_caller]
    fn json(self) -> Value {
        let done = self.ok();
        serde_json::from_str(&done.output).unwrap_or_else(|error| panic!("{error}: {}", done.output))
    }
}

async fn run(words: &[&str], variables: &[(&str, &str)]) -> Done {
    let mut process = Process::start(PROGRAM, words, variables);
    let code = process.ended().await.code();
    Done { code, output: process.output(), errors: process.errors() }
}

/// Asks a running server as its admin.
async fn ask(server: &Running, words: &[&str]) -> Done {
    run(words, &[("POSTHASTE_SERVER", server.http.base()), ("POSTHASTE_API_KEY", KEY)]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_registered_an_event_sent_and_its_delivery_looked_up() {
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().start().await;
    let server = Running::start(&place, &[]).await;

    let url = format!("--url={}", receiver.url());
    let register = ["webhooks", "register", "--name=shop", "--on=order.paid,invoice.*", &url];
    let told = ask(&server, &register).await.ok().output;
    assert!(told.contains("ep_") && told.contains("whsec_"), "prints id and secret: {told}");

    let webhooks = ask(&server, &["webhooks", "list", "--output", "json"]).await.json();
    let webhook = &webhooks["data"][0];
    assert_eq!((&webhook["name"], &webhook["events"]), (&json!("shop"), &json!(["order.paid", "invoice.*"])));
    assert!(told.contains(&text(&webhook["id"])), "{told}");
    let table = ask(&server, &["webhooks", "list"]).await.ok().output;
    assert!(table.contains(&text(&webhook["id"])) && table.contains("shop"), "{table}");

    let sent =
        ask(&server, &["events", "send", "order.paid", "--data", r#"{"id": 7}"#, "--output", "json"]).await.json();
    assert_eq!(sent["deliveries"], 1);
    receiver.received(1).await;
    assert_eq!(receiver.requests()[0].json()["data"], json!({ "id": 7 }));
    server.settle().await;

    let event = text(&sent["id"]);
    let listed = ask(&server, &["deliveries", "list", "--event", &event, "--output", "json"]).await.json();
    let delivery = text(&listed["data"][0]["id"]);
    assert_eq!(listed["data"][0]["status"], "delivered");
    let shown = ask(&server, &["deliveries", "show", &delivery, "--output", "json"]).await.json();
    assert_eq!(shown["attempts"][0]["status_code"], 204);
    let told = ask(&server, &["deliveries", "show", &delivery]).await.ok().output;
    let sent = format!("  webhook-id: {event}");
    for part in [&delivery, "delivered", "order.paid", "attempt 1, sent:", &sent, "attempt 1, answered 204:"] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    let answer = server.http.get(&format!("/v1/deliveries/{delivery}")).await.json();
    assert_eq!(shown, answer, "json is the API's answer");
}

/// The lines that a command of an admin shows on a terminal of so many columns.
async fn at_a_terminal(columns: u16, server: &Running, words: &str) -> Vec<String> {
    let command = format!("stty rows 24 cols {columns} && \"$PROGRAM\" {words}");
    let variables =
        [("PROGRAM", PROGRAM), ("POSTHASTE_SERVER", server.http.base()), ("POSTHASTE_API_KEY", KEY), ("NO_COLOR", "1")];
    let words = ["--quiet", "--return", "--command", &command, "/dev/null"];
    let mut terminal = Process::start("script", &words, &variables);
    assert!(terminal.ended().await.success(), "{}{}", terminal.output(), terminal.errors());
    terminal.output().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_listed_with_their_error_as_wide_as_the_terminal_and_whole_in_a_pipe() {
    let place = Place::fresh().await;
    let receiver = Receiver::replying([503]).start().await;
    let server = Running::start(&place, &[]).await;
    let made = server.register(json!({ "url": receiver.url(), "tenant": "t".repeat(64) })).await;
    let event = json!({ "type": "order.created", "data": {}, "tenant": "t".repeat(64) });
    server.http.post("/v1/events", &event).await;
    receiver.received(1).await;
    let recorded =
        async { while server.http.get("/v1/deliveries?status_code=503").await.json()["data"] == json!([]) {} };
    patiently(recorded, || "the attempt is not recorded".to_owned()).await;

    let piped = ask(&server, &["deliveries", "list"]).await.ok().output;
    assert!(piped.contains(&text(&made["id"])) && piped.contains(&"t".repeat(64)), "{piped}");
    assert!(piped.lines().next().is_some_and(|titles| titles.len() > 200), "{piped}");

    let delivery = piped.lines().nth(1).and_then(|row| row.split_whitespace().next()).unwrap();
    for columns in [80, 120, 200] {
        let shown = at_a_terminal(columns, &server, "deliveries list").await;
        assert!(shown.iter().all(|line| line.chars().count() <= usize::from(columns)), "{columns}:\n{shown:#?}");
        assert!(shown[0].contains("ERROR") && shown[0].contains("EVENT TYPE"), "{columns}: {shown:#?}");
        let cells: Vec<_> = shown[1].split_whitespace().take(4).collect();
        assert_eq!(cells, [delivery, "pending", "503", "status"], "{columns}: {shown:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verb_of_a_webhook_works() {
    let place = Place::fresh().await;
    let receiver = Receiver::replying([204, 500, 204]).start().await;
    let server = Running::start(&place, &[]).await;
    let made = server.register(json!({ "url": receiver.url() })).await;
    let id = text(&made["id"]);
    let json = |verb| ["webhooks", verb, &id, "--output", "json"];

    assert_eq!(ask(&server, &json("show")).await.json()["id"], id);
    assert_eq!(ask(&server, &json("pause")).await.json()["status"], "paused");
    assert_eq!(ask(&server, &json("resume")).await.json()["status"], "active");
    assert_eq!(
        ask(&server, &["webhooks", "update", &id, "--name", "new", "--output", "json"]).await.json()["name"],
        "new"
    );
    let rotated = ask(&server, &["webhooks", "rotate-secret", &id, "--overlap", "0s", "--output", "json"]).await.json();
    assert_ne!(rotated["secret"], made["secret"]);
    assert_eq!(ask(&server, &json("test")).await.json()["delivery"]["status"], "delivered");

    let sent = ask(&server, &["events", "send", "a.b", "--output", "json"]).await.json();
    receiver.received(2).await;
    let executions = ask(&server, &json("executions")).await.json();
    assert!(executions["data"].as_array().is_some_and(|list| !list.is_empty()), "{executions}");
    let deliveries = server.http.get(&format!("/v1/deliveries?event={}", text(&sent["id"]))).await.json();
    let delivery = text(&deliveries["data"][0]["id"]);
    ask(&server, &["deliveries", "retry", &delivery, "--output", "json"]).await.json();
    receiver.received(3).await;
    server.settle().await;
    let replay = ask(&server, &["events", "replay", &text(&sent["id"]), "--output", "json"]).await.json();
    assert!(text(&replay["id"]).starts_with("job_"), "{replay}");
    receiver.received(4).await;

    ask(&server, &["webhooks", "delete", &id]).await.ok();
    assert_eq!(server.http.get(&format!("/v1/endpoints/{id}")).await.status, 404);
    let events = ask(&server, &["events", "list", "--type", "a.b", "--output", "json"]).await.json();
    assert_eq!(events["data"][0]["id"], sent["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn projects_and_keys_are_made_by_hand() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &[]).await;
    let made = ask(&server, &["projects", "create", "Acme", "--output", "json"]).await;
    let made = if made.code == Some(2) {
        // Whether the name is a word or a flag, the contract leaves open.
        ask(&server, &["projects", "create", "--name", "Acme", "--output", "json"]).await
    } else {
        made
    };
    let made = made.json();
    let key = text(&made["api_key"]);
    let base = server.http.base();
    let variables = [("POSTHASTE_SERVER", base), ("POSTHASTE_API_KEY", &key)];
    assert_eq!(run(&["events", "list", "--output", "json"], &variables).await.json()["data"], json!([]));
    let listed = run(&["--server", base, "--api-key", KEY, "projects", "list", "--output=json"], &[]).await.json();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(2), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_ends_with_1_and_says_why() {
    let place = Place::fresh().await;
    let server = Running::start(&place, &[]).await;
    let refused = ask(&server, &["webhooks", "register", "--name=x", "--on=a.b", "--url=https://10.0.0.1/"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(refused.errors.contains("10.0.0.1"), "{}", refused.errors);
    assert!(refused.output.is_empty(), "{}", refused.output);
    assert_eq!(ask(&server, &["deliveries", "show", "00000000-0000-7000-8000-000000000000"]).await.code, Some(1));

    let stranger = [("POSTHASTE_SERVER", server.http.base()), ("POSTHASTE_API_KEY", "wrong")];
    assert_eq!(run(&["events", "list"], &stranger).await.code, Some(1));
    let nobody = testkit::receiver::Nobody::refusing();
    let url = format!("http://{}", nobody.address());
    let unreachable = run(&["events", "list"], &[("POSTHASTE_SERVER", &url), ("POSTHASTE_API_KEY", KEY)]).await;
    assert_eq!(unreachable.code, Some(1));
    assert!(unreachable.errors.contains(&nobody.address().to_string()), "{}", unreachable.errors);
}

#[tokio::test]
async fn wrong_words_end_with_2() {
    for words in [
        &["frobnicate"][..],
        &["webhooks", "register"],
        &["events", "send"],
        &["events", "send", "a.b", "--data", "{"],
        &["deliveries", "list", "--status", "lost"],
        &["deliveries", "list", "--colour", "red"],
        &["events", "list", "--output", "xml"],
        &[],
    ] {
        let done = run(words, &[]).await;
        assert_eq!(done.code, Some(2), "{words:?}: {}{}", done.output, done.errors);
        assert!(!done.errors.is_empty(), "{words:?}");
    }
}

#[tokio::test]
async fn bad_configuration_ends_with_64_and_names_every_mistake_with_its_key_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("posthaste.toml");
    std::fs::write(&file, "listen = \"nowhere\"\ncolour = \"red\"\n\n[network]\nallow_http = \"perhaps\"\n").unwrap();
    let file = file.to_str().unwrap();
    let data = directory.path().join("data");
    let data = data.to_str().unwrap();
    for words in [&["serve", "--config", file, "--data-dir", data][..], &["config", "check", "--config", file]] {
        let done = run(words, &[("POSTHASTE_GRACE", "soon")]).await;
        assert_eq!(done.code, Some(64), "{}", done.errors);
        for part in ["listen", "colour", "allow_http", "POSTHASTE_GRACE", "1", "2", "5"] {
            assert!(done.errors.contains(part), "{part} is not in\n{}", done.errors);
        }
        assert!(done.errors.lines().count() >= 4, "{}", done.errors);
    }
    let missing = run(&["serve", "--config", "/no/such/file.toml", "--data-dir", data], &[]).await;
    assert_eq!(missing.code, Some(64), "{}", missing.errors);
}

#[tokio::test]
async fn an_admin_key_of_fewer_than_16_characters_ends_the_start_with_64() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let words = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()];
    let short = "fifteen-letters";
    let refused = run(&words, &[("POSTHASTE_ADMIN_KEY", short)]).await;
    assert_eq!(refused.code, Some(64), "{}", refused.errors);
    for part in ["POSTHASTE_ADMIN_KEY", "at least 16 characters"] {
        assert!(refused.errors.contains(part), "{part} is not in\n{}", refused.errors);
    }
    assert!(!refused.errors.contains(short), "what may be a key is not repeated: {}", refused.errors);
    assert!(!data.exists(), "nothing was begun");

    let mut taken = Process::start(PROGRAM, &words, &[("POSTHASTE_ADMIN_KEY", "sixteen-letters!")]);
    taken.prints("listening on ").await;
}

#[tokio::test]
async fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("posthaste.toml");
    std::fs::write(&file, "listen = \"127.0.0.1:1\"\ndata_dir = \"/proc/nowhere\"\n").unwrap();
    let data = directory.path().join("data");
    let words = ["serve", "--config", file.to_str().unwrap(), "--listen", "127.0.0.1:0"];
    let variables = [("POSTHASTE_LISTEN", "127.0.0.1:2"), ("POSTHASTE_DATA_DIR", data.to_str().unwrap())];
    let mut process = Process::start(PROGRAM, &words, &variables);
    process.prints("listening on http://127.0.0.1:").await;
    assert!(data.join("admin.key").exists());
}

#[tokio::test]
async fn the_first_start_makes_an_admin_key_prints_it_once_and_keeps_it() {
    let place = Place::fresh().await;
    let words = [&["serve", "--listen", "127.0.0.1:0"], place.flags().as_slice()].concat();
    let mut first = Process::start(PROGRAM, &words, &[]);
    let line = first.prints("listening on ").await;
    let path = place.data_dir().join("admin.key");
    let key = std::fs::read_to_string(&path).expect("it is kept").trim().to_owned();
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let http = testkit::http::Http::new(line.trim_start_matches("listening on ")).key(&key);
    assert_eq!(http.get("/v1/projects").await.status, 200);
    first.signal("TERM").await;
    first.ended().await;
    let told = first.output() + &first.errors();
    assert_eq!(told.matches(&key).count(), 1, "{told}");

    let mut second = Process::start(PROGRAM, &words, &[]);
    second.prints("listening on ").await;
    second.signal("TERM").await;
    second.ended().await;
    assert!(!(second.output() + &second.errors()).contains(&key));
}

#[tokio::test]
async fn the_demo_shows_failures_and_successes_and_where_to_look() {
    let mut demo = Process::start(PROGRAM, &["demo", "--listen", "127.0.0.1:0"], &[]);
    demo.prints("http://127.0.0.1:").await;
    // One receiver is healthy, the other fails twice before it answers.
    demo.prints(" 204").await;
    demo.prints(" 500").await;
    demo.prints("attempt 3").await;
    demo.signal("INT").await;
    assert_eq!(demo.ended().await.code(), Some(0), "{}", demo.errors());
    assert!(!demo.output().contains('\u{1b}'), "colours are for terminals");
}

#[tokio::test]
async fn migrate_makes_a_database_that_serve_takes() {
    let place = Place::fresh().await;
    let words = [&["migrate"], place.flags().as_slice()].concat();
    run(&words, &[]).await.ok();
    run(&words, &[]).await.ok();
    let server = Running::start(&place, &[]).await;
    assert_eq!(server.http.get("/readyz").await.status, 200);
}
