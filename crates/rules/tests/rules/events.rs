//! Events.

use model::project::Tenants;
use model::rejection::{Rejection, RejectionCode};
use rules::event_types::Hints;
use rules::events::new_event::{NewEvent, ValidEvent};
use testkit::clock::{START, TestEnv};

use super::{assert_refused, built_in, project, written};

fn judged(dialect: &str, tenants: Tenants, key: Option<&str>, text: &str) -> Result<ValidEvent, Rejection> {
    let (event, key): (NewEvent<'_>, _) = (written(text), key.map(str::to_owned));
    event.judge(&project(tenants), &built_in(dialect), key, &TestEnv::new(), &Hints::default())
}

fn standard(text: &str) -> Result<ValidEvent, Rejection> {
    judged("standard", Tenants::Optional, None, text)
}

#[test]
fn every_fault_of_an_event_is_named() {
    let cases: [(&str, &[&str]); 9] = [
        ("{}", &["/type", "/data"]),
        (r#"{"type": "not a type", "data": 1}"#, &["/type"]),
        (r#"{"type": "posthaste.endpoint.disabled", "data": 1}"#, &["/type"]),
        (r#"{"type": "a", "data": 1, "id": "a b", "occurred_at": "today"}"#, &["/id", "/occurred_at"]),
        (r#"{"type": "a", "data": 1, "expires_at": "2020-01-01T00:00:00Z"}"#, &["/expires_at"]),
        (r#"{"type": "a", "data": 1, "deliver_at": "2028-01-01T00:00:00Z"}"#, &["/deliver_at"]),
        (
            r#"{"type": "a", "data": 1, "deliver_at": "2026-02-02T00:00:00Z", "expires_at": "2026-02-01T00:00:00Z"}"#,
            &["/expires_at"],
        ),
        (r#"{"type": "a", "data": 1, "tenant": ""}"#, &["/tenant"]),
        (r#"{"type": "a", "data": 1, "brand": "acme", "workflow": []}"#, &["/brand", "/workflow"]),
    ];
    for (text, pointers) in cases {
        assert_refused(standard(text), RejectionCode::InvalidRequest, pointers, text);
    }
}

#[test]
fn a_project_may_require_tenants() {
    let (without, with) = (r#"{"type": "a", "data": 1}"#, r#"{"type": "a", "data": 1, "tenant": "t"}"#);
    let required = |text| judged("standard", Tenants::Required, None, text);
    assert_refused(required(without), RejectionCode::InvalidRequest, &["/tenant"], without);
    assert_eq!(required(with).unwrap().event.tenant.as_deref(), Some("t"));
}

#[test]
fn data_has_a_bound() {
    let data = "x".repeat(built_in("standard").limits.payload_bytes);
    let text = format!(r#"{{"type": "a", "data": "{data}"}}"#);
    assert_refused(standard(&text), RejectionCode::PayloadTooLarge, &["/data"], "too much data");
}

#[test]
fn a_dialect_with_a_catalogue_takes_its_types_alone_and_says_which_was_meant() {
    let text = r#"{"type": "visibility_change", "data": {}}"#;
    let refused = judged("trakkr", Tenants::Optional, None, text);
    assert_refused(refused.clone(), RejectionCode::UnknownEventType, &["/type"], text);
    let message = &refused.unwrap_err().field_errors[0].message;
    assert!(message.contains("did you mean visibility_changed"), "{message}");
}

#[test]
fn what_is_valid_is_as_it_was_written() {
    let valid = standard(r#"{"type": "invoice.paid", "data": {"amount": 1.00}}"#).unwrap();
    assert_eq!(valid.event.data.as_str(), r#"{"amount": 1.00}"#);
    assert_eq!((valid.event.occurred_at, valid.event.created_at), (START, START));
    assert_eq!((valid.chose_id, valid.idempotency_key, valid.fingerprint), (false, None, None));
}

#[test]
fn a_repeat_has_the_same_fingerprint_and_another_request_has_not() {
    let fingerprint = |text| judged("standard", Tenants::Optional, Some("key"), text).unwrap().fingerprint.unwrap();
    let first = fingerprint(r#"{"type": "a", "data": 1}"#);
    assert_eq!(first, fingerprint(r#"{"data": 1, "type": "a"}"#));
    assert_ne!(first, fingerprint(r#"{"type": "a", "data": 2}"#));
}
