//! Secrets: whose they are, how they sign, when they end, and that nobody reads them.

use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use hyper::Method;
use serde_json::{Value, json};
use testkit::process::Process;
use testkit::receiver::{Received, Receiver};

use crate::gateway::{Gateway, Project, span, text, time};
use crate::peers;
use crate::place::Place;
use crate::running::Running;

/// What is signed: the id, the time and the body, exactly as received.
fn content(request: &Received) -> Vec<u8> {
    let header = |name| request.header(name).expect("a signed request has it");
    let mut content = format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")).into_bytes();
    content.extend_from_slice(&request.body);
    content
}

/// The signatures of a request, each with its version.
fn signatures(request: &Received) -> Vec<(String, Vec<u8>)> {
    let header = request.header("webhook-signature").expect("it is signed");
    let split = |signature: &str| {
        let (version, value) = signature.split_once(',').expect("a version and a signature");
        (version.to_owned(), BASE64.decode(value.as_bytes()).expect("base64"))
    };
    header.split(' ').map(split).collect()
}

/// True if one of the request's `v1` signatures is that of `secret`.
fn is_signed_with(request: &Received, secret: &Value) -> bool {
    use aws_lc_rs::hmac;
    let key = BASE64.decode(text(secret).trim_start_matches("whsec_").as_bytes()).expect("base64");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let verifies = |tag: &[u8]| hmac::verify(&key, &content(request), tag).is_ok();
    signatures(request).iter().any(|(version, tag)| version == "v1" && verifies(tag))
}

async fn next_request(gateway: &Gateway, project: &Project<'_>, receiver: &Receiver) -> Received {
    project.send("order.paid", json!({ "name": "é", "price": 1.5 })).await;
    gateway.at_rest().await;
    receiver.requests().last().expect("it arrived").clone()
}

/// Reads `{key, content, signature}` a line, in hexadecimal; answers whether the Ed25519 signature is right.
const ED25519: &str = r#"
const crypto = require("crypto");
const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");
const prefix = Buffer.from("302a300506032b6570032100", "hex");
for (const line of lines) {
  const { key, content, signature } = JSON.parse(line);
  const der = Buffer.concat([prefix, Buffer.from(key, "hex")]);
  const publicKey = crypto.createPublicKey({ key: der, format: "der", type: "spki" });
  console.log(crypto.verify(null, Buffer.from(content, "hex"), publicKey, Buffer.from(signature, "hex")));
}
"#;

/// Whether Node.js accepts the `v1a` signature of each request, under the public key that its endpoint shows.
async fn node_accepts(cases: &[(&Received, &Value)]) -> Vec<Value> {
    let line = |(request, public_key): &(&Received, &Value)| {
        let key = BASE64.decode(text(public_key).strip_prefix("whpk_").expect("whpk_").as_bytes()).expect("base64");
        let signed = signatures(request);
        let (_, signature) = signed.iter().find(|(version, _)| version == "v1a").expect("a v1a signature");
        let hex = |bytes: &[u8]| HEXLOWER.encode(bytes);
        json!({ "key": hex(&key), "content": hex(&content(request)), "signature": hex(signature) })
    };
    peers::node(ED25519, &cases.iter().map(line).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn an_ed25519_endpoint_shows_its_public_key_and_what_it_gets_verifies_with_it() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let made = project.register(json!({ "url": receiver.url(), "signing": "ed25519" })).await;
    assert!(text(&made["secret"]).starts_with("whsk_"), "{made:#}");
    let shown = project.show(&made).await;
    assert_eq!(shown["public_key"], made["public_key"]);
    assert_eq!(shown["signing"], "ed25519");
    assert!(shown.get("secret").is_none_or(Value::is_null));

    let request = next_request(&gateway, &project, &receiver).await;
    assert!(signatures(&request).iter().all(|(version, _)| version == "v1a"));
    let with = |name: &str, value: &str| {
        let mut changed = request.clone();
        changed.headers.iter_mut().filter(|(known, _)| known == name).for_each(|(_, old)| *old = value.to_owned());
        changed
    };
    let mut other_byte = request.clone();
    other_byte.body = request.text().replace("1.5", "1.6").into();
    let other_id = with("webhook-id", "evt_other");
    let other_time = with("webhook-timestamp", "1767603601");
    let key = &shown["public_key"];
    let other_key =
        project.register(json!({ "url": receiver.url(), "signing": "ed25519" })).await["public_key"].clone();
    let cases = [(&request, key), (&other_byte, key), (&other_id, key), (&other_time, key), (&request, &other_key)];
    assert_eq!(node_accepts(&cases).await, [true, false, false, false, false]);
}

/// RFC 8032, 7.1, test 1.
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";

fn of_hex(prefix: &str, hex: &str) -> String {
    format!("{prefix}{}", BASE64.encode(&HEXLOWER.decode(hex.as_bytes()).expect("hexadecimal")))
}

#[tokio::test]
async fn own_ed25519_keys_are_taken_as_seed_or_as_seed_and_public_key() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    for (slug, secret) in [("seed", of_hex("whsk_", SEED)), ("both", of_hex("whsk_", &format!("{SEED}{PUBLIC}")))] {
        let project = gateway.project(slug).await;
        let asked = json!({ "url": receiver.url(), "signing": "ed25519", "secret": secret });
        let made = project.register(asked).await;
        assert_eq!(made["public_key"], of_hex("whpk_", PUBLIC));
        let request = next_request(&gateway, &project, &receiver).await;
        assert_eq!(node_accepts(&[(&request, &made["public_key"])]).await, [true]);
    }
}

