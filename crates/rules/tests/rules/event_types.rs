//! Event types of a project's own.

use model::rejection::{Rejection, RejectionCode};
use rules::event_types::{Description, example, judge_name};

use super::{assert_refused, built_in, written};

fn judged(text: &str) -> Result<(), Rejection> {
    written::<Description>(text).judge("invoice.paid".parse().expect("a type"), &built_in("standard")).map(|_| ())
}

#[test]
fn a_description_is_held_to_its_bounds_and_an_example_to_its_schema() {
    let (group, description) = ("g".repeat(129), "d".repeat(2049));
    let long = format!(r#"{{"group": "{group}", "description": "{description}"}}"#);
    assert_refused(judged(&long), RejectionCode::InvalidRequest, &["/group", "/description"], "too long");

    let unfit = r#"{"schema": {"type": "object", "required": ["id"]}, "example": {}}"#;
    let rejection = judged(unfit).unwrap_err();
    assert_eq!(rejection.code, RejectionCode::InvalidRequest);
    assert!(rejection.field_errors[0].pointer.starts_with("/example"), "{rejection:?}");
    assert!(judged(r#"{"schema": {"type": "object", "required": ["id"]}, "example": {"id": 1}}"#).is_ok());
}

#[test]
fn names_of_our_own_events_are_ours() {
    let rejection = judge_name("posthaste.endpoint.disabled", &built_in("standard")).unwrap_err();
    assert!(rejection.field_errors.is_empty() && rejection.detail.is_some(), "{rejection:?}");
    assert!(judge_name("invoice.paid", &built_in("standard")).is_ok());
}

#[test]
fn an_example_is_of_a_type_that_is_known() {
    let refused = example("no_such_type", &built_in("trakkr"));
    assert_refused(refused, RejectionCode::UnknownEventType, &["/event_type"], "no_such_type");
}
