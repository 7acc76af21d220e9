//! Endpoints: what is taken, what is shown, and what can be done with one.

use model::network::Policy;
use serde_json::{Value, json};

use crate::gateway::{Answer, Gateway};

fn path(endpoint: &Value, action: &str) -> String {
    format!("/v1/endpoints/{}{action}", endpoint["id"].as_str().unwrap())
}

async fn create(gateway: &Gateway, fields: Value) -> Answer {
    gateway.ask("POST", "/v1/endpoints", Some(fields)).await
}

#[tokio::test]
async fn a_new_endpoint_shows_its_secret_once_and_everything_else_always() {
    let gateway = Gateway::start().await;
    let fields = json!({
        "url": "https://example.com/hooks", "events": ["invoice.*", "order.paid"], "name": "Billing", "tenant": "t1",
        "auth": { "type": "bearer", "token": "s3cr3t" }, "headers": { "X-Environment": "live", "X-Api-Token": "hidden" },
        "rate_limit": { "requests": 10, "per": "1s" }, "ordering": "fifo", "timeout_ms": 5000,
        "retry": { "schedule": ["1s", "5m"] }, "metadata": { "crm": 7 },
    });
    let created = create(&gateway, fields.clone()).await.expect(201);
    assert!(created["secret"].as_str().unwrap().starts_with("whsec_"));
    let shown = gateway.ask("GET", &path(&created, ""), None).await.expect(200);
    for field in ["url", "events", "name", "tenant", "rate_limit", "ordering", "timeout_ms", "retry", "metadata"] {
        assert_eq!(shown[field], fields[field], "{field}");
    }
    assert_eq!(shown["auth"], json!({ "type": "bearer" }));
    assert_eq!(shown["headers"], json!({ "X-Environment": "live", "X-Api-Token": "••••••" }));
    assert_eq!((&shown["status"], &shown["failure_count"]), (&json!("active"), &json!(0)));
    for field in ["disabled_reason", "public_key", "last_delivery"] {
        assert_eq!(shown[field], Value::Null, "{field}");
    }
    let mut without_secret = created.clone();
    without_secret.as_object_mut().unwrap().remove("secret");
    assert_eq!(shown, without_secret);
    let listed = gateway.ask("GET", "/v1/endpoints", None).await;
    assert_eq!(listed.expect(200), json!({ "data": [shown], "next_cursor": null }));
    assert!(!listed.text.contains("s3cr3t") && !listed.text.contains("whsec_") && !listed.text.contains("hidden"));
}

#[tokio::test]
async fn own_secrets_and_ed25519_keys_are_taken() {
    let gateway = Gateway::start().await;
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let own = gateway.endpoint(json!({ "secret": secret })).await;
    assert_eq!(own["secret"], secret);
    assert_eq!(own["public_key"], Value::Null);
    let made = gateway.endpoint(json!({ "signing": "ed25519" })).await;
    assert!(made["secret"].as_str().unwrap().starts_with("whsk_"));
    let shown = gateway.ask("GET", &path(&made, ""), None).await.expect(200);
    assert!(shown["public_key"].as_str().unwrap().starts_with("whpk_"));
    // A private key says by itself what it is for.
    let alone = gateway.endpoint(json!({ "secret": made["secret"] })).await;
    assert_eq!((&alone["signing"], &alone["secret"]), (&json!("ed25519"), &made["secret"]));
    assert_eq!(alone["public_key"], shown["public_key"]);

    for (fields, pointer) in [
        (json!({ "secret": "whsec_c2hvcnQ=" }), "/secret"),
        (json!({ "secret": "plain text of some length" }), "/secret"),
        (json!({ "secret": secret, "signing": "ed25519" }), "/secret"),
        (json!({ "secret": made["secret"], "signing": "hmac-sha256" }), "/secret"),
        (json!({ "signing": "rsa" }), "/signing"),
    ] {
        let mut fields = fields;
        fields["url"] = json!("https://example.com/");
        create(&gateway, fields).await.assert_refused(422, "invalid_request", &[pointer]);
    }
}

