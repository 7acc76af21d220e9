//! The OpenAPI document held against the server by schemathesis: requests that fit it are taken, answers are the documented
//! ones, and nothing breaks the server.

use serde_json::{Value, json};
use testkit::receiver::Nobody;

use crate::gateway::text;
use crate::peers;
use crate::place::Place;
use crate::running::{KEY, Running};

/// Generated requests an operation, besides those of examples.
const EXAMPLES: usize = 8;

/// What JSON Schema cannot say: codes of their own for other languages and catalogues, and rules between two members, or
/// with the time of day, or with what is stored.
const HOOKS: &str = r#"
import schemathesis

BEYOND_SCHEMAS = {
    "url_not_allowed", "template_invalid", "filter_invalid", "dialect_invalid", "schema_violation", "unknown_event_type",
}
BETWEEN_MEMBERS = {
    ("POST", "/v1/endpoints/{id}/recover"): {"/since"},
    ("POST", "/v1/endpoints/{id}/rotate-secret"): {"/secret"},
    ("POST", "/v1/endpoints"): {"/secret", "/signing", "/headers"},
    ("PATCH", "/v1/endpoints/{id}"): {"/headers"},
    ("POST", "/v1/events"): {"/expires_at", "/deliver_at"},
    ("POST", "/v1/templates/preview"): {"/event/expires_at", "/event/deliver_at"},
    ("PUT", "/v1/event-types/{name}"): {"/schema", "/example"},
    ("PATCH", "/v1/projects/{id}"): {"/dialect", "/retention"},
    ("POST", "/v1/projects"): {"/slug", "/retention"},
    ("POST", "/webhooks"): {"/auth_type", "/auth_token", "/auth_username", "/auth_password", "/api_key_header", "/api_key_value", "/headers"},
}


@schemathesis.check
def takes_what_fits(ctx, response, case):
    if response.status_code < 400 or response.status_code in (401, 403, 404, 409):
        return
    problem = response.json()
    if problem["code"] in BEYOND_SCHEMAS:
        return
    known = BETWEEN_MEMBERS.get((case.operation.method.upper(), case.operation.path), set())
    told = {error["pointer"] for error in problem.get("errors", [])}
    if told and all(any(pointer == one or pointer.startswith(one + "/") for one in known) for pointer in told):
        return
    raise AssertionError(f"{response.status_code} to a request that fits: {response.text[:2000]}")
"#;

const CHECKS: &str =
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,takes_what_fits";

/// A server that sends nothing anywhere: the proxy that everything goes through is not there. Where the machine is slow it
/// waits for its database, since a 503 is a server error here.
async fn sealed<'a>(place: &'a Place, proxy: &'a str) -> Running {
    Running::start(place, &["--proxy", proxy, "--proxy-resolves", "--database-patience", "60s"]).await
}

async fn project(server: &Running, dialect: &str) -> String {
    let asked = json!({ "name": dialect, "slug": dialect, "dialect": dialect });
    text(&server.http.post("/v1/projects", &asked).await.expect(201)["api_key"])
}

#[tokio::test]
async fn the_document_is_as_the_server_behaves() {
    let place = Place::fresh().await;
    let nobody = Nobody::refusing();
    let proxy = format!("http://{}", nobody.address());
    let server = sealed(&place, &proxy).await;
    let (webhooks, hooks) = (project(&server, "trakkr").await, project(&server, "tracktile").await);
    let folder = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(folder.path().join("hooks.py"), HOOKS).expect("it can be written");
    for (paths, key) in [("^/v1/", KEY), ("^/webhooks", &webhooks), ("^/hooks", &hooks)] {
        let document = format!("{}/openapi.json", server.http.base());
        let authorization = format!("Authorization: Bearer {key}");
        let examples = EXAMPLES.to_string();
        let output = peers::schemathesis(folder.path())
            .args(["run", &document, "--header", &authorization, "--include-path-regex", paths])
            .args([
                "--checks",
                CHECKS,
                "--mode",
                "positive",
                "--phases",
                "examples,fuzzing",
                "--max-examples",
                &examples,
            ])
            .args(["--generation-deterministic", "--continue-on-failure", "--no-color"])
            .args(["--suppress-health-check", "all", "--request-timeout", "120"])
            .output()
            .await
            .expect("python3 runs");
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{paths}: {}", String::from_utf8_lossy(&said));
    }
}

/// Members of a schema of the document.
fn members<'d>(document: &'d Value, schema: &str) -> &'d serde_json::Map<String, Value> {
    document["components"]["schemas"][schema]["properties"].as_object().unwrap_or_else(|| panic!("no {schema}"))
}

#[tokio::test]
async fn the_document_says_what_values_are_taken() {
    let gateway = crate::gateway::Gateway::new().start().await;
    let document = gateway.admin().get("/openapi.json").await.expect(200);
    assert_eq!(document["servers"], json!([{ "url": "/" }]));
    let list = document["paths"]["/v1/deliveries"]["get"].clone();
    let limit = list["parameters"].as_array().expect("a list").iter().find(|one| one["name"] == "limit");
    let limit = &limit.expect("lists have limits")["schema"];
    assert_eq!((&limit["minimum"], &limit["maximum"]), (&json!(1), &json!(250)));
    assert!(list["responses"].get("409").is_none());
    assert_eq!(members(&document, "NewEndpoint")["ordering"]["enum"], json!(["none", "fifo", null]));
    assert_eq!(members(&document, "Job")["status"]["enum"], json!(["running", "done", "cancelled", "failed"]));
    assert!(members(&document, "EndpointChange").get("secret").is_none());

    // Its example of a test is one that runs.
    let endpoint = gateway.admin().post("/v1/endpoints", &json!({ "url": "http://127.0.0.1:1/" })).await.expect(201);
    let example = &document["components"]["schemas"]["Test"]["example"];
    let test = format!("/v1/endpoints/{}/test", text(&endpoint["id"]));
    gateway.admin().post(&test, example).await.expect(200);

    // Where a dialect's types have any names, the project's document says so.
    let project = gateway.project("any").await;
    let file = "name = \"acme\"\ncatalogue.names = \"any\"\n";
    let http = project.http.clone().header("content-type", "application/toml");
    http.send(hyper::Method::PUT, "/v1/dialects/acme", file.into()).await.expect(201);
    gateway.admin().patch("/v1/projects/any", &json!({ "dialect": "acme" })).await.expect(200);
    let pattern = |document: &Value| text(&members(document, "NewEvent")["type"]["pattern"]);
    let own = project.http.get("/openapi.json").await.expect(200);
    assert!(pattern(&document).contains("A-Za-z0-9_") && pattern(&own).contains("!-)"), "{}", pattern(&own));
}
