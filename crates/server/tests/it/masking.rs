//! What is shown to whom: credentials pass no door on their way to a reader, and go to no receiver but their own.

use std::net::IpAddr;

use serde_json::{Value, json};
use testkit::behaviour::Reply;
use testkit::http::Http;
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, Project, faults, list, text};
use crate::place::Place;
use crate::running::Running;

/// Stands in everything that is confidential, and in nothing else.
const MARK: &str = "MARKsecret";

/// Names of headers that credentials go by.
const NAMES: [&str; 15] = [
    "X-Authorization",
    "X-Auth",
    "X-Api-Key",
    "X-Api-Token",
    "X-Access-Token",
    "X-Passwd",
    "X-Pass",
    "X-Pwd",
    "X-Credential",
    "X-Session-Id",
    "Api-Auth",
    "X-Bearer",
    "Cookie",
    "X-Jwt",
    "X-Hub-Secret",
];

async fn key(project: &Project<'_>, scopes: &[&str]) -> Http {
    let made = project.http.post("/v1/keys", &json!({ "name": "k", "scopes": scopes })).await.expect(201);
    Http::new(project.http.base()).key(&text(&made["api_key"]))
}

/// Everything that a key may see of endpoints, deliveries, events and dialects, as one text.
async fn everything(http: &Http) -> String {
    let mut shown = String::new();
    for path in ["/v1/endpoints", "/v1/deliveries", "/v1/events", "/v1/dialects"] {
        for item in list(http, path).await {
            let name = item["id"].as_str().or(item["name"].as_str()).expect("an id or a name");
            let whole = http.get(&format!("{path}/{name}")).await.expect(200);
            shown += &format!("{item}\n{whole}\n");
        }
    }
    let toml = http.clone().header("accept", "application/toml").get("/v1/dialects/own").await;
    shown + toml.text()
}

#[tokio::test]
async fn a_key_that_only_reads_is_shown_no_credential_whichever_way_it_came_or_went() {
    let receiver = Receiver::with(|_| {
        let reply = Reply::status(200).header("set-cookie", "session=MARKsecret").header("x-auth-token", "MARKsecret");
        reply.header("x-region", "eu-1")
    });
    let receiver = receiver.start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let dialect = json!({
        "headers": {
            "Authorization": "Bearer MARKsecret",
            "X-Plain": { "value": "MARKsecret", "secret": true },
            "X-Open": "to be seen",
        },
        "catalogue": { "open": true },
    });
    project.put("/v1/dialects/own", &dialect).await.expect(201);
    project.http.patch("/v1/projects/acme", &json!({ "dialect": "own" })).await.expect(200);
    let named: Value =
        NAMES.iter().map(|name| ((*name).to_owned(), json!(MARK))).collect::<serde_json::Map<_, _>>().into();
    for endpoint in [
        json!({ "url": format!("{}/a?token={MARK}&{MARK}", receiver.url()), "headers": named }),
        json!({ "url": receiver.url(), "headers": { "X-Whatever-It-Is": MARK } }),
        json!({ "url": receiver.url(), "auth": { "type": "api_key", "header": "X-Mine", "value": MARK } }),
    ] {
        project.register(endpoint).await;
    }
    project.send("a.b", json!({})).await;
    gateway.at_rest().await;
    assert_eq!(receiver.count(), 3);
    let sent = receiver.requests();
    assert!(sent.iter().all(|request| request.header("authorization") == Some("Bearer MARKsecret")), "it is sent");

    let reader = everything(&key(&project, &["read"]).await).await;
    assert!(!reader.contains(MARK), "{reader}");
    for open in ["to be seen", "eu-1", "/a?token=••••••&••••••", "x-whatever-it-is", "X-Whatever-It-Is"]
    {
        assert!(reader.contains(open), "{open}: {reader}");
    }

    let writer = everything(&key(&project, &["read", "endpoints:write"]).await).await;
    assert!(writer.contains(&format!("/a?token={MARK}&{MARK}")), "who sets URLs sees them: {writer}");
    assert!(writer.contains("\"X-Whatever-It-Is\":\"MARKsecret\""), "and headers that look like no credential");
    let admin = everything(&project.http).await;
    assert!(admin.contains("Bearer MARKsecret"), "who may put a dialect sees it whole");
}

#[tokio::test]
async fn a_chat_services_url_is_shown_without_what_is_needed_to_post_there() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let made = project.register(json!({ "url": "https://hooks.slack.com/services/T0/B0/MARKsecret" })).await;
    let path = format!("/v1/endpoints/{}", text(&made["id"]));
    let reader = key(&project, &["read"]).await;
    assert_eq!(reader.get(&path).await.expect(200)["url"], "https://hooks.slack.com/••••••");
    assert_eq!(project.http.get(&path).await.expect(200)["url"], "https://hooks.slack.com/services/T0/B0/MARKsecret");
}

