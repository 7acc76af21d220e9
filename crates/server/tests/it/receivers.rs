//! The page for receivers: its code verifies what is really sent and nothing else, and its figures are the code's.

mod figures;
#[expect(unreachable_pub, reason = "as the page has it")]
mod in_rust;

use std::path::Path;

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use serde_json::{Value, json};
use testkit::receiver::{Received, Receiver};
use tokio::process::Command;

use crate::gateway::text;
use crate::peers;
use crate::place::Place;
use crate::running::Running;

const PAGE: &str = include_str!("../../../../docs/receivers.md");

/// The page's code, and a program around it that reads `{secret, headers, body}` a line and answers each with a line.
const PYTHON: &str = r#"
import sys, json
for line in sys.stdin:
    case = json.loads(line)
    print(json.dumps(verify(case["secret"], case["headers"], case["body"].encode())))
"#;

const NODE: &str = r#"
for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
  const { secret, headers, body } = JSON.parse(line);
  console.log(JSON.stringify(verify(secret, headers, Buffer.from(body))));
}
"#;

/// `package main`, beside the page's own package.
const GO: &str = r#"
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

func main() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var received struct {
			Secret  string
			Headers map[string]string
			Body    string
		}
		if err := json.Unmarshal(lines.Bytes(), &received); err != nil {
			panic(err)
		}
		header := func(name string) string { return received.Headers[name] }
		fmt.Println(Verify(received.Secret, header, []byte(received.Body)))
	}
}
"#;

/// A request as a receiver has it.
#[derive(Clone)]
struct Case {
    what: &'static str,
    secret: String,
    headers: Value,
    body: String,
    genuine: bool,
}

impl Case {
    fn of(received: &Received, secret: &str) -> Self {
        let headers = received.headers.iter().map(|(name, value)| (name.clone(), json!(value)));
        Self {
            what: "as it was sent",
            secret: secret.to_owned(),
            headers: Value::Object(headers.collect()),
            body: received.text().to_owned(),
            genuine: true,
        }
    }

    fn forged(&self, what: &'static str, change: impl FnOnce(&mut Self)) -> Self {
        let mut case = Self { what, genuine: false, ..self.clone() };
        change(&mut case);
        assert!(case.line() != self.line(), "nothing was changed: {what}");
        case
    }

    /// Made at another time, with a signature that is right.
    fn made(&self, what: &'static str, seconds: i64) -> Self {
        let at = self.seconds() + seconds;
        let key = BASE64.decode(self.secret.trim_start_matches("whsec_").as_bytes()).expect("base64");
        let signed = format!("{}.{at}.{}", text(&self.headers["webhook-id"]), self.body);
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), signed.as_bytes());
        self.forged(what, |case| {
            case.headers["webhook-timestamp"] = json!(at.to_string());
            case.headers["webhook-signature"] = json!(format!("v1,{}", BASE64.encode(signature.as_ref())));
        })
    }

    fn seconds(&self) -> i64 {
        text(&self.headers["webhook-timestamp"]).parse().expect("seconds")
    }

    fn line(&self) -> Value {
        json!({ "secret": self.secret, "headers": self.headers, "body": self.body })
    }
}

