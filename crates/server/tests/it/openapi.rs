//! The OpenAPI document of a project: its event types as webhooks, as its dialect speaks of them.

use serde_json::{Value, json};
use testkit::http::Http;
use testkit::receiver::Receiver;

use crate::gateway::{Gateway, text};
use crate::peers::python;

/// Answers each document with what is wrong with it, or null.
const VALIDATE: &str = "
import json, sys
from openapi_spec_validator import OpenAPIV31SpecValidator
for line in sys.stdin:
    errors = OpenAPIV31SpecValidator(json.loads(line)).iter_errors()
    print(json.dumps(next((str(error) for error in errors), None)))
";

#[tokio::test]
async fn a_projects_types_are_the_webhooks_of_its_document() {
    let receiver = Receiver::healthy().start().await;
    let gateway = Gateway::new().start().await;
    let project = gateway.project_speaking("brands", "trakkr").await;
    let document = project.http.get("/openapi.json").await.expect(200);
    let webhooks = document["webhooks"].as_object().expect("an object");
    let types = project.list("/v1/event-types").await;
    assert_eq!(webhooks.len(), types.len());

    let lost = &webhooks["citation_lost"]["post"];
    assert_eq!((&lost["description"], &lost["tags"]), (&types[4]["description"], &json!([types[4]["group"]])));
    let headers: Vec<String> =
        lost["parameters"].as_array().expect("a list").iter().map(|parameter| text(&parameter["name"])).collect();
    assert_eq!(headers, ["webhook-id", "webhook-timestamp", "x-trakkr-signature"]);
    let content = &lost["requestBody"]["content"]["application/json"];
    assert_eq!(content["schema"]["properties"]["event"]["properties"]["data"], types[4]["schema"]);

    let endpoint =
        json!({ "url": receiver.url(), "events": ["citation_lost"], "tenant": "b1", "secret": "sixteen letters." });
    let endpoint = project.register(endpoint).await;
    project.ask(&endpoint, "test").await;
    let request = receiver.requests().remove(0);
    for header in headers {
        assert!(request.header(&header).is_some(), "{header} is in the document and not in the request");
    }
    let members = |body: &Value| body.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&content["example"]), members(&request.json()));
    assert_eq!(content["example"]["event"]["data"], request.json()["event"]["data"]);
}

#[tokio::test]
async fn the_document_of_every_dialect_is_a_valid_one() {
    let gateway = Gateway::new().start().await;
    let mut documents = vec![Http::new(gateway.url()).get("/openapi.json").await.expect(200)];
    let admin = gateway.admin();
    for dialect in crate::gateway::list(&admin, "/v1/dialects").await {
        let name = text(&dialect["name"]);
        let project = gateway.project_speaking(&format!("in-{name}"), &name).await;
        let own = json!({
            "group": "Events", "description": "Ours.\nAll of it.", "example": { "id": "a" },
            "schema": { "$ref": "#/$defs/thing", "$defs": { "thing": { "type": "object" } } },
        });
        project.put("/v1/event-types/own.type", &own).await.expect(201);
        project.put("/v1/event-types/bare", &json!({})).await.expect(201);
        documents.push(project.http.get("/openapi.json").await.expect(200));
    }
    let verdicts = python(VALIDATE, &documents).await;
    assert_eq!(verdicts, vec![Value::Null; documents.len()]);
}

#[tokio::test]
async fn without_a_key_the_document_is_everybodys_and_a_wrong_key_is_none() {
    let gateway = Gateway::new().start().await;
    let anybody = Http::new(gateway.url());
    let webhooks = anybody.get("/openapi.json").await.expect(200)["webhooks"].clone();
    assert_eq!(webhooks.as_object().expect("an object").keys().collect::<Vec<_>>(), ["event"]);
    assert_eq!(anybody.key("ph_wrong").get("/openapi.json").await.expect(401)["code"], "unauthorized");
}
