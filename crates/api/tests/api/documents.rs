//! What the API says of itself.

use axum::body::Body;
use axum::http::Request;
use faultdisk::InjectedFault;

use crate::gateway::Gateway;

async fn open(gateway: &Gateway, path: &str) -> crate::gateway::Answer {
    gateway.send(Request::builder().uri(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn health_readiness_and_documents_need_no_key() {
    let gateway = Gateway::start().await;
    assert_eq!(open(&gateway, "/healthz").await.expect(200)["status"], "ok");
    assert_eq!(open(&gateway, "/readyz").await.expect(200)["status"], "ok");
    let document = open(&gateway, "/openapi.json").await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let page = open(&gateway, "/docs").await;
    assert_eq!(
        (page.status.as_u16(), &page.headers["content-type"]),
        (200, &"text/html; charset=utf-8".parse().unwrap())
    );
    assert!(page.text.contains("id=\"url_not_allowed\""));
}

#[tokio::test]
async fn a_store_that_has_stopped_is_unavailable_and_its_reasons_stay_ours() {
    let gateway = Gateway::start().await;
    gateway.store.close().await;
    let answers = [
        open(&gateway, "/readyz").await,
        gateway.ask("POST", "/v1/events", Some(serde_json::json!({ "type": "a", "data": 1 }))).await,
    ];
    for answer in answers {
        answer.assert_refused(503, "unavailable", &[]);
        assert_eq!(answer.headers["retry-after"], "5");
        assert!(!answer.text.contains("stopped"), "{}", answer.text);
    }
    open(&gateway, "/healthz").await.expect(200);
}

#[tokio::test]
async fn a_full_disk_is_told_to_who_sends_and_what_is_sent_once_there_is_room_is_taken() {
    let gateway = Gateway::start().await;
    let send = async || gateway.ask("POST", "/v1/events", Some(serde_json::json!({ "type": "a", "data": 1 }))).await;
    let disk = gateway.disk();
    disk.fail(0, InjectedFault::Full, true);
    let refused = send().await;
    refused.assert_refused(503, "unavailable", &[]);
    let detail = refused.json()["detail"].clone();
    assert_eq!(detail, "Nothing can be stored right now: the server's disk is full.");
    assert!(refused.headers.contains_key("retry-after"));
    disk.mend();
    send().await.expect(202);
    assert_eq!(gateway.inventory().await["events"], 1, "what was refused is not there");
}

#[tokio::test]
async fn every_documented_query_parameter_is_taken() {
    let gateway = Gateway::start().await;
    let document = open(&gateway, "/openapi.json").await.json();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for parameter in methods["get"]["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                let name = parameter["name"].as_str().unwrap();
                let path = path.replace("{id}", "ep_00000000000000000000000000");
                let answer = gateway.ask("GET", &format!("{path}?{name}=%00"), None).await;
                assert!(!answer.text.contains("not known here"), "{path} {name}: {}", answer.text);
                tried += 1;
            }
        }
    }
    assert!(tried > 20, "{tried}");
}

#[tokio::test]
async fn routes_that_take_a_body_say_that_it_may_come_too_slowly_and_others_do_not() {
    let document = api::openapi().as_value().clone();
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap().values());
    let mut taking = 0;
    for operation in operations {
        let takes_a_body = operation.get("requestBody").is_some();
        assert_eq!(operation["responses"].get("408").is_some(), takes_a_body, "{}", operation["operationId"]);
        taking += usize::from(takes_a_body);
    }
    assert!(taking > 10, "{taking}");
}

#[tokio::test]
async fn every_reference_in_the_document_leads_somewhere() {
    let document = api::openapi().as_value().clone();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(!document["components"]["schemas"][name].is_null(), "{name}");
    }
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert!(!operation["responses"].as_object().unwrap().is_empty(), "{method} {path}");
        }
    }
}
