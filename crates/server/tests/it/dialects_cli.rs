//! Dialects at a prompt, without a server: what is wrong with a file, what differs, what a captured request says.

use std::path::PathBuf;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::process::Process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_posthaste");

struct Done {
    code: Option<i32>,
    output: String,
    errors: String,
}

/// Files in a directory, and a program that looks at them.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a file and gives back its path.
    fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file is written");
        path.to_str().expect("a path is text").to_owned()
    }
}

/// `posthaste dialects …`, where no server listens.
async fn dialects(words: &[&str]) -> Done {
    let nobody = testkit::receiver::Nobody::refusing();
    let url = format!("http://{}", nobody.address());
    let variables = [("POSTHASTE_SERVER", url.as_str()), ("POSTHASTE_DATA_DIR", "/nowhere")];
    let mut process = Process::start(PROGRAM, &[&["dialects"], words].concat(), &variables);
    let code = process.ended().await.code();
    Done { code, output: process.output(), errors: process.errors() }
}

const ACME: &str = "name = \"acme\"\ntitle = \"Acme\"\n\n[headers]\nX-Acme-Event = \"{{event.type}}\"\n\n[[signatures]]\n\
    header = \"X-Acme-Signature\"\nkey = \"utf8\"\nsigns = \"{{body}}\"\nencoding = \"hex\"\nformat = \"sha256={{signature}}\"\n";
const WRONG: &str = "name = \"Acme\"\n\n[retry]\njitter = 7\nschedule = [\"soon\"]\ncolour = \"red\"\n";

#[tokio::test]
async fn every_mistake_in_a_dialect_file_is_told_with_its_line_and_key() {
    let desk = Desk::new();
    let file = desk.write("wrong.toml", "name = \"Acme\"\n\n[retry]\njitter = 7\nschedule = [\"soon\"]\n");
    let done = dialects(&["check", &file]).await;
    assert_eq!(done.code, Some(1), "{}{}", done.output, done.errors);
    let lines: Vec<&str> = done.errors.lines().collect();
    for (line, place) in lines.iter().zip(["1: name: ", "4: retry.jitter: ", "5: retry.schedule[0]: "]) {
        assert!(line.starts_with(&format!("{file}:{place}")), "{place}: {line}");
    }
    assert_eq!(lines.len(), 3, "{}", done.errors);

    let unknown = dialects(&["check", &desk.write("unknown.toml", WRONG)]).await;
    assert!(unknown.errors.contains("colour"), "{}", unknown.errors);
}

#[tokio::test]
async fn a_dialect_file_without_mistakes_is_ok_in_toml_and_in_json() {
    let desk = Desk::new();
    let json = json!({ "name": "acme", "signatures": [{ "header": "X-A", "format": "{{signature}}" }] }).to_string();
    for file in [desk.write("a.toml", ACME), desk.write("a.json", &json), desk.write("json", &json)] {
        let done = dialects(&["check", &file]).await;
        assert_eq!(done.code, Some(0), "{}", done.errors);
        assert!(done.output.contains("ok: acme") && done.output.contains("1 signature,"), "{}", done.output);
    }
    let wrong = desk.write("b.json", r#"{"name": "acme", "retry": {"jitter": 7}}"#);
    let done = dialects(&["check", &wrong]).await;
    assert_eq!(done.code, Some(1));
    assert!(done.errors.starts_with(&format!("{wrong}: retry.jitter: ")), "{}", done.errors);
    let missing = dialects(&["check", "/no/such/file.toml"]).await;
    assert_eq!(missing.code, Some(2), "{}", missing.errors);
    assert!(missing.errors.contains("/no/such/file.toml cannot be read"), "{}", missing.errors);
}

/// A request as an older system sends it.
fn captured(secret: &str) -> Value {
    let body = r#"{"event":"order.paid","id":"evt_1","data":{"id":7}}"#;
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"a plain text secret"), body.as_bytes());
    json!({
        "method": "POST",
        "headers": {
            "Host": "example.com",
            "X-Acme-Event": "order.paid",
            "X-Acme-Signature": format!("sha256={}", HEXLOWER.encode(tag.as_ref())),
        },
        "body": body,
        "secret": secret,
    })
}

