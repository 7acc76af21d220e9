//! What words become, and what a person sees of a server's answers.

mod scripted;

use model::time::Timestamp;
use serde_json::{Value, json};

use self::scripted::Scripted;
use super::outcome::{CommandError, Printed};
use super::*;
use crate::output::OutputStyle;

/// 2026-01-31T09:30:00Z
const NOW: Timestamp = Timestamp::from_millis(1_769_851_800_000);

fn parsed(args: &[&str]) -> Command {
    parse([&["posthaste"], args].concat()).unwrap_or_else(|error| panic!("{args:?}: {error}"))
}

fn client(args: &[&str]) -> ClientCommand {
    match parsed(args) {
        Command::Client(client) => *client,
        other => panic!("{args:?} asks no server: {other:?}"),
    }
}

/// Runs a command in an environment of its own, far from the developer's `posthaste-data`.
fn run(args: &[&str], environment: &[(&str, &str)]) -> Result<Printed, CommandError> {
    let nowhere = [("POSTHASTE_DATA_DIR", "/nowhere")];
    let pairs = nowhere.iter().chain(environment).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(client(args).perform(&pairs.collect(), NOW, OutputStyle::default()))
}

/// Runs a command on dialects against a server.
fn dialects(server: &Scripted, args: &[&str]) -> Result<Printed, CommandError> {
    let args = [&["dialects"], args, &["--server", &server.url, "--api-key", "k"]].concat();
    let Command::Dialects(command) = parsed(&args) else { panic!("{args:?} is not about dialects") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(command.perform(&Environment::default(), OutputStyle::default()))
}

fn ask(server: &Scripted, args: &[&str]) -> Result<Printed, CommandError> {
    run(&[args, &["--server", &server.url]].concat(), &[])
}

#[test]
fn commands_become_requests() {
    let cases: &[(&str, &str, Value)] = &[
        ("webhooks list", "GET /v1/endpoints", Value::Null),
        ("webhooks show ep_1", "GET /v1/endpoints/ep_1", Value::Null),
        ("webhooks show ../keys", "GET /v1/endpoints/..%2Fkeys", Value::Null),
        ("webhooks show ..", "GET /v1/endpoints/%2E%2E", Value::Null),
        ("webhooks register --url=https://a.example/", "POST /v1/endpoints", json!({ "url": "https://a.example/" })),
        (
            "webhooks register --name=shop --on=order.created,order.* --url=https://a.example/ --paused --ordering fifo",
            "POST /v1/endpoints",
            json!({ "url": "https://a.example/", "name": "shop", "events": ["order.created", "order.*"], "active": false, "ordering": "fifo" }),
        ),
        (
            "webhooks register --url=u --header A:1 --header B:2 --rate-limit 100/1s --timeout 5s --retry 1s,5m --metadata {\"n\":1.0}",
            "POST /v1/endpoints",
            json!({
                "url": "u", "headers": { "A": "1", "B": "2" }, "rate_limit": { "requests": 100, "per": "1s" },
                "timeout_ms": 5000, "retry": { "schedule": ["1s", "5m"] }, "metadata": { "n": 1.0 },
            }),
        ),
        (
            "webhooks update ep_1 --auth-bearer t",
            "PATCH /v1/endpoints/ep_1",
            json!({ "auth": { "type": "bearer", "token": "t" } }),
        ),
        (
            "webhooks update ep_1 --auth-basic u:p:q --clear timeout,name",
            "PATCH /v1/endpoints/ep_1",
            json!({ "auth": { "type": "basic", "username": "u", "password": "p:q" }, "timeout_ms": null, "name": null }),
        ),
        (
            "webhooks register --url https://a.example/ --filter event.data.amount>100",
            "POST /v1/endpoints",
            json!({ "url": "https://a.example/", "filter": "event.data.amount>100" }),
        ),
        ("webhooks update ep_1 --clear filter", "PATCH /v1/endpoints/ep_1", json!({ "filter": null })),
        ("webhooks pause ep_1", "POST /v1/endpoints/ep_1/pause", Value::Null),
        ("webhooks resume ep_1", "POST /v1/endpoints/ep_1/resume", Value::Null),
        ("webhooks test ep_1", "POST /v1/endpoints/ep_1/test", Value::Null),
        ("webhooks rotate-secret ep_1", "POST /v1/endpoints/ep_1/rotate-secret", json!({})),
        (
            "webhooks rotate-secret ep_1 --overlap 0s",
            "POST /v1/endpoints/ep_1/rotate-secret",
            json!({ "overlap": "0s" }),
        ),
        ("webhooks executions ep_1 --status failed", "GET /v1/endpoints/ep_1/deliveries?status=failed", Value::Null),
        (
            "webhooks recover ep_1 --since 24h --only missed",
            "POST /v1/endpoints/ep_1/recover",
            json!({ "since": "2026-01-30T09:30:00.000Z", "only": "missed" }),
        ),
        ("webhooks delete ep_1", "DELETE /v1/endpoints/ep_1", Value::Null),
        ("events send a.b", "POST /v1/events", json!({ "type": "a.b", "data": {} })),
        (
            "events send a.b --data [1] --id e1 --tenant t --deliver-at 1h --expires-at 2026-02-01T00:00:00Z",
            "POST /v1/events",
            json!({
                "type": "a.b", "data": [1], "id": "e1", "tenant": "t",
                "deliver_at": "2026-01-31T10:30:00.000Z", "expires_at": "2026-02-01T00:00:00.000Z",
            }),
        ),
        ("events list --type a.b --tenant ä&b", "GET /v1/events?type=a.b&tenant=%C3%A4%26b", Value::Null),
        ("events show e1", "GET /v1/events/e1", Value::Null),
        ("events types", "GET /v1/event-types", Value::Null),
        ("events types --group Orders", "GET /v1/event-types?group=Orders", Value::Null),
        ("events types show order.paid", "GET /v1/event-types/order.paid", Value::Null),
        ("webhooks test ep_1", "POST /v1/endpoints/ep_1/test", Value::Null),
        ("webhooks test ep_1 --type order.paid", "POST /v1/endpoints/ep_1/test", json!({ "event_type": "order.paid" })),
        (
            "webhooks register --url u --template {\"text\":\"{{summary}}\"} --provider slack",
            "POST /v1/endpoints",
            json!({ "url": "u", "template": { "text": "{{summary}}" }, "provider": "slack" }),
        ),
        (
            "webhooks update ep_1 --clear template,provider",
            "PATCH /v1/endpoints/ep_1",
            json!({ "template": null, "provider": null }),
        ),
        ("events replay e1", "POST /v1/events/e1/replay", Value::Null),
        (
            "deliveries list --endpoint ep_1 --event-type a --event e --status-code 503 --since 5m --until 2026-01-31T09:29:00Z",
            "GET /v1/deliveries?endpoint=ep_1&event_type=a&event=e&status_code=503&since=2026-01-31T09%3A25%3A00.000Z&until=2026-01-31T09%3A29%3A00.000Z",
            Value::Null,
        ),
        ("deliveries show d1", "GET /v1/deliveries/d1", Value::Null),
        ("deliveries retry d1", "POST /v1/deliveries/d1/retry", Value::Null),
        ("projects create --name Acme", "POST /v1/projects", json!({ "name": "Acme" })),
        ("projects update prj_1 --dialect acme", "PATCH /v1/projects/prj_1", json!({ "dialect": "acme" })),
        (
            "projects update prj_1 --retention-contents 90d --retention-attempt-bodies default",
            "PATCH /v1/projects/prj_1",
            json!({ "retention": { "contents": "90d", "attempt_bodies": null } }),
        ),
        ("projects delete prj_1", "DELETE /v1/projects/prj_1", Value::Null),
        (
            "keys create --name ci --scopes events:write,read",
            "POST /v1/keys",
            json!({ "name": "ci", "scopes": ["events:write", "read"] }),
        ),
        ("keys revoke key_1", "DELETE /v1/keys/key_1", Value::Null),
        ("jobs show job_1", "GET /v1/jobs/job_1", Value::Null),
        ("jobs cancel job_1", "DELETE /v1/jobs/job_1", Value::Null),
    ];
    for (args, line, body) in cases {
        let call = client(&args.split(' ').collect::<Vec<_>>()).resource.call(NOW).unwrap().request;
        assert_eq!(format!("{} {}", call.method, call.path), *line, "{args}");
        let sent = call.body.map_or(Value::Null, |text| serde_json::from_str(&text).unwrap());
        assert_eq!(sent, *body, "{args}");
    }
}

#[test]
fn what_asks_no_server_is_parsed_alone() {
    assert!(matches!(parsed(&["serve", "--listen", "nonsense"]), Command::Serve(_)));
    assert!(matches!(parsed(&["migrate", "--data-dir", "x"]), Command::Migrate(_)));
    assert!(matches!(parsed(&["openapi"]), Command::OpenApi));
    assert!(matches!(parsed(&["config", "print"]), Command::Config(ConfigWords::Print)));
    assert!(matches!(parsed(&["config", "check", "--config", "x"]), Command::Config(ConfigWords::Check(_))));
    assert!(matches!(parsed(&["demo", "--listen", "[::1]:1"]), Command::Demo(Demo { listen: Some(_) })));
    let rotate = parsed(&["keys", "rotate-master", "--new-key-file", "n", "--data-dir", "x"]);
    assert!(matches!(rotate, Command::RotateMasterKey(RotateMasterKey { new_key_file: Some(_), .. })));
}

#[test]
fn wrong_words_end_with_2_and_help_with_0() {
    let cases = [
        ("", 2),
        ("serv", 2),
        ("serve --admin-key x", 2),
        ("serve --listen a --listen b", 2),
        ("webhooks register", 2),
        ("webhooks register --url u --auth-bearer a --auth-basic b:c", 2),
        ("webhooks register --url u --rate-limit fast", 2),
        ("webhooks update ep_1 --clear url", 2),
        ("webhooks recover ep_1", 2),
        ("events send a.b --data {", 2),
        ("events send a.b --data {} -", 2),
        ("events send a.b {}", 2),
        ("events types --group g show a.b", 2),
        ("webhooks register --url u --template /nowhere/template.json", 2),
        ("webhooks register --url u --provider fax", 2),
        ("events list --since yesterday", 2),
        ("deliveries list --status lost", 2),
        ("deliveries list --limit 0", 2),
        ("keys create --name n --scopes everything", 2),
        ("dialects check", 2),
        ("dialects diff standard", 2),
        ("dialects put", 2),
        ("help", 0),
        ("--version", 0),
        ("webhooks register --help", 0),
    ];
    for (args, code) in cases {
        let typed = ["posthaste"].into_iter().chain(args.split(' ').filter(|word| !word.is_empty()));
        assert_eq!(parse(typed).unwrap_err().exit_code(), code, "{args}");
    }
}

#[test]
fn dialects_are_put_and_deleted_at_a_server() {
    let dir = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (toml, json) = (write("a.toml", "# mine\nname = \"acme\"\n"), write("a.json", r#"{"name": "acme"}"#));
    let wrong = write("wrong.toml", "name = \"acme\"\nretry.jitter = 7\n");

    let server = Scripted::new([(200, "{}"), (200, "{}"), (204, ""), (200, "{}")]);
    assert_eq!(dialects(&server, &["put", &toml]).unwrap().text, "put acme\n");
    let asked = server.asked();
    assert_eq!((asked.line.as_str(), asked.body.as_str()), ("PUT /v1/dialects/acme", "# mine\nname = \"acme\"\n"));
    assert!(asked.headers.contains("content-type: application/toml"), "{}", asked.headers);

    assert_eq!(dialects(&server, &["put", &json, "--name", "other"]).unwrap().text, "put other\n");
    let asked = server.asked();
    assert_eq!((asked.line.as_str(), asked.body.as_str()), ("PUT /v1/dialects/other", r#"{"name": "acme"}"#));
    assert!(asked.headers.contains("content-type: application/json"), "{}", asked.headers);

    assert_eq!(dialects(&server, &["delete", "acme"]).unwrap().text, "deleted acme\n");
    assert_eq!(server.asked().line, "DELETE /v1/dialects/acme");

    let Err(CommandError::No(told)) = dialects(&server, &["put", &wrong]) else { panic!("a wrong file is not sent") };
    assert_eq!(told.note.unwrap().split(": ").nth(1), Some("retry.jitter"));
}

#[test]
fn a_projects_own_dialects_are_listed_and_shown() {
    let list = r#"{"data":[{"name":"standard","title":"Standard Webhooks","built_in":true,"updated_at":null},
        {"name":"acme","title":"Acme","built_in":false,"updated_at":"2026-01-31T09:30:00.000Z"}],"next_cursor":null}"#;
    let server = Scripted::new([(200, list), (200, "# mine\nname = \"acme\"\n"), (200, "name = \"acme\"\n")]);
    let listed = dialects(&server, &["list"]).unwrap();
    assert_eq!(listed.note, None);
    assert!(listed.text.contains("acme") && listed.text.contains("2026-01-31"), "{}", listed.text);
    assert_eq!(server.asked().line, "GET /v1/dialects?limit=50");

    assert_eq!(dialects(&server, &["show", "acme"]).unwrap().text, "# mine\nname = \"acme\"\n");
    let asked = server.asked();
    assert_eq!(asked.line, "GET /v1/dialects/acme");
    assert!(asked.headers.contains("accept: application/toml"), "{}", asked.headers);

    let Err(CommandError::No(differs)) = dialects(&server, &["diff", "standard", "acme"]) else {
        panic!("they differ")
    };
    assert!(differs.text.contains("\"standard\"") && differs.text.contains("\"acme\""), "{}", differs.text);
    assert!(!differs.text.contains("jitter"), "what is left out is as in standard: {}", differs.text);
}

#[test]
fn toml_is_for_dialects_alone() {
    let failure = run(&["events", "list", "--output", "toml"], &[]).unwrap_err();
    assert_eq!(failure.code(), exit::WRONG_WORDS);
}

#[test]
fn help_pages_show_the_flags_that_matter() {
    let page = |args: &[&str]| parse([&["posthaste"], args].concat()).unwrap_err().to_string();
    let serve = page(&["serve", "--help"]);
    assert!(serve.contains("--allow-network <CIDR>") && serve.contains("POSTHASTE_LISTEN"), "{serve}");
    assert!(!serve.contains("--api-key") && serve.contains("--database-url"), "{serve}");
    assert!(page(&["events", "list", "--help"]).contains("--api-key"));
    assert!(!page(&["dialects", "check", "--help"]).contains("--api-key"));
    assert!(page(&["dialects", "put", "--help"]).contains("--api-key"));
    let rotate = page(&["keys", "rotate-master", "--help"]);
    assert!(rotate.contains("--data-dir") && rotate.contains("--database-url"));
    assert!(!rotate.contains("--proxy") && !rotate.contains("--api-key"), "{rotate}");
}

#[test]
fn pausing_and_resuming_say_what_becomes_of_events_meanwhile_and_so_does_their_help() {
    for verb in ["pause", "resume"] {
        let paused = Scripted::new([(200, r#"{"id":"ep_1","status":"paused"}"#)]);
        let note = ask(&paused, &["webhooks", verb, "ep_1"]).unwrap().note.unwrap();
        assert!(note.contains("not kept for it") && note.contains("--only missed"), "{verb}: {note}");
        let help = parse(["posthaste", "webhooks", verb, "--help"]).unwrap_err().to_string();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(help.contains("recover --only missed") && help.contains("not kept for it"), "{verb}: {help}");
        let json = Scripted::new([(200, r#"{"id":"ep_1"}"#)]);
        assert_eq!(ask(&json, &["webhooks", verb, "ep_1", "--output=json"]).unwrap().note, None, "machines know");
    }
}

#[test]
fn registering_prints_the_id_and_the_secret() {
    let answer = r#"{"id":"ep_1","url":"https://a.example/","secret":"whsec_x","status":"active","failure_count":0}"#;
    let server = Scripted::new([(201, answer)]);
    let printed =
        ask(&server, &["webhooks", "register", "--url=https://a.example/", "--api-key", "k", "--project=acme"]);
    let printed = printed.unwrap();
    assert_eq!(printed.text, "id      ep_1\nsecret  whsec_x\nstatus  active\n");
    assert!(printed.note.unwrap().contains("not shown again"));
    let asked = server.asked();
    assert!(asked.headers.contains("authorization: bearer k") && asked.headers.contains("posthaste-project: acme"));
    assert!(asked.headers.contains("content-type: application/json"), "{}", asked.headers);
}

#[test]
fn data_is_sent_as_it_was_written_whatever_it_came_by() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("data.json");
    std::fs::write(&path, "{\"b\": 1.00, \"a\": 12345678901234567890123}\n").unwrap();
    for args in [["--file", path.to_str().unwrap()], ["--data", "{\"b\": 1.00, \"a\": 12345678901234567890123}"]] {
        let server = Scripted::new([(202, r#"{"id":"evt_1","type":"a.b","deliveries":2}"#)]);
        let sent =
            ask(&server, &[&["events", "send", "a.b", "--idempotency-key", "i1"], args.as_slice()].concat()).unwrap();
        assert_eq!(sent.text, "id          evt_1\ntype        a.b\ndeliveries  2\n");
        let asked = server.asked();
        assert_eq!(asked.body, r#"{"data":{"b": 1.00, "a": 12345678901234567890123},"type":"a.b"}"#);
        assert!(asked.headers.contains("idempotency-key: i1"));
    }
}

#[test]
fn data_that_cannot_be_read_is_wrong_words() {
    let dir = tempfile::TempDir::new().unwrap();
    let path = dir.path().join("data.json");
    std::fs::write(&path, "{oops").unwrap();
    for path in [path.to_str().unwrap(), "/nowhere/data.json"] {
        let failure = run(&["events", "send", "a.b", "--file", path], &[]).unwrap_err();
        assert_eq!(failure.code(), exit::WRONG_WORDS);
        assert!(failure.to_string().starts_with(path), "{failure}");
    }
}

#[test]
fn a_list_is_followed_to_its_limit() {
    let page = |ids: &[&str], next: Option<&str>| {
        let data: Vec<Value> =
            ids.iter().map(|id| json!({ "id": id, "type": "a.b", "deliveries": 1, "new": {} })).collect();
        json!({ "data": data, "next_cursor": next }).to_string()
    };
    let (first, second) = (page(&["e1", "e2"], Some("c 1")), page(&["e3"], None));

    let server = Scripted::new([(200, &first), (200, &second)]);
    let all = ask(&server, &["events", "list", "--type=a.b"]).unwrap();
    assert_eq!(all.text, "ID  TYPE  DELIVERIES\ne1  a.b   1\ne2  a.b   1\ne3  a.b   1\n");
    assert_eq!(all.note, None);
    assert_eq!(server.asked().line, "GET /v1/events?type=a.b&limit=50");
    assert_eq!(server.asked().line, "GET /v1/events?type=a.b&limit=48&cursor=c%201");

    let server = Scripted::new([(200, first.as_str())]);
    let two = ask(&server, &["events", "list", "--limit", "2"]).unwrap();
    assert!(two.note.unwrap().contains("--cursor c 1"));
    assert_eq!(server.asked().line, "GET /v1/events?limit=2");

    let server = Scripted::new([(200, &first), (200, &second)]);
    ask(&server, &["events", "list", "--cursor", "c 0"]).unwrap();
    assert_eq!(server.asked().line, "GET /v1/events?limit=50&cursor=c%200");
    assert_eq!(server.asked().line, "GET /v1/events?limit=48&cursor=c%201");

    let server = Scripted::new([(200, &first), (200, &second)]);
    let json = ask(&server, &["events", "list", "--output=json"]).unwrap();
    let json: Value = serde_json::from_str(&json.text).unwrap();
    assert_eq!((json["data"].as_array().unwrap().len(), &json["next_cursor"]), (3, &Value::Null));
    assert!(json["data"][2]["new"].is_object());

    let none = ask(&Scripted::new([(200, r#"{"data":[],"next_cursor":null}"#)]), &["events", "list"]).unwrap();
    assert_eq!(none, Printed { text: String::new(), note: Some("Nothing found.".into()) });
}

const DELIVERY: &str = r#"{"event_type":"a.b","id":"d1","status":"failed","brand_new":7,"tenant":null,"attempts":[
    {"number":1,"started_at":"2026-01-31T09:30:00.000Z","duration_ms":12,"status_code":503,"response_body":"no\u001b[2J\nway",
     "error":{"kind":"status","message":"answered 503, not a 2xx"},
     "request_headers":{"content-type":"application/json","webhook-id":"e1"},"response_headers":{"server":"x\u001b[2J"}},
    {"number":2,"started_at":"2026-01-31T09:31:00.000Z","duration_ms":9,"error":{"kind":"dns","message":"no such name"},
     "request_headers":{"webhook-id":"e1"},"response_headers":{},"response_body":""},
    {"number":3,"status_code":200,"request_headers":{},"response_headers":{},"response_body":"cut of","response_truncated":true}],
    "request_body":"{\"id\":1.00}"}"#;

const DELIVERY_SHOWN: &str = "\
id          d1
event_type  a.b
status      failed
brand_new   7

attempts:
NUMBER  STARTED                   MS  CODE  ERROR
1       2026-01-31T09:30:00.000Z  12  503   answered 503, not a 2xx
2       2026-01-31T09:31:00.000Z  9         no such name
3                                     200

attempt 1, sent:
  content-type: application/json
  webhook-id: e1

attempt 1, answered 503:
  server: x\u{fffd}[2J

  no\u{fffd}[2J
  way

attempt 2, sent:
  webhook-id: e1

attempt 3, answered 200:
  cut of
  (there was more, which was not read)

request_body:
{\"id\":1.00}
";

#[test]
fn a_delivery_is_shown_with_its_attempts_and_its_body() {
    assert_eq!(ask(&Scripted::new([(200, DELIVERY)]), &["deliveries", "show", "d1"]).unwrap().text, DELIVERY_SHOWN);
    let tested = format!(r#"{{"delivery":{DELIVERY}}}"#);
    match ask(&Scripted::new([(200, &tested)]), &["webhooks", "test", "ep_1"]).unwrap_err() {
        CommandError::No(printed) => assert_eq!(printed.text, DELIVERY_SHOWN),
        other => panic!("{other}"),
    }
}

#[test]
fn an_event_is_shown_with_its_data_as_it_came() {
    let event = r#"{"id":"e1","type":"a.b","data":{"z":1.00,"a":12345678901234567890123},"deliveries":[{"id":"d1","status":"pending","attempt_count":0}]}"#;
    let expected = "\
id    e1
type  a.b

data:
{
  \"z\": 1.00,
  \"a\": 12345678901234567890123
}

deliveries:
ID  STATUS   ATTEMPTS
d1  pending  0
";
    assert_eq!(ask(&Scripted::new([(200, event)]), &["events", "show", "e1"]).unwrap().text, expected);
}

#[test]
fn json_is_the_servers_own() {
    let printed =
        ask(&Scripted::new([(200, r#"{"z":1.0,"a":[]}"#)]), &["jobs", "show", "job_1", "--output", "json"]).unwrap();
    assert_eq!(printed.text, "{\n  \"z\": 1.0,\n  \"a\": []\n}\n");
    let nothing = ask(&Scripted::new([(204, "")]), &["jobs", "cancel", "job_1", "--output", "json"]).unwrap();
    assert_eq!(nothing, Printed::default());
}

#[test]
fn what_was_deleted_is_named() {
    assert_eq!(ask(&Scripted::new([(204, "")]), &["webhooks", "delete", "ep_1"]).unwrap().text, "deleted ep_1\n");
}

#[test]
fn a_refusal_is_told_with_every_field_and_the_request() {
    let problem = r#"{"title":"Invalid request","status":422,"code":"invalid_request","detail":"Two fields are wrong.",
        "errors":[{"pointer":"/url","message":"must be https"},{"pointer":"/events/0","message":"no\u001b such type"}],"request_id":"req_1"}"#;
    let failure = ask(&Scripted::new([(422, problem)]), &["webhooks", "register", "--url=x"]).unwrap_err();
    let expected = "Two fields are wrong. (invalid_request)\n  /url  must be https\n  /events/0  no\u{fffd} such type\n  request req_1";
    assert_eq!((failure.to_string().as_str(), failure.code()), (expected, exit::FAILED));
}

#[test]
fn answers_of_others_are_told_apart() {
    let cases = [
        (
            422,
            r#"{"detail":"must be https","code":"c","errors":[{"pointer":"/url","message":"must be https"}]}"#,
            "must be https (c)\n  /url",
        ),
        (502, "<html>\nBad gateway", "the server answered 502: <html>"),
        (404, "", "the server answered 404"),
        (401, r#"{"detail":"Who are you?"}"#, "Who are you?\n  Name a key with --api-key or POSTHASTE_API_KEY."),
    ];
    for (status, body, expected) in cases {
        let failure = ask(&Scripted::new([(status, body)]), &["jobs", "show", "job_1"]).unwrap_err();
        assert_eq!(failure.to_string(), expected);
    }
    let stranger = ask(&Scripted::new([(200, "<html>")]), &["jobs", "show", "job_1"]).unwrap_err();
    assert!(stranger.to_string().contains("is not Posthaste"), "{stranger}");
}

#[test]
fn no_server_is_told_with_its_address_and_what_to_do() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let failure = run(&["webhooks", "list", "--server", &format!("http://{free}/")], &[]).unwrap_err();
    let text = failure.to_string();
    assert!(text.starts_with(&format!("no server listens at http://{free}\n")), "{text}");
    assert!(text.contains("posthaste serve") && failure.code() == exit::FAILED, "{text}");
    for text in ["127.0.0.1:8600", "localhost", "ftp://a", "http://", "http://a?b"] {
        assert_eq!(run(&["webhooks", "list", "--server", text], &[]).unwrap_err().code(), exit::WRONG_WORDS, "{text}");
    }
}

#[test]
fn the_environment_names_server_key_and_project() {
    let server = Scripted::new([(200, "{}")]);
    let environment = [
        ("POSTHASTE_SERVER", server.url.as_str()),
        ("POSTHASTE_API_KEY", "env-key"),
        ("POSTHASTE_PROJECT", "env-project"),
    ];
    run(&["--project", "typed", "jobs", "show", "job_1"], &environment).unwrap();
    let headers = server.asked().headers;
    assert!(headers.contains("bearer env-key") && headers.contains("posthaste-project: typed"), "{headers}");
}

#[test]
fn the_local_admin_key_is_for_the_local_server_alone() {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("admin.key"), "kept\n").unwrap();
    let environment = Environment::from([("POSTHASTE_DATA_DIR", dir.path().to_str().unwrap())]);
    let key =
        |args: &[&str]| client(&[&["webhooks", "list"], args].concat()).connection.server(&environment).unwrap().key;
    for here in ["http://127.0.0.1:8600", "http://localhost", "http://[::1]:8600"] {
        assert_eq!(key(&["--server", here]).as_deref(), Some("kept"), "{here}");
    }
    for elsewhere in ["https://hooks.example.com", "http://localhost.example.com", "http://10.0.0.1"] {
        assert_eq!(key(&["--server", elsewhere]), None, "{elsewhere}");
    }
    assert_eq!(key(&["--api-key", "typed"]).as_deref(), Some("typed"));
}
