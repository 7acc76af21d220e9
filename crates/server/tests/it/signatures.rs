//! What is sent verifies with the code that receivers use, and nothing else does.

use model::env::Env as _;
use serde_json::{Value, json};
use testkit::receiver::{Received, Receiver};

use crate::gateway::{Gateway, text};
use crate::peers;

/// Reads `{library, secret, headers, body, now}` a line; answers whether the library accepts it. The libraries read the
/// system's clock, so it is set to the test's.
const PYTHON: &str = r#"
import sys, json
import standardwebhooks.webhooks as clocked
from standardwebhooks.webhooks import Webhook as Standard, WebhookVerificationError as StandardRefusal
from svix.webhooks import Webhook as Svix, WebhookVerificationError as SvixRefusal

real = clocked.datetime
for line in sys.stdin:
    case = json.loads(line)
    class Clock(real):
        @classmethod
        def now(cls, tz=None):
            return real.fromtimestamp(case["now"], tz)
    clocked.datetime = Clock
    library, refusal = {"standardwebhooks": (Standard, StandardRefusal), "svix": (Svix, SvixRefusal)}[case["library"]]
    try:
        payload = library(case["secret"]).verify(case["body"], case["headers"])
        print(json.dumps({"accepted": True, "payload": payload or json.loads(case["body"])}))
    except (refusal, StandardRefusal) as error:
        print(json.dumps({"accepted": False, "why": str(error)}))
"#;

const NODE: &str = r#"
const { Webhook, WebhookVerificationError } = require("standardwebhooks");
const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");
for (const line of lines) {
  const test = JSON.parse(line);
  Date.now = () => test.now * 1000;
  try {
    const payload = new Webhook(test.secret).verify(test.body, test.headers);
    console.log(JSON.stringify({ accepted: true, payload }));
  } catch (error) {
    if (!(error instanceof WebhookVerificationError)) throw error;
    console.log(JSON.stringify({ accepted: false, why: error.message }));
  }
}
"#;

/// A request as it was received, ready for a library.
struct Case {
    secret: String,
    headers: Value,
    body: String,
    now: i64,
}

impl Case {
    fn of(received: &Received, secret: &Value, now: i64) -> Self {
        let headers: serde_json::Map<String, Value> =
            received.headers.iter().map(|(name, value)| (name.to_lowercase(), json!(value))).collect();
        Self { secret: text(secret), headers: headers.into(), body: received.text().to_owned(), now }
    }

    fn line(&self, library: &str) -> Value {
        json!({ "library": library, "secret": self.secret, "headers": self.headers, "body": self.body, "now": self.now })
    }

    fn with_header(&self, name: &str, value: &str) -> Self {
        let mut headers = self.headers.clone();
        headers[name] = json!(value);
        Self { secret: self.secret.clone(), headers, body: self.body.clone(), now: self.now }
    }
}

/// One request from a gateway with odd data, and the secret it is signed with.
async fn received() -> (Case, Gateway, Receiver) {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let odd = r#"{"type": "order.paid", "data": { "price":1.00, "name" : "\u00e9é€𝄞", "n":12345678901234567890 }}"#;
    project.http.send(hyper::Method::POST, "/v1/events", odd.into()).await.expect(202);
    receiver.received(1).await;
    let now = gateway.env.now().as_seconds();
    let case = Case::of(&receiver.requests()[0], &endpoint["secret"], now);
    (case, gateway, receiver)
}

#[tokio::test]
async fn the_libraries_accept_what_is_sent_and_refuse_what_was_changed() {
    let (case, _gateway, _receiver) = received().await;
    let changed_byte = Case { body: case.body.replace("1.00", "1.01"), ..case.with_header("x", "") };
    let other_id = case.with_header("webhook-id", "evt_other");
    let other_time = case.with_header("webhook-timestamp", &(case.now + 1).to_string());
    let late = Case { now: case.now + 3600, ..case.with_header("x", "") };
    let cases = [(&case, true), (&changed_byte, false), (&other_id, false), (&other_time, false), (&late, false)];

    for library in ["standardwebhooks", "svix"] {
        let lines: Vec<Value> = cases.iter().map(|(case, _)| case.line(library)).collect();
        expect(&format!("{library} in Python"), &peers::python(PYTHON, &lines).await, &cases);
    }
    let lines: Vec<Value> = cases.iter().map(|(case, _)| case.line("standardwebhooks")).collect();
    expect("standardwebhooks in Node", &peers::node(NODE, &lines).await, &cases);
}

fn expect(library: &str, verdicts: &[Value], cases: &[(&Case, bool)]) {
    let accepted: Vec<bool> = verdicts.iter().map(|verdict| verdict["accepted"] == true).collect();
    let expected: Vec<bool> = cases.iter().map(|(_, accepted)| *accepted).collect();
    assert_eq!(accepted, expected, "{library}: {verdicts:?}");
    assert_eq!(verdicts[0]["payload"]["type"], "order.paid", "{library}");
}

#[tokio::test]
async fn during_a_rotations_overlap_both_secrets_verify_and_after_it_only_the_new_one() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let endpoint = project.register(json!({ "url": receiver.url() })).await;
    let path = format!("/v1/endpoints/{}/rotate-secret", text(&endpoint["id"]));
    let rotated = project.http.post(&path, &json!({ "overlap": "1h" })).await.expect(200);

    let mut lines = Vec::new();
    for wait in ["0s", "2h"] {
        gateway.advance(wait).await;
        project.send("order.paid", json!({})).await;
        gateway.at_rest().await;
        let requests = receiver.requests();
        let last = requests.last().expect("it arrived");
        for secret in [&endpoint["secret"], &rotated["secret"]] {
            lines.push(Case::of(last, secret, gateway.env.now().as_seconds()).line("standardwebhooks"));
        }
    }
    let verdicts = peers::python(PYTHON, &lines).await;
    let accepted: Vec<bool> = verdicts.iter().map(|verdict| verdict["accepted"] == true).collect();
    assert_eq!(accepted, [true, true, false, true], "{verdicts:?}");
}
