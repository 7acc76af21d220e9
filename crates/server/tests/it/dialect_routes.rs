//! Dialects by the API: those that come with Posthaste, and a project's own.

use hyper::Method;
use hyper::body::Bytes;
use serde_json::{Value, json};
use testkit::http::{Answer, Http};
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, Project, faults, list, text};

const ACME: &str =
    "# How Acme speaks.\nname = \"acme\"\ntitle = \"Acme\"\n\n[headers]\nX-Acme-Event = \"{{event.type}}\"\n";

async fn put(project: &Project<'_>, name: &str, toml: impl Into<Bytes>) -> Answer {
    let http = project.http.clone().header("content-type", "application/toml");
    http.send(Method::PUT, &format!("/v1/dialects/{name}"), toml.into()).await
}

async fn in_toml(http: &Http, name: &str) -> Answer {
    http.clone().header("accept", "application/toml").get(&format!("/v1/dialects/{name}")).await
}

async fn speak(gateway: &Gateway, project: &str, dialect: &str) -> Value {
    let path = format!("/v1/projects/{project}");
    gateway.admin().patch(&path, &json!({ "dialect": dialect })).await.expect(200)
}

#[tokio::test]
async fn the_dialects_are_listed_built_in_ones_first() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    put(&project, "acme", ACME).await.expect(201);
    let dialects = project.list("/v1/dialects").await;
    let standard = json!({ "name": "standard", "title": "Standard Webhooks", "built_in": true, "updated_at": null });
    assert_eq!(dialects[0], standard);
    let own = dialects.last().expect("there are several");
    assert_eq!((&own["name"], &own["title"], &own["built_in"]), (&json!("acme"), &json!("Acme"), &json!(false)));
    assert!(own["updated_at"].is_string());
    let others = list(&gateway.admin(), "/v1/dialects").await;
    assert!(others.iter().all(|dialect| dialect["built_in"] == true), "another project's are not for us: {others:?}");
}

#[tokio::test]
async fn a_dialect_comes_back_as_it_was_put_until_it_is_deleted() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let made = put(&project, "acme", ACME).await.expect(201);
    assert_eq!(made, json!({ "name": "acme", "title": "Acme", "built_in": false, "updated_at": made["updated_at"] }));
    put(&project, "acme", ACME).await.expect(200);

    let toml = in_toml(&project.http, "acme").await;
    assert_eq!((toml.header("content-type"), toml.text()), (Some("application/toml"), ACME));
    let json = project.http.get("/v1/dialects/acme").await.expect(200);
    assert_eq!(json, json!({ "name": "acme", "title": "Acme", "headers": { "X-Acme-Event": "{{event.type}}" } }));

    let path = "/v1/dialects/acme";
    assert_eq!(gateway.admin().get(path).await.expect(404)["code"], "not_found", "it is the project's alone");
    project.http.delete(path).await.expect(204);
    for answer in [project.http.get(path).await, project.http.delete(path).await] {
        assert_eq!(answer.expect(404)["code"], "not_found");
    }
}

#[tokio::test]
async fn a_dialect_can_be_put_as_json() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let file = json!({
        "title": "Acme",
        "retry": { "schedule": ["1s"], "jitter": 0.5 },
        "event_types": [{ "name": "a.b", "schema": { "type": "object" }, "example": { "id": 1 } }],
    });
    project.put("/v1/dialects/acme", &file).await.expect(201);
    let shown = project.http.get("/v1/dialects/acme").await.expect(200);
    assert_eq!(shown["name"], "acme");
    assert_eq!((&shown["retry"], &shown["event_types"]), (&file["retry"], &file["event_types"]));
    let again = project.put("/v1/dialects/acme", &shown).await.expect(200);
    assert_eq!(again["title"], "Acme", "what was shown can be put");
}

#[tokio::test]
async fn every_dialect_that_is_shown_can_be_put_under_another_name() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    for dialect in project.list("/v1/dialects").await {
        let name = text(&dialect["name"]);
        let mut shown = project.http.get(&format!("/v1/dialects/{name}")).await.expect(200);
        shown["name"] = json!(format!("my-{name}"));
        project.put(&format!("/v1/dialects/my-{name}"), &shown).await.expect(201);
        let toml =
            in_toml(&project.http, &name).await.text().replacen(&format!("\"{name}\""), &format!("\"our-{name}\""), 1);
        put(&project, &format!("our-{name}"), toml).await.expect(201);
    }
}

