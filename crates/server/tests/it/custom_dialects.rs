//! The guide to dialects is enough: its files are taken, and what they send is what GitHub's and Stripe's libraries accept.

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use testkit::receiver::{Received, Receiver};

use crate::gateway::{Gateway, Project, text};
use crate::peers;

const GUIDE: &str = include_str!("../../../../docs/dialects.md");

/// The secret of GitHub's own example.
const GITHUBS_SECRET: &str = "It's a Secret to Everybody";
const STRIPES_SECRET: &str = "whsec_5f2c8e0b9d7a4163";

/// Reads `{secret, header, body}` a line; answers whether it is accepted.
const OCTOKIT: &str = r#"
const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");
import("@octokit/webhooks-methods").then(async ({ verify }) => {
  for (const line of lines) {
    const { secret, header, body } = JSON.parse(line);
    console.log(JSON.stringify({ accepted: await verify(secret, body, header) }));
  }
});
"#;

/// GitHub's library does not look at the older header any more, so this is as GitHub's documentation says.
const OLDER_HEADER: &str = r#"
import sys, json, hmac, uuid
for line in sys.stdin:
    case = json.loads(line)
    expected = "sha1=" + hmac.new(case["secret"].encode(), case["body"].encode(), "sha1").hexdigest()
    accepted = hmac.compare_digest(expected, case["header"])
    print(json.dumps({"accepted": accepted, "delivery": str(uuid.UUID(case["delivery"]))}))
"#;

/// Reads `{secret, header, body, now}` a line; answers what Stripe's library makes of it, at that time.
const STRIPE_IN_PYTHON: &str = r#"
import sys, json, time, stripe
for line in sys.stdin:
    case = json.loads(line)
    time.time = lambda: case["now"]
    try:
        event = stripe.Webhook.construct_event(case["body"], case["header"], case["secret"])
        print(json.dumps({"accepted": True, "kind": type(event).__name__, "event": json.loads(str(event))}))
    except stripe.SignatureVerificationError as error:
        print(json.dumps({"accepted": False, "why": str(error)}))
"#;

const STRIPE_IN_NODE: &str = r#"
const Stripe = require("stripe");
const { webhooks } = new Stripe("sk_test_nothing_is_asked_of_stripe");
for (const line of require("fs").readFileSync(0, "utf8").trim().split("\n")) {
  const { secret, header, body, now } = JSON.parse(line);
  Date.now = () => now * 1000;
  try {
    console.log(JSON.stringify({ accepted: true, event: webhooks.constructEvent(body, header, secret) }));
  } catch (error) {
    if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) throw error;
    console.log(JSON.stringify({ accepted: false, why: error.message }));
  }
}
"#;

/// A signed request as a library is asked about it.
#[derive(Clone)]
struct Case {
    secret: String,
    header: String,
    body: String,
    delivery: Option<String>,
    now: i64,
}

impl Case {
    fn of(received: &Received, header: &str, secret: &str, gateway: &Gateway) -> Self {
        Self {
            secret: secret.to_owned(),
            header: received.header(header).expect("it is signed").to_owned(),
            body: received.text().to_owned(),
            delivery: received.header("x-github-delivery").map(str::to_owned),
            now: gateway.now().as_seconds(),
        }
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        assert!(changed.line() != self.line(), "nothing was changed");
        changed
    }

    fn line(&self) -> Value {
        json!({
            "secret": self.secret, "header": self.header, "body": self.body, "delivery": self.delivery, "now": self.now,
        })
    }
}

/// The guide's dialect files, with their names.
fn files() -> Vec<(String, &'static str)> {
    let blocks = GUIDE.split("```toml\n").skip(1);
    let files = blocks.map(|rest| rest.split_once("```").expect("a block ends").0);
    let named = files.map(|file| {
        let name = file.lines().find_map(|line| line.strip_prefix("name = ")).expect("a dialect has a name");
        (name.trim_matches('"').to_owned(), file)
    });
    named.collect()
}

async fn put(project: &Project<'_>, name: &str, file: &'static str) -> Value {
    let http = project.http.clone().header("content-type", "application/toml");
    http.send(Method::PUT, &format!("/v1/dialects/{name}"), Bytes::from(file)).await.expect(201)
}