async fn is_refused_as_an_ed25519_key(secret: &str) {
    let gateway = Gateway::new().start().await;
    let asked = json!({ "url": "http://127.0.0.1:1/", "signing": "ed25519", "secret": secret });
    let problem = gateway.admin().post("/v1/endpoints", &asked).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/secret", "{secret}: {problem}");
    assert!(!problem.to_string().contains(secret) || secret.len() < 10, "it is repeated: {problem}");
}

#[tokio::test]
async fn what_is_no_ed25519_key_is_refused() {
    let (short, long) = (of_hex("whsk_", &SEED[..40]), of_hex("whsk_", &SEED.repeat(3)));
    let symmetric = format!("whsec_{}", BASE64.encode(&[7; 32]));
    for secret in [short, long, symmetric, "whsk_".to_owned(), of_hex("whpk_", PUBLIC)] {
        is_refused_as_an_ed25519_key(&secret).await;
    }
}

#[tokio::test]
async fn a_seed_with_the_public_key_of_another_is_refused() {
    is_refused_as_an_ed25519_key(&of_hex("whsk_", &format!("{SEED}{SEED}"))).await;
}

#[tokio::test]
async fn own_secrets_of_24_to_64_bytes_are_taken_and_sign() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    for length in [24, 32, 33, 63, 64] {
        let project = gateway.project(&format!("bytes-{length}")).await;
        let bytes: Vec<u8> = (0..length).map(|n| 200_u8.wrapping_add(n)).collect();
        let secret = format!("whsec_{}", BASE64.encode(&bytes));
        let made = project.register(json!({ "url": receiver.url(), "secret": secret })).await;
        assert_eq!(made["signing"], "hmac-sha256");
        let request = next_request(&gateway, &project, &receiver).await;
        assert!(is_signed_with(&request, &json!(secret)), "{length} bytes");
        assert_eq!(signatures(&request).len(), 1);
    }
}

#[tokio::test]
async fn a_secret_is_made_anew_and_the_old_one_signs_for_a_day_more() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let made = project.register(json!({ "url": receiver.url() })).await;
    let rotated = project.ask(&made, "rotate-secret").await;
    assert_ne!(rotated["secret"], made["secret"]);
    assert_eq!(time(&rotated["previous_expires_at"]), gateway.now() + span("24h"));
    assert!(!project.show(&made).await.to_string().contains(&text(&rotated["secret"])));

    for (wait, both) in [("0s", true), ("23h", true), ("61m", false)] {
        gateway.advance(wait).await;
        let request = next_request(&gateway, &project, &receiver).await;
        assert!(is_signed_with(&request, &rotated["secret"]), "after {wait}");
        assert_eq!(is_signed_with(&request, &made["secret"]), both, "after {wait}");
        assert_eq!(signatures(&request).len(), if both { 2 } else { 1 });
    }
    let path = format!("/v1/endpoints/{}/rotate-secret", text(&made["id"]));
    let again = project.http.post(&path, &json!({ "overlap": "0s" })).await.expect(200);
    let request = next_request(&gateway, &project, &receiver).await;
    assert!(is_signed_with(&request, &again["secret"]) && !is_signed_with(&request, &rotated["secret"]));
}