#[tokio::test]
async fn every_mistake_is_told_with_its_place_and_line() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let broken =
        "name = \"acme\"\n[[signatures]]\nheader = \"X-Sig\"\nformat = \"sha256=\"\n[limits]\ntimeout = \"soon\"\n";
    let problem = put(&project, "acme", broken).await.expect(422);
    assert_eq!(problem["code"], "dialect_invalid");
    let told = faults(&problem);
    let places: Vec<&str> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(places, ["/signatures/0/format", "/limits/timeout"]);
    assert!(told[0].1.starts_with("line 4: ") && told[0].1.contains("{{signature}}"), "{told:?}");
    assert!(told[1].1.starts_with("line 6: "), "{told:?}");

    let json = json!({ "name": "acme", "limits": { "timeout": "soon" }, "headers": { "X-A.b": "{{nobody}}" } });
    let told = faults(&project.put("/v1/dialects/acme", &json).await.expect(422));
    let mut places: Vec<&str> = told.iter().map(|(pointer, _)| pointer.as_str()).collect();
    places.sort_unstable();
    assert_eq!(places, ["/headers/X-A.b", "/limits/timeout"]);
    assert!(told.iter().all(|(_, message)| !message.starts_with("line")), "nobody wrote these lines: {told:?}");

    let no_json = project.http.send(Method::PUT, "/v1/dialects/acme", "{oops".into()).await.expect(400);
    assert_eq!(no_json["code"], "invalid_json");
    let unreadable = put(&project, "acme", "name = ").await.expect(422);
    assert_eq!(unreadable["code"], "dialect_invalid");
    assert_eq!(project.http.get("/v1/dialects/acme").await.status, 404, "nothing of it was stored");
}

#[tokio::test]
async fn the_name_may_be_left_out_and_is_never_another_than_the_paths() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    put(&project, "acme", "title = \"Acme\"\n").await.expect(201);
    assert_eq!(project.http.get("/v1/dialects/acme").await.expect(200)["name"], "acme");
    assert_eq!(in_toml(&project.http, "acme").await.text(), "name = \"acme\"\ntitle = \"Acme\"\n");

    let told = faults(&put(&project, "acme", "title = \"Acme\"\naccent_color = \"green\"\n").await.expect(422));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 == "/accent_color" && told[0].1.starts_with("line 2: "), "{told:?}");

    let told = faults(&put(&project, "other", ACME).await.expect(422));
    assert!(told[0].0 == "/name" && told[0].1.contains("acme") && told[0].1.contains("other"), "{told:?}");
    assert_eq!(put(&project, "Not%20a%20name", "title = \"x\"\n").await.expect(422)["code"], "dialect_invalid");
}

#[tokio::test]
async fn what_comes_with_posthaste_stays_as_it_is() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    for answer in [put(&project, "trakkr", ACME).await, project.http.delete("/v1/dialects/trakkr").await] {
        let problem = answer.expect(409);
        assert_eq!(problem["code"], "not_editable");
        assert!(text(&problem["detail"]).contains("comes with Posthaste"), "{problem}");
    }
    let toml = in_toml(&project.http, "standard").await;
    assert!(toml.text().starts_with("# Standard Webhooks 1.0"), "with its comments");
}

#[tokio::test]
async fn a_body_that_is_no_dialect_file_is_refused_by_its_kind_and_its_size() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let yaml = project.http.clone().header("content-type", "application/yaml");
    let problem = yaml.send(Method::PUT, "/v1/dialects/acme", "name: acme".into()).await.expect(415);
    assert!(text(&problem["detail"]).contains("application/toml"), "{problem}");
    let large = format!("{ACME}# {}\n", "x".repeat(256 * 1024));
    assert_eq!(put(&project, "acme", large).await.expect(413)["code"], "payload_too_large");
}