/// A project that speaks a dialect of the guide.
async fn project_speaking<'a>(gateway: &'a Gateway, dialect: &str) -> Project<'a> {
    let project = gateway.project("shop").await;
    let (name, file) = files().into_iter().find(|(name, _)| name == dialect).expect("the guide has it");
    put(&project, &name, file).await;
    let spoken = gateway.admin().patch("/v1/projects/shop", &json!({ "dialect": name })).await.expect(200);
    assert_eq!(spoken["dialect"], dialect);
    project
}

/// Sends an event, byte for byte, and answers the last request it led to.
async fn sent(project: &Project<'_>, receiver: &Receiver, gateway: &Gateway, event: &str) -> Received {
    project.http.send(Method::POST, "/v1/events", event.to_owned().into()).await.expect(202);
    gateway.at_rest().await;
    receiver.requests().pop().expect("it arrived")
}

async fn rotate(project: &Project<'_>, endpoint: &Value, overlap: &str) -> String {
    let path = format!("/v1/endpoints/{}/rotate-secret", text(&endpoint["id"]));
    text(&project.http.post(&path, &json!({ "overlap": overlap })).await.expect(200)["secret"])
}

fn lines(cases: &[Case]) -> Vec<Value> {
    cases.iter().map(Case::line).collect()
}

#[track_caller]
fn assert_accepted(library: &str, verdicts: &[Value], expected: &[bool]) {
    let accepted: Vec<bool> = verdicts.iter().map(|verdict| verdict["accepted"] == true).collect();
    assert_eq!(accepted, expected, "{library}: {verdicts:?}");
}

#[tokio::test]
async fn every_dialect_in_the_guide_is_taken() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let mut names = Vec::new();
    for (name, file) in files() {
        assert_eq!(put(&project, &name, file).await["name"], name);
        names.push(name);
    }
    assert_eq!(names, ["acme", "github", "stripe"]);
}

const ISSUE: &str = r#"{ "action":"opened", "issue":{"number":1347,"title":"\u00e9é€𝄞","weight":1.10} }"#;

#[tokio::test]
async fn githubs_library_accepts_what_the_guides_github_sends_and_nothing_else() {
    let receiver = Receiver::replying([500]).start().await;
    let gateway = Gateway::new().start().await;
    let project = project_speaking(&gateway, "github").await;
    project.register(json!({ "url": receiver.url(), "secret": GITHUBS_SECRET })).await;
    let event = format!(r#"{{"type":"issues","data":{ISSUE}}}"#);
    let request = sent(&project, &receiver, &gateway, &event).await;
    assert_eq!(request.text(), ISSUE, "GitHub's body is the payload");
    assert_eq!(request.header("x-github-event"), Some("issues"));
    assert!(request.header("user-agent").expect("there is one").starts_with("GitHub-Hookshot/"));

    let cases = |header| {
        let case = Case::of(&request, header, GITHUBS_SECRET, &gateway);
        let other_secret = case.changed(|case| case.secret.push('!'));
        let other_byte = case.changed(|case| case.body = case.body.replace("1347", "1348"));
        lines(&[case, other_secret, other_byte])
    };
    let octokit = peers::node(OCTOKIT, &cases("x-hub-signature-256")).await;
    assert_accepted("octokit", &octokit, &[true, false, false]);
    let older = peers::python(OLDER_HEADER, &cases("x-hub-signature")).await;
    assert_accepted("the older header", &older, &[true, false, false]);

    gateway.advance("30d").await;
    assert_eq!(receiver.count(), 1, "GitHub does not try again");
    let path = format!("/v1/deliveries/{}/retry", text(&project.only_delivery().await["id"]));
    project.http.send(Method::POST, &path, Bytes::new()).await.expect(202);
    gateway.at_rest().await;
    let redelivered = receiver.requests().pop().expect("it arrived");
    assert_eq!(receiver.count(), 2, "somebody asked for a redelivery");
    assert_eq!(redelivered.header("x-github-delivery"), request.header("x-github-delivery"));
}

#[tokio::test]
async fn a_github_webhook_without_a_secret_is_not_signed() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = project_speaking(&gateway, "github").await;
    project.register(json!({ "url": receiver.url() })).await;
    let request = sent(&project, &receiver, &gateway, r#"{"type":"ping","data":{"zen":"Keep it simple."}}"#).await;
    assert_eq!(request.header("x-github-event"), Some("ping"));
    assert_eq!((request.header("x-hub-signature-256"), request.header("x-hub-signature")), (None, None));
}

#[tokio::test]
async fn githubs_library_accepts_a_rotation_without_overlap_as_the_guide_advises() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = project_speaking(&gateway, "github").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "secret": GITHUBS_SECRET })).await;
    let mut cases = Vec::new();
    for overlap in ["0s", "1h"] {
        let secret = rotate(&project, &endpoint, overlap).await;
        let request = sent(&project, &receiver, &gateway, r#"{"type":"ping","data":{}}"#).await;
        cases.push(Case::of(&request, "x-hub-signature-256", &secret, &gateway));
    }
    let verdicts = peers::node(OCTOKIT, &lines(&cases)).await;
    assert_accepted("octokit", &verdicts, &[true, false]);
}