#[tokio::test]
async fn all_faults_of_an_endpoint_are_told_at_once() {
    let gateway = Gateway::start().await;
    let fields = json!({
        "url": "http://localhost/", "events": ["a.b", "a..b", "*.a"], "name": "", "tenant": "",
        "auth": { "type": "basic", "username": "a:b", "token": "x" },
        "headers": { "Host": "x", "bad name": "x", "X-Ok": "tab\there", "X-Twice": "1", "x-twice": "2", "webhook-id": "1" },
        "rate_limit": { "requests": 0, "per": "1s" }, "ordering": "lifo", "timeout_ms": 120_001,
        "retry": { "schedule": ["1s", "soon"] }, "metadata": [], "secret": "x", "signing": "x",
    });
    let refused = create(&gateway, fields).await;
    let mut pointers = refused.pointers();
    pointers.sort();
    assert_eq!(refused.problem(422), "url_not_allowed");
    assert_eq!(
        pointers,
        [
            "/auth/password",
            "/auth/token",
            "/auth/username",
            "/events/1",
            "/events/2",
            "/headers/Host",
            "/headers/X-Ok",
            "/headers/bad name",
            "/headers/webhook-id",
            "/headers/x-twice",
            "/metadata",
            "/name",
            "/ordering",
            "/rate_limit",
            "/retry/schedule/1",
            "/secret",
            "/signing",
            "/tenant",
            "/timeout_ms",
            "/url",
        ]
    );
    assert_eq!(gateway.inventory().await["endpoints"], 0);
}