#[tokio::test]
async fn only_who_may_change_the_project_changes_its_dialects() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let key =
        project.http.post("/v1/keys", &json!({ "name": "r", "scopes": ["read", "endpoints:write"] })).await.expect(201);
    let reader = Http::new(gateway.url()).key(&text(&key["api_key"]));
    assert_eq!(reader.get("/v1/dialects/standard").await.status, 200);
    let toml = reader.clone().header("content-type", "application/toml");
    for answer in [
        toml.send(Method::PUT, "/v1/dialects/acme", ACME.into()).await,
        reader.delete("/v1/dialects/acme").await,
        reader.send(Method::PUT, "/v1/event-types/a.b", "{}".into()).await,
        reader.delete("/v1/event-types/a.b").await,
    ] {
        assert_eq!(answer.expect(403)["code"], "forbidden");
    }
}

#[tokio::test]
async fn the_dialect_that_a_project_speaks_cannot_be_deleted() {
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    put(&project, "acme", ACME).await.expect(201);
    speak(&gateway, "shop", "acme").await;
    let problem = project.http.delete("/v1/dialects/acme").await.expect(409);
    assert_eq!(problem["code"], "conflict");
    assert!(text(&problem["detail"]).contains("PATCH /v1/projects/shop"), "{problem}");
    speak(&gateway, "shop", "standard").await;
    project.http.delete("/v1/dialects/acme").await.expect(204);
}

#[tokio::test]
async fn a_changed_dialect_holds_from_the_next_delivery_on() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await.endpoint(receiver.url()).await;
    put(&project, "acme", ACME).await.expect(201);
    let spoken = speak(&gateway, "shop", "acme").await;
    assert!(spoken.get("warnings").is_none(), "{spoken}");
    project.send("order.paid", json!({})).await;
    gateway.at_rest().await;

    put(&project, "acme", ACME.replace("X-Acme-Event", "X-Acme-Kind")).await.expect(200);
    project.send("order.paid", json!({})).await;
    gateway.at_rest().await;

    let requests = receiver.requests();
    assert_eq!(requests[0].header("x-acme-event"), Some("order.paid"));
    assert_eq!((requests[1].header("x-acme-event"), requests[1].header("x-acme-kind")), (None, Some("order.paid")));
}

#[tokio::test]
async fn endpoints_that_a_dialect_cannot_speak_to_are_told_at_once_and_say_so_at_their_deliveries() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project("shop").await;
    let open = "signatures = []\n[endpoints]\nsecret = \"never\"\n";
    put(&project, "acme", open).await.expect(201);
    speak(&gateway, "shop", "acme").await;
    let endpoint = project.register(json!({ "url": receiver.url(), "events": ["order.paid"] })).await;
    assert!(endpoint.get("secret").is_none());

    let warned = put(&project, "acme", "title = \"Signed\"\n").await.expect(200);
    let warnings = warned["warnings"].as_array().expect("there is something to say");
    let told = text(&warnings[0]);
    assert!(
        warnings.len() == 1 && told.contains(&text(&endpoint["id"])) && told.contains("rotate its secret"),
        "{told}"
    );
    let event = project.send("order.paid", json!({})).await;
    gateway.at_rest().await;
    let delivery = project.delivery_of(&event).await;
    assert_eq!(delivery["attempts"][0]["error"]["kind"], "render");
    assert!(text(&delivery["attempts"][0]["error"]["message"]).contains("rotate its secret"), "{delivery}");

    project.ask(&endpoint, "rotate-secret").await;
    let retry = format!("/v1/deliveries/{}/retry", text(&delivery["id"]));
    project.http.post(&retry, &json!({})).await.expect(202);
    gateway.at_rest().await;
    assert!(receiver.requests()[0].header("webhook-signature").is_some());

    let closed = "[catalogue]\nopen = false\n";
    let warned = put(&project, "acme", closed).await.expect(200);
    assert!(text(&warned["warnings"][0]).contains("order.paid is not in the catalogue"), "{warned}");
    let spoken = speak(&gateway, "shop", "trackdesk").await;
    assert!(text(&spoken["warnings"][0]).contains("order.paid"), "{spoken}");
}
