//! What products' pages say of their webhooks, statement by statement, of projects that speak their dialects.

mod helpdesk;
mod trackdesk;
mod trackelio;
mod tracktile;
mod trakkr;

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use testkit::http::{Answer, Http};
use testkit::receiver::{Received, Receiver};

use crate::peers;

/// Takes the steps that receivers are told to take: the HMAC-SHA256 of the raw body under the secret, in hexadecimal,
/// compared in constant time with what stands behind `sha256=`.
const VERIFIER: &str = r#"
import hashlib, hmac, json, sys
for line in sys.stdin:
    case = json.loads(line)
    expected = hmac.new(case["secret"].encode(), bytes.fromhex(case["body"]), hashlib.sha256).hexdigest()
    scheme, _, given = case["signature"].partition("=")
    print(json.dumps(scheme == "sha256" and hmac.compare_digest(expected, given)))
"#;

/// Whether Python accepts the signature that each request has in `header`, under the secret beside it.
async fn python_accepts(header: &str, cases: &[(&Received, &str)]) -> Vec<Value> {
    let line = |(request, secret): &(&Received, &str)| {
        let signature = request.header(header).unwrap_or_else(|| panic!("no {header} in {:?}", request.headers));
        json!({ "secret": secret, "body": data_encoding::HEXLOWER.encode(&request.body), "signature": signature })
    };
    peers::python(VERIFIER, &cases.iter().map(line).collect::<Vec<_>>()).await
}

/// The same request with another body.
fn forged(request: &Received, old: &str, new: &str) -> Received {
    assert!(request.text().contains(old), "{old} is not in {}", request.text());
    Received { body: request.text().replacen(old, new, 1).into(), ..request.clone() }
}

/// Asks for something that takes no body.
async fn post(http: &Http, path: &str) -> Answer {
    http.send(Method::POST, path, Bytes::new()).await
}

/// The one request that came.
#[track_caller]
fn only_request(receiver: &Receiver) -> Received {
    let requests = receiver.requests();
    assert_eq!(requests.len(), 1, "{requests:#?}");
    requests.into_iter().next().expect("there is one")
}

/// Complains unless it is a refusal of that kind, at that place.
#[track_caller]
fn is_refused_at(problem: &Value, code: &str, pointer: &str) {
    assert_eq!(problem["code"], code, "{problem:#}");
    assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem:#}");
}

/// An object's member names, in alphabetical order.
#[track_caller]
fn members(value: &Value) -> Vec<&str> {
    let mut names: Vec<&str> =
        value.as_object().unwrap_or_else(|| panic!("not an object: {value}")).keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}