#[tokio::test]
async fn stripes_libraries_accept_what_the_guides_stripe_sends_and_nothing_else() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = project_speaking(&gateway, "stripe").await;
    let endpoint = json!({ "url": receiver.url(), "secret": STRIPES_SECRET, "events": ["invoice.paid"] });
    project.register(endpoint).await;
    let event = r#"{"id":"evt_1RgRPrEEXQJo","type":"invoice.paid","data":
        {"object":{"id":"in_1","object":"invoice","amount_paid":400,"note":"\u00e9é€𝄞"}}}"#;
    let request = sent(&project, &receiver, &gateway, event).await;
    let now = gateway.now().as_seconds();
    let expected = json!({
        "id": "evt_1RgRPrEEXQJo",
        "object": "event",
        "api_version": "2025-05-28.basil",
        "created": now,
        "data": { "object": { "id": "in_1", "object": "invoice", "amount_paid": 400, "note": "éé€𝄞" } },
        "livemode": true,
        "pending_webhooks": 1,
        "request": { "id": null, "idempotency_key": null },
        "type": "invoice.paid",
    });

    let case = Case::of(&request, "stripe-signature", STRIPES_SECRET, &gateway);
    let other_secret = case.changed(|case| case.secret.push('!'));
    let other_byte = case.changed(|case| case.body = case.body.replace("400", "401"));
    let other_time = case.changed(|case| case.header = case.header.replace(&now.to_string(), &(now + 1).to_string()));
    let late = case.changed(|case| case.now += 3600);
    let lines = lines(&[case, other_secret, other_byte, other_time, late]);
    let in_python = peers::python(STRIPE_IN_PYTHON, &lines).await;
    let in_node = peers::node(STRIPE_IN_NODE, &lines).await;
    for (library, verdicts) in [("stripe in Python", &in_python), ("stripe in Node", &in_node)] {
        assert_accepted(library, verdicts, &[true, false, false, false, false]);
        assert_eq!(verdicts[0]["event"], expected, "{library}");
    }
    assert_eq!(in_python[0]["kind"], "Event", "an event to the library, too");
}

#[tokio::test]
async fn stripes_libraries_accept_both_secrets_during_a_rotation_and_the_new_one_after_it() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = project_speaking(&gateway, "stripe").await;
    let asked = json!({ "url": receiver.url(), "secret": STRIPES_SECRET, "events": ["invoice.paid"] });
    let endpoint = project.register(asked).await;
    let new_secret = rotate(&project, &endpoint, "1h").await;

    let mut cases = Vec::new();
    for wait in ["0s", "2h"] {
        gateway.advance(wait).await;
        let event = r#"{"type":"invoice.paid","data":{"object":{"id":"in_1"}}}"#;
        let request = sent(&project, &receiver, &gateway, event).await;
        for secret in [STRIPES_SECRET, &new_secret] {
            cases.push(Case::of(&request, "stripe-signature", secret, &gateway));
        }
    }
    let lines = lines(&cases);
    let expected = [true, true, false, true];
    assert_accepted("stripe in Python", &peers::python(STRIPE_IN_PYTHON, &lines).await, &expected);
    assert_accepted("stripe in Node", &peers::node(STRIPE_IN_NODE, &lines).await, &expected);
}