#[tokio::test]
async fn an_ed25519_key_is_rotated_too() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let made = project.register(json!({ "url": receiver.url(), "signing": "ed25519" })).await;
    let rotated = project.ask(&made, "rotate-secret").await;
    assert!(text(&rotated["secret"]).starts_with("whsk_"));
    let shown = project.show(&made).await;
    assert_ne!(shown["public_key"], made["public_key"]);
    let request = next_request(&gateway, &project, &receiver).await;
    let signed = signatures(&request);
    assert_eq!(signed.len(), 2);
    for (key, signature) in [(&shown["public_key"], &signed[0].1), (&made["public_key"], &signed[1].1)] {
        use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
        let verifies = |key: &Value, signature: &[u8]| {
            let key = BASE64.decode(text(key).trim_start_matches("whpk_").as_bytes()).expect("base64");
            UnparsedPublicKey::new(&ED25519, key).verify(&content(&request), signature).is_ok()
        };
        let other = if std::ptr::eq(signature, &signed[0].1) { &signed[1].1 } else { &signed[0].1 };
        assert!(verifies(key, signature) || verifies(key, other));
    }
}

/// Every file below a directory that holds `secret`.
fn files_with(directory: &Path, secret: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the data directory can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, secret));
        } else {
            let bytes = std::fs::read(&path).expect("a file can be read");
            if bytes.windows(secret.len()).any(|window| window == secret.as_bytes()) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_stands_on_disk_or_in_the_log() {
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().start().await;
    let mut server = Running::start(&place, &["--log-level", "trace"]).await;
    let auth = json!({ "type": "bearer", "token": "a-token-of-a-receiver" });
    let made = server.register(json!({ "url": receiver.url(), "auth": auth })).await;
    let other = server.register(json!({ "url": receiver.url(), "signing": "ed25519" })).await;
    let path = format!("/v1/endpoints/{}/rotate-secret", text(&made["id"]));
    let rotated = server.http.send(Method::POST, &path, hyper::body::Bytes::new()).await.expect(200);
    let key = server.http.post("/v1/keys", &json!({ "name": "k", "scopes": ["read"] })).await.expect(201);
    server.http.post("/v1/events", &json!({ "type": "a", "data": { "card": "4711-0815" } })).await.expect(202);
    receiver.received(2).await;
    server.settle().await;
    server.process.signal("TERM").await;
    server.process.ended().await;

    let log = server.process.errors() + &server.process.output();
    let database = place.contents().await;
    let secrets = [&made["secret"], &other["secret"], &rotated["secret"], &key["api_key"]].map(text);
    for secret in secrets.iter().map(String::as_str).chain(["a-token-of-a-receiver"]) {
        let plain = secret.trim_start_matches("whsec_").trim_start_matches("whsk_");
        assert_eq!(files_with(place.data_dir(), plain), [""; 0], "{plain} can be read");
        let in_the_database = database.windows(plain.len()).any(|window| window == plain.as_bytes());
        assert!(!in_the_database, "{plain} is in the database");
        assert!(!log.contains(plain), "{plain} is in the log");
    }
    assert!(!log.contains("4711-0815"), "a body is in the log");
    let master = std::fs::metadata(place.data_dir().join("master.key")).expect("the master key was made");
    let mode = std::os::unix::fs::PermissionsExt::mode(&master.permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotating_the_master_key_keeps_every_secret_and_another_key_opens_nothing() {
    let place = Place::fresh().await;
    let receiver = Receiver::healthy().start().await;
    let mut server = Running::start(&place, &[]).await;
    let made = server.register(json!({ "url": receiver.url() })).await;
    server.process.signal("TERM").await;
    server.process.ended().await;
    let old = std::fs::read(place.data_dir().join("master.key")).unwrap();

    let words = [&["keys", "rotate-master"], place.flags().as_slice()].concat();
    let mut rotation = Process::start(env!("CARGO_BIN_EXE_posthaste"), &words, &[]);
    assert_eq!(rotation.ended().await.code(), Some(0), "{}", rotation.errors());
    assert_ne!(std::fs::read(place.data_dir().join("master.key")).unwrap(), old);

    let mut server = Running::start(&place, &[]).await;
    server.http.post("/v1/events", &json!({ "type": "a", "data": {} })).await.expect(202);
    receiver.received(1).await;
    assert!(is_signed_with(&receiver.requests()[0], &made["secret"]));
    server.process.signal("TERM").await;
    server.process.ended().await;

    let other = BASE64.encode(&[7; 32]);
    let words = [&["serve", "--listen", "127.0.0.1:0"], place.flags().as_slice()].concat();
    let mut stranger = Process::start(env!("CARGO_BIN_EXE_posthaste"), &words, &[("POSTHASTE_MASTER_KEY", &other)]);
    assert_eq!(stranger.ended().await.code(), Some(64));
    assert!(stranger.errors().to_lowercase().contains("master key"), "{}", stranger.errors());
    assert!(!stranger.errors().contains(&other), "{}", stranger.errors());
}