#[tokio::test]
async fn a_captured_request_becomes_a_dialect_file_that_makes_it_again() {
    let desk = Desk::new();
    let sample = desk.write("request.json", &captured("a plain text secret").to_string());
    let done = dialects(&["check", "--sample", &sample]).await;
    assert_eq!(done.code, Some(0), "{}", done.errors);
    assert!(done.errors.contains("found: X-Acme-Signature: hmac-sha256 over {{body}}"), "{}", done.errors);
    assert!(done.errors.contains("byte for byte"), "{}", done.errors);

    let file = desk.write("acme.toml", &done.output);
    assert_eq!(dialects(&["check", &file]).await.code, Some(0), "{}", done.output);
    let same = dialects(&["check", &file, "--sample", &sample]).await;
    assert_eq!(same.code, Some(0), "{}{}", same.output, same.errors);
    assert!(same.output.contains("makes the request"), "{}", same.output);

    let other = dialects(&["check", &desk.write("other.toml", "name = \"acme\""), "--sample", &sample]).await;
    assert_eq!(other.code, Some(1));
    for part in ["webhook-signature", "X-Acme-Event", "body", "does not make the request"] {
        assert!(other.output.contains(part), "{part} is not in\n{}", other.output);
    }
}

#[tokio::test]
async fn a_captured_request_that_is_not_explained_ends_with_1_and_says_why() {
    let desk = Desk::new();
    let sample = desk.write("request.json", &captured("the wrong secret").to_string());
    let done = dialects(&["check", "--sample", &sample]).await;
    assert_eq!(done.code, Some(1));
    assert!(done.errors.contains("likely the secret is another"), "{}", done.errors);
    assert!(!(done.output + &done.errors).contains("the wrong secret"), "secrets are not printed");

    let broken = desk.write("broken.json", r#"{"headers": {"X": 1}, "body": {}, "secret": 7}"#);
    let done = dialects(&["check", "--sample", &broken]).await;
    assert_eq!(done.code, Some(1));
    for field in ["headers.X", "body", "secret"] {
        assert!(done.errors.contains(&format!("{broken}: {field}: ")), "{field} is not in\n{}", done.errors);
    }
}

#[tokio::test]
async fn the_built_in_dialects_are_listed_and_shown_without_a_server() {
    let listed = dialects(&["list"]).await;
    assert_eq!(listed.code, Some(0), "{}", listed.errors);
    assert!(listed.output.contains("standard") && listed.output.contains("Standard Webhooks"), "{}", listed.output);
    assert!(listed.errors.contains("own dialects are not shown: there is no API key"), "{}", listed.errors);
    let asked = dialects(&["list", "--api-key", "k", "--output", "json"]).await;
    assert!(asked.errors.contains("own dialects are not shown: no server listens"), "{}", asked.errors);
    let json: Value = serde_json::from_str(&asked.output).expect("JSON");
    let names: Vec<&str> =
        json["data"].as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, dialect::built_in_names().collect::<Vec<_>>());

    let shown = dialects(&["show", "standard"]).await;
    assert_eq!(shown.output, dialect::built_in_text("standard").expect("it is built in").trim_end());
    let json = dialects(&["show", "standard", "--output", "json"]).await;
    let json: Value = serde_json::from_str(&json.output).expect("JSON");
    assert_eq!(json["retry"]["retry_after"]["max"], "1d");

    let unknown = dialects(&["show", "nobody"]).await;
    assert_eq!(unknown.code, Some(2), "{}", unknown.errors);
    assert!(unknown.errors.contains("nobody does not come with Posthaste"), "{}", unknown.errors);
}

#[tokio::test]
async fn two_dialects_are_compared_setting_by_setting() {
    let desk = Desk::new();
    let file = desk.write("a.toml", ACME);
    let differs = dialects(&["diff", "standard", &file]).await;
    assert_eq!(differs.code, Some(1), "{}", differs.errors);
    for part in
        ["signatures[0].format", "\"v1,{{signature}}\"", "\"sha256={{signature}}\"", "headers.webhook-id", "(none)"]
    {
        assert!(differs.output.contains(part), "{part} is not in\n{}", differs.output);
    }
    assert!(!differs.output.contains("retry"), "what is left out is as in standard:\n{}", differs.output);
    let json = dialects(&["diff", "standard", &file, "--output", "json"]).await;
    let json: Value = serde_json::from_str(&json.output).expect("JSON");
    let name = json["data"].as_array().expect("a list").iter().find(|item| item["key"] == "name");
    assert_eq!(name, Some(&json!({ "key": "name", "a": "\"standard\"", "b": "\"acme\"" })));

    let same = dialects(&["diff", &file, &file]).await;
    assert_eq!((same.code, same.output.as_str()), (Some(0), ""));
    for wrong in [desk.write("wrong.toml", WRONG), "/no/such.toml".to_owned(), "nobody".to_owned()] {
        let done = dialects(&["diff", "standard", &wrong]).await;
        assert_eq!(done.code, Some(2), "{wrong}: {}", done.errors);
        assert!(done.errors.contains(&wrong), "{}", done.errors);
    }
}