#[tokio::test]
async fn a_list_of_faults_ends_at_a_hundred_and_says_how_many_more_there_are() {
    let gateway = Gateway::start().await;
    let wrong = |count: usize| json!({ "url": "https://example.com/", "events": vec!["a..b"; count] });
    let refused = create(&gateway, wrong(250)).await.expect(422);
    let errors = refused["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 100);
    assert_eq!((&errors[98]["pointer"], &errors[99]["message"]), (&json!("/events/98"), &json!("and 151 more")));
    assert_eq!(create(&gateway, wrong(99)).await.pointers().len(), 99, "each of 99 is told");

    // Names that a closed catalogue lacks are told as they are looked up, and count like all else.
    let closed = gateway.ask("POST", "/v1/projects", Some(json!({ "name": "Closed", "dialect": "trakkr" }))).await;
    let key = closed.expect(201)["api_key"].as_str().unwrap().to_owned();
    let names: Vec<_> = (0..250).map(|n| format!("nothing_{n}")).collect();
    let unknown = json!({ "url": "https://example.com/", "events": names });
    let refused = gateway.ask_as(&key, "POST", "/v1/endpoints", Some(unknown)).await.expect(422);
    let errors = refused["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[99]["message"]), (100, &json!("and 151 more")), "{}", refused["detail"]);
}

#[tokio::test]
async fn the_bounds_of_every_field_are_kept() {
    let gateway = Gateway::start().await;
    let of = |field: &str, value: Value| json!({ "url": "https://example.com/", field: value });
    let headers =
        |count: usize| (0..count).map(|index| (format!("x-{index}"), json!("v"))).collect::<serde_json::Map<_, _>>();
    for (field, value) in [
        ("timeout_ms", json!(1)),
        ("timeout_ms", json!(120_000)),
        ("name", json!("n".repeat(128))),
        ("tenant", json!("t".repeat(128))),
        ("headers", json!(headers(50))),
        ("headers", json!({ "x": "v".repeat(4096) })),
        ("events", json!(vec!["a"; 256])),
        ("retry", json!({ "schedule": [] })),
        ("retry", json!({ "schedule": vec!["1s"; 100] })),
        ("rate_limit", json!({ "requests": 100_000, "per": "24h" })),
        ("metadata", json!({ "m": "x".repeat(16_000) })),
        ("events", json!(null)),
        ("auth", json!(null)),
        ("auth", json!({ "type": "api_key", "header": "X-Key", "value": "v" })),
        ("active", json!(null)),
    ] {
        create(&gateway, of(field, value)).await.expect(201);
    }
    for (field, value, pointer) in [
        ("timeout_ms", json!(0), "/timeout_ms"),
        ("timeout_ms", json!(-1), "/timeout_ms"),
        ("timeout_ms", json!(1.5), "/timeout_ms"),
        ("timeout_ms", json!("5s"), "/timeout_ms"),
        ("name", json!("n".repeat(129)), "/name"),
        ("tenant", json!("t".repeat(129)), "/tenant"),
        ("headers", json!(headers(51)), "/headers"),
        ("headers", json!({ "x": "v".repeat(4097) }), "/headers/x"),
        ("headers", json!({ "x": "••••••" }), "/headers/x"),
        ("headers", json!([]), "/headers"),
        ("events", json!([]), "/events"),
        ("events", json!(vec!["a"; 257]), "/events"),
        ("events", json!("*"), "/events"),
        ("retry", json!({}), "/retry/schedule"),
        ("retry", json!({ "schedule": vec!["1s"; 101] }), "/retry/schedule"),
        ("retry", json!([["1s"]]), "/retry"),
        ("rate_limit", json!({ "requests": 100_001, "per": "1s" }), "/rate_limit"),
        ("rate_limit", json!({ "requests": 5_000_000_000_u64, "per": "1s" }), "/rate_limit"),
        ("rate_limit", json!({ "requests": 1 }), "/rate_limit/per"),
        ("rate_limit", json!({ "requests": 1, "per": "1s", "burst": 2 }), "/rate_limit/burst"),
        ("metadata", json!({ "m": "x".repeat(17_000) }), "/metadata"),
        ("auth", json!({}), "/auth/type"),
        ("auth", json!({ "type": "bearer", "token": "two words" }), "/auth/token"),
        ("auth", json!({ "type": "api_key", "header": "Content-Length", "value": "v" }), "/auth/header"),
        ("active", json!("yes"), "/active"),
        ("brand", json!("{}"), "/brand"),
        ("url", json!(null), "/url"),
    ] {
        let refused = create(&gateway, of(field, value.clone())).await;
        assert_eq!(refused.problem(422), "invalid_request", "{field} {value}");
        assert_eq!(refused.pointers(), [pointer], "{field} {value}");
    }
    create(&gateway, json!({})).await.assert_refused(422, "invalid_request", &["/url"]);
}

#[tokio::test]
async fn urls_are_judged_by_the_operators_policy() {
    let strict = Gateway::start().await;
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://localhost/",
        "example.com",
        "",
        "ftp://example.com/",
    ] {
        create(&strict, json!({ "url": url })).await.assert_refused(422, "url_not_allowed", &["/url"]);
    }
    let policy = Policy { allow_http: true, allowed: vec!["127.0.0.0/8".parse().unwrap()] };
    let open = Gateway::with_policy(policy).await;
    for url in ["http://example.com/", "http://127.0.0.1:9000/hook"] {
        create(&open, json!({ "url": url })).await.expect(201);
    }
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_null_sets_back() {
    let gateway = Gateway::start().await;
    let before = gateway
        .endpoint(
            json!({ "name": "n", "tenant": "t", "timeout_ms": 5, "headers": { "X-Secret": "a", "X-Plain": "b" } }),
        )
        .await;
    let change = async |fields: Value| gateway.ask("PATCH", &path(&before, ""), Some(fields)).await;

    gateway.env.advance(std::time::Duration::from_secs(1));
    let after = change(json!({ "name": "m", "tenant": null, "events": ["a.*"] })).await.expect(200);
    assert_eq!((&after["name"], &after["tenant"], &after["events"]), (&json!("m"), &Value::Null, &json!(["a.*"])));
    assert_eq!((&after["timeout_ms"], &after["url"]), (&json!(5), &before["url"]));
    assert_ne!(after["updated_at"], before["updated_at"]);
    assert_eq!(after["created_at"], before["created_at"]);
    assert_eq!(after.get("secret"), None);

    let after = change(json!({ "events": null, "timeout_ms": null, "name": null })).await.expect(200);
    assert_eq!((&after["events"], &after["timeout_ms"], &after["name"]), (&json!(["*"]), &Value::Null, &Value::Null));

    let shown = after["headers"].clone();
    assert_eq!(change(json!({ "headers": shown })).await.expect(200)["headers"], after["headers"]);
    let kept = {
        let directory = gateway.store.directory();
        directory.endpoint(before["id"].as_str().unwrap().parse().unwrap()).unwrap().settings.headers.clone()
    };
    assert!(
        kept.contains(&("X-Secret".to_owned(), "a".to_owned())),
        "what was masked came back and stayed what it was"
    );

    change(json!({ "secret": "whsec_x" })).await.assert_refused(422, "invalid_request", &["/secret"]);
    change(json!({ "signing": "ed25519" })).await.assert_refused(422, "invalid_request", &["/signing"]);
    change(json!({ "url": null })).await.assert_refused(422, "invalid_request", &["/url"]);
    change(json!({ "url": "https://10.0.0.1/" })).await.assert_refused(422, "url_not_allowed", &["/url"]);
    change(json!({ "id": "x" })).await.assert_refused(422, "invalid_request", &["/id"]);
    assert_eq!(change(json!({})).await.expect(200)["headers"], after["headers"]);
}

#[tokio::test]
async fn an_endpoint_is_paused_and_resumed() {
    let gateway = Gateway::start().await;
    let endpoint = gateway.endpoint(json!({ "active": false })).await;
    assert_eq!(endpoint["status"], "paused");
    assert_eq!(gateway.event("a").await["deliveries"], 0);
    assert_eq!(gateway.ask("POST", &path(&endpoint, "/resume"), None).await.expect(200)["status"], "active");
    assert_eq!(gateway.event("a").await["deliveries"], 1);
    assert_eq!(gateway.ask("POST", &path(&endpoint, "/pause"), None).await.expect(200)["status"], "paused");
    let resumed = gateway.ask("PATCH", &path(&endpoint, ""), Some(json!({ "active": true }))).await.expect(200);
    assert_eq!(resumed["status"], "active");
    let paused = gateway.ask("PATCH", &path(&endpoint, ""), Some(json!({ "active": false }))).await.expect(200);
    assert_eq!(paused["status"], "paused");
}

#[tokio::test]
async fn a_disabled_endpoint_that_is_resumed_starts_with_no_failures() {
    let gateway = Gateway::start().await;
    let endpoint = gateway.endpoint(json!({})).await;
    let mut engine = gateway.engine();
    gateway.event("a").await;
    engine.attempt(410).await;
    let disabled = gateway.ask("GET", &path(&endpoint, ""), None).await.expect(200);
    assert_eq!((&disabled["status"], &disabled["failure_count"]), (&json!("disabled"), &json!(1)));
    assert!(disabled["disabled_reason"].as_str().unwrap().contains("410"));
    assert_eq!(disabled["last_delivery"]["status_code"], 410);
    let resumed = gateway.ask("POST", &path(&endpoint, "/resume"), None).await.expect(200);
    assert_eq!((&resumed["status"], &resumed["failure_count"]), (&json!("active"), &json!(0)));
    assert_eq!(resumed["disabled_reason"], Value::Null);
}

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap() {
    let gateway = Gateway::start().await;
    let endpoint = gateway.endpoint(json!({})).await;
    let rotate = async |body: Option<Value>| gateway.ask("POST", &path(&endpoint, "/rotate-secret"), body).await;

    let usual = rotate(None).await.expect(200);
    rotate(Some(Value::Null)).await.expect(200);
    assert_eq!(usual["previous_expires_at"], "2026-01-06T09:00:00.000Z");
    assert_ne!(usual["secret"], endpoint["secret"]);
    assert_eq!(
        rotate(Some(json!({ "overlap": "1h" }))).await.expect(200)["previous_expires_at"],
        "2026-01-05T10:00:00.000Z"
    );
    assert_eq!(rotate(Some(json!({ "overlap": "0s" }))).await.expect(200)["previous_expires_at"], Value::Null);
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    assert_eq!(rotate(Some(json!({ "secret": own }))).await.expect(200)["secret"], own);
    rotate(Some(json!({ "overlap": 5 }))).await.assert_refused(422, "invalid_request", &["/overlap"]);
    let refused = rotate(Some(json!({ "overlap": "soon", "secret": "x" }))).await;
    refused.assert_refused(422, "invalid_request", &["/overlap", "/secret"]);
}

#[tokio::test]
async fn a_test_waits_for_the_receivers_answer_also_when_paused() {
    let gateway = Gateway::start().await;
    let endpoint = gateway.endpoint(json!({ "active": false, "events": ["order.*"], "tenant": "t" })).await;
    gateway.endpoint(json!({ "events": ["posthaste.*"] })).await;
    let mut engine = gateway.engine();
    let asked = path(&endpoint, "/test");
    let (tested, ()) = tokio::join!(gateway.ask("POST", &asked, None), engine.attempt(500));
    let delivery = &tested.expect(200)["delivery"];
    assert_eq!((&delivery["status"], &delivery["event_type"]), (&json!("failed"), &json!("posthaste.test")));
    assert_eq!(delivery["attempts"][0]["status_code"], 500);
    assert_eq!(delivery["attempts"][0]["error"]["kind"], "status");
    let body: Value = serde_json::from_str(delivery["request_body"].as_str().unwrap()).unwrap();
    assert_eq!((&body["type"], &body["data"]["test"]), (&json!("posthaste.test"), &json!(true)));
    assert_eq!(gateway.inventory().await["deliveries"], 1);
}

#[tokio::test]
async fn a_test_whose_attempt_is_not_made_is_answered_when_patience_ends() {
    let gateway = Gateway::start().await;
    let endpoint = gateway.endpoint(json!({})).await;
    let asked = path(&endpoint, "/test");
    let patience = async {
        gateway.env.asleep(1).await;
        gateway.env.advance(std::time::Duration::from_secs(60));
    };
    let (tested, ()) = tokio::join!(gateway.ask("POST", &asked, None), patience);
    let delivery = &tested.expect(200)["delivery"];
    assert_eq!((&delivery["status"], &delivery["attempts"]), (&json!("pending"), &json!([])));
}

#[tokio::test]
async fn a_recovery_is_a_job() {
    let gateway = Gateway::start().await;
    gateway.event("a").await;
    gateway.env.advance(std::time::Duration::from_secs(60));
    let endpoint = gateway.endpoint(json!({})).await;
    let recover = async |body: Value| gateway.ask("POST", &path(&endpoint, "/recover"), Some(body)).await;
    let job = recover(json!({ "since": "2026-01-05T08:00:00Z", "only": "missed" })).await.expect(202);
    assert_eq!((&job["kind"], &job["total"]), (&json!("recover"), &json!(1)));
    recover(json!({})).await.assert_refused(422, "invalid_request", &["/since"]);
    recover(json!({ "since": "2027-01-01T00:00:00Z" })).await.assert_refused(422, "invalid_request", &["/since"]);
    let refused = recover(json!({ "since": "yesterday", "until": 5 })).await;
    refused.assert_refused(422, "invalid_request", &["/until"]);
    let refused = recover(json!({ "since": "yesterday", "until": "x", "only": "some" })).await;
    refused.assert_refused(422, "invalid_request", &["/since", "/until", "/only"]);
}

#[tokio::test]
async fn deleting_cancels_what_is_pending_and_keeps_it_listed() {
    let gateway = Gateway::start().await;
    let endpoint = gateway.endpoint(json!({})).await;
    gateway.event("a").await;
    gateway.ask("DELETE", &path(&endpoint, ""), None).await.expect(204);
    gateway.ask("DELETE", &path(&endpoint, ""), None).await.assert_refused(404, "not_found", &[]);
    gateway.ask("GET", &path(&endpoint, ""), None).await.assert_refused(404, "not_found", &[]);
    let listed = gateway.ask("GET", &path(&endpoint, "/deliveries"), None).await.expect(200);
    assert_eq!(
        (&listed["data"][0]["status"], &listed["data"][0]["reason"]),
        (&json!("cancelled"), &json!("endpoint_deleted"))
    );
}

#[tokio::test]
async fn endpoints_are_listed_newest_first_by_pages() {
    let gateway = Gateway::start().await;
    for index in 0..5 {
        gateway.env.advance(std::time::Duration::from_millis(1));
        gateway.endpoint(json!({ "name": index.to_string() })).await;
    }
    let mut names = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = gateway.ask("GET", &format!("/v1/endpoints{query}"), None).await.expect(200);
        names.extend(page["data"].as_array().unwrap().iter().map(|endpoint| endpoint["name"].clone()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(json!(names), json!(["4", "3", "2", "1", "0"]));
}