/// Requests of a real server on the clock on the wall, and what a stranger could make of one.
async fn cases() -> Vec<Case> {
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().start().await;
    let server = Running::start(&place, &[]).await;
    let endpoint = server.register(json!({ "url": receiver.url() })).await;
    let odd = r#"{"type": "order.paid", "data": { "price":1.00, "name" : "\u00e9é€𝄞 ", "n":12345678901234567890 }}"#;
    server.http.send(hyper::Method::POST, "/v1/events", odd.into()).await.expect(202);
    receiver.received(1).await;
    let rotate = format!("/v1/endpoints/{}/rotate-secret", text(&endpoint["id"]));
    let rotated = server.http.post(&rotate, &json!({ "overlap": "1h" })).await.expect(200);
    server.http.send(hyper::Method::POST, "/v1/events", odd.into()).await.expect(202);
    receiver.received(2).await;

    let (old, new) = (text(&endpoint["secret"]), text(&rotated["secret"]));
    let (first, second) = (Case::of(&receiver.requests()[0], &old), Case::of(&receiver.requests()[1], &old));
    let genuine = [
        first.clone(),
        Case { what: "by the old secret while it is changed", ..second.clone() },
        Case { what: "by the new one", secret: new.clone(), ..second },
        Case { genuine: true, ..first.made("from a clock that is a little late", -200) },
        Case { genuine: true, ..first.made("from a clock that is a little early", 200) },
    ];
    let absent =
        |name: &'static str| move |case: &mut Case| drop(case.headers.as_object_mut().expect("an object").remove(name));
    let forged = [
        first.forged("another body", |case| case.body = case.body.replace("1.00", "1.01")),
        first.forged("the body parsed and written anew", |case| {
            case.body = serde_json::from_str::<Value>(&case.body).expect("JSON").to_string();
        }),
        first.forged("another id", |case| case.headers["webhook-id"] = json!("evt_other")),
        first
            .forged("another time", |case| case.headers["webhook-timestamp"] = json!((case.seconds() + 1).to_string())),
        first.forged("a time that is none", |case| case.headers["webhook-timestamp"] = json!("yesterday")),
        first.forged("a time beyond all", |case| case.headers["webhook-timestamp"] = json!("9".repeat(5000))),
        first.forged("another secret", |case| case.secret = new),
        first.forged("a signature of another kind", |case| {
            case.headers["webhook-signature"] = json!(text(&case.headers["webhook-signature"]).replace("v1,", "v2,"));
        }),
        first.forged("part of a signature", |case| {
            let signature = text(&case.headers["webhook-signature"]);
            case.headers["webhook-signature"] = json!(&signature[..signature.len() - 4]);
        }),
        first.forged("an empty signature", |case| case.headers["webhook-signature"] = json!("v1, ")),
        first.forged("no signature", absent("webhook-signature")),
        first.forged("no time", absent("webhook-timestamp")),
        first.forged("no id", absent("webhook-id")),
        first.made("an old recording", -400),
        first.made("from tomorrow", 86_400),
    ];
    genuine.into_iter().chain(forged).collect()
}

/// A language's code on the page.
fn code(language: &str) -> &'static str {
    let opening = format!("```{language}\n");
    let (_, rest) = PAGE.split_once(&opening).unwrap_or_else(|| panic!("the page has no {language}"));
    rest.split_once("\n```").expect("a block ends").0
}

fn judge(language: &str, cases: &[Case], verdicts: &[Value]) {
    assert_eq!(verdicts.len(), cases.len(), "{language}");
    for (case, verdict) in cases.iter().zip(verdicts) {
        assert_eq!(*verdict, json!(case.genuine), "{language}: {}: {}", case.what, case.line());
    }
}

#[tokio::test]
async fn the_pages_code_accepts_what_is_sent_and_nothing_else() {
    let cases = cases().await;
    let lines: Vec<Value> = cases.iter().map(Case::line).collect();
    judge("Python", &cases, &peers::python(&format!("{}\n{PYTHON}", code("python")), &lines).await);
    judge("Node.js", &cases, &peers::node(&format!("{}\n{NODE}", code("javascript")), &lines).await);
    judge("Go", &cases, &in_go(&lines).await);
    assert!(
        include_str!("receivers/in_rust.rs").ends_with(&format!("\n\n{}\n", code("rust"))),
        "copy the page's Rust there"
    );
    judge("Rust", &cases, &cases.iter().map(in_rust).collect::<Vec<_>>());
}

fn in_rust(case: &Case) -> Value {
    let verdict = in_rust::verify(&case.secret, |name| case.headers[name].as_str(), case.body.as_bytes());
    json!(verdict.is_some())
}

/// Builds the page's Go beside a program that asks it.
async fn in_go(lines: &[Value]) -> Vec<Value> {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).expect("it can be written");
    write("verify.go", &code("go").replace("package webhooks", "package main"));
    write("main.go", GO);
    let program = directory.path().join("verify");
    let built = peers::go(directory.path()).args(["build", "-o"]).arg(&program).args(["verify.go", "main.go"]).output();
    let built = built.await.expect("go is installed");
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    ask(&program, lines).await
}

async fn ask(program: &Path, lines: &[Value]) -> Vec<Value> {
    peers::converse(Command::new(program), lines).await
}

#[test]
fn the_page_has_code_in_every_language_that_it_names() {
    for language in ["python", "javascript", "go", "rust", "ruby", "php", "java", "csharp"] {
        let code = code(language);
        let compares = [
            "compare_digest",
            "timingSafeEqual",
            "hmac.Equal",
            "verify_slice",
            "secure_compare",
            "hash_equals",
            "MessageDigest.isEqual",
            "FixedTimeEquals",
        ];
        assert_eq!(
            compares.iter().filter(|word| code.contains(**word)).count(),
            1,
            "{language} compares in constant time"
        );
        for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            assert!(code.contains(header), "{language} reads {header}");
        }
    }
}