#[tokio::test]
async fn an_operational_event_tells_no_credential_of_the_endpoint_it_is_about() {
    let (gone, told) = (Receiver::replying([410]).start().await, Receiver::healthy().start().await);
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": told.url(), "events": ["posthaste.*"] })).await;
    project.register(json!({ "url": format!("{}/x?token={MARK}", gone.url()), "events": ["a.b"] })).await;
    project.send("a.b", json!({})).await;
    gateway.at_rest().await;
    let request = told.requests().pop().expect("it was told");
    let notice = request.text();
    assert!(notice.contains("/x?token=••••••") && !notice.contains(MARK), "{notice}");
}

#[tokio::test]
async fn an_address_of_the_inner_network_is_named_to_admins_only() {
    let inner: IpAddr = "10.1.2.3".parse().expect("an address");
    let gateway = Gateway::new().resolving(move |_| vec![inner]).retry([]).start().await;
    let project = gateway.project("acme").await;
    project.register(json!({ "url": "https://hooks.customer.example/" })).await;
    project.send("a.b", json!({})).await;
    gateway.at_rest().await;
    let delivery = project.only_delivery().await;
    let path = format!("/v1/deliveries/{}", text(&delivery["id"]));
    for scopes in [&["read"][..], &["read", "endpoints:write"]] {
        let shown = key(&project, scopes).await.get(&path).await.expect(200);
        let error = &shown["attempts"][0]["error"];
        assert_eq!(error["kind"], "blocked");
        assert!(!shown.to_string().contains("10.1.2.3"), "{shown:#}");
        assert!(text(&error["message"]).contains("an address that webhooks are not sent to"), "{error}");
    }
    assert!(project.http.get(&path).await.expect(200).to_string().contains("10.1.2.3"));
}

#[tokio::test]
async fn credentials_go_to_another_origin_only_when_they_are_given_again() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("acme").await;
    let bearer = json!({ "type": "bearer", "token": "t0ken" });
    let endpoint = json!({
        "url": "https://example.com/hook",
        "auth": bearer,
        "headers": { "X-Api-Key": "k", "X-Environment": "live" },
    });
    let made = project.register(endpoint).await;
    let path = format!("/v1/endpoints/{}", text(&made["id"]));
    let both = ["/auth", "/headers/X-Api-Key"];
    let (auth, headers) = (&both[..1], &both[1..]);
    let masked = json!({ "X-Api-Key": "••••••", "X-Environment": "live" });
    let again = json!({ "X-Api-Key": "k", "X-Environment": "live" });
    for (url, change, expected) in [
        ("https://evil.example/hook", json!({}), &both[..]),
        ("https://example.com:8443/hook", json!({}), &both[..]),
        ("http://example.com/hook", json!({}), &both[..]),
        ("https://www.example.com/hook", json!({ "auth": bearer }), headers),
        ("https://evil.example/", json!({ "auth": bearer, "headers": masked }), headers),
        ("https://evil.example/", json!({ "headers": again }), auth),
        ("https://evil.example/", json!({ "name": "x", "headers": null }), auth),
    ] {
        let mut body = change.clone();
        body["url"] = json!(url);
        let answer = project.http.patch(&path, &body).await.expect(422);
        assert_eq!(answer["code"], "invalid_request", "{url} {change}");
        let pointers: Vec<String> = faults(&answer).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, expected, "{url} {change}");
        assert_eq!(project.show(&made).await["url"], "https://example.com/hook", "{url} {change}");
    }
    for (url, change) in [
        ("https://example.com/other?x=1", json!({})),
        ("https://EXAMPLE.com:443/", json!({ "headers": masked })),
        ("https://two.example/", json!({ "auth": bearer, "headers": again })),
        ("https://three.example/", json!({ "auth": { "type": "none" }, "headers": null })),
        ("https://four.example/", json!({})),
    ] {
        let mut body = change.clone();
        body["url"] = json!(url);
        let answer = project.http.patch(&path, &body).await;
        assert_eq!(answer.status, 200, "{url} {change} {}", answer.text());
    }
}

#[tokio::test]
async fn what_stands_in_a_urls_query_is_not_readable_on_the_disk() {
    let place = Place::embedded();
    let receiver = Receiver::healthy().start().await;
    let mut running = Running::start(&place, &[]).await;
    let endpoint = json!({ "url": format!("{}/hook?token={MARK}", receiver.url()) });
    let made = running.http.post("/v1/endpoints", &endpoint).await.expect(201);
    running.http.post("/v1/events", &json!({ "type": "a.b", "data": {} })).await.expect(202);
    receiver.received(1).await;
    assert_eq!(receiver.requests()[0].path, format!("/hook/hook?token={MARK}"));
    running.process.signal("TERM").await;
    assert!(running.process.ended().await.success());
    for file in std::fs::read_dir(place.data_dir()).expect("a directory") {
        let path = file.expect("a file").path();
        let bytes = std::fs::read(&path).expect("readable");
        assert!(!bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes()), "{}", path.display());
    }
    let running = Running::start(&place, &[]).await;
    let shown = running.http.get(&format!("/v1/endpoints/{}", text(&made["id"]))).await.expect(200);
    assert_eq!(shown["url"], endpoint["url"], "it is there again after a restart");
}
